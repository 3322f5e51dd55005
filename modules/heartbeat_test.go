package modules

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/transport"
)

// TestHeartbeatSetting runs the program with the shortest heartbeat and waits for one on each transport that has them.
func TestHeartbeatSetting(t *testing.T) {
	c := read(t, "listen: 127.0.0.1:0\nadmin: ''\nawait: {heartbeat: 1s}\nlog: {level: error}")
	tickets, err := Tickets(c)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tickets.Mint("order-1001", time.Now().Add(time.Minute), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // half of the default heartbeat
	defer cancel()
	err = Program{Config: c, Log: io.Discard, Started: func(s *transport.Server) error {
		defer cancel()
		url := "http://" + s.Addr().String() + "/v1/payments/~/"
		return errors.Join(streamPing(ctx, url+"sse", token), socketPing(ctx, url+"ws", token))
	}}.Run(ctx)
	if err != nil {
		t.Error(err)
	}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func streamPing(ctx context.Context, url, token string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	r.Header = bearer(token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if lines.Text() == "event: ping" {
			return nil
		}
	}
	return errors.New("the stream had no heartbeat")
}

func socketPing(ctx context.Context, url, token string) error {
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: bearer(token)})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil || strings.Contains(string(text), `"ping"`) {
			return err
		}
	}
}
