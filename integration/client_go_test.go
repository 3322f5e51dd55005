package integration_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"
	"github.com/tmaxmax/go-sse"
)

// gorillaWebSocket waits with github.com/gorilla/websocket. The ticket travels as a subprotocol.
func gorillaWebSocket(ctx context.Context, r request, tell func(line)) {
	dialer := websocket.Dialer{Subprotocols: []string{"tillbell.v1", "bearer." + r.ticket}}
	header := make(http.Header)
	if r.cursor != "" {
		header.Set("Last-Event-ID", r.cursor)
	}
	conn, resp, err := dialer.DialContext(ctx, r.target("ws", nil), header)
	if errors.Is(err, websocket.ErrBadHandshake) {
		tell(line{Kind: "refused", HTTP: resp.StatusCode})
		return
	}
	if err != nil {
		tell(line{Kind: "error", Data: err.Error()})
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if conn.Subprotocol() != "tillbell.v1" {
		tell(line{Kind: "error", Data: "the subprotocol is " + conn.Subprotocol()})
		return
	}
	tell(line{Kind: "opened"})
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			tell(closed(err))
			return
		}
		tell(line{Kind: "message", Data: string(text)})
	}
}

func closed(err error) line {
	if end, ok := errors.AsType[*websocket.CloseError](err); ok {
		return line{Kind: "closed", Close: end.Code}
	}
	return line{Kind: "closed", Close: websocket.CloseAbnormalClosure}
}

// goSSE waits with github.com/tmaxmax/go-sse, which comes back by itself. The ticket travels in a header.
func goSSE(ctx context.Context, r request, tell func(line)) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.target("sse", nil), nil)
	if err != nil {
		tell(line{Kind: "error", Data: err.Error()})
		return
	}
	req.Header.Set("Authorization", "Bearer "+r.ticket)
	if r.cursor != "" {
		req.Header.Set("Last-Event-ID", r.cursor)
	}
	client := sse.Client{
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		ResponseValidator: func(resp *http.Response) error {
			err := sse.DefaultValidator(resp)
			if err != nil {
				tell(line{Kind: "refused", HTTP: resp.StatusCode})
				return err
			}
			tell(line{Kind: "opened"})
			return nil
		},
	}
	conn := client.NewConnection(req)
	conn.SubscribeToAll(func(e sse.Event) {
		l := line{Kind: e.Type, ID: e.LastEventID, Data: e.Data}
		if l.Kind == "" {
			l.Kind = "event"
		}
		tell(l)
	})
	_ = conn.Connect() // it returns when the client gives up, which is what the frames are about
}

// ticketInQuery is for clients that can send no header.
func ticketInQuery(r request) url.Values { return url.Values{"ticket": {r.ticket}} }
