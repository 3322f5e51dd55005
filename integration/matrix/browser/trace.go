//go:build linux

package browser

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The kinds of requests for a payment.
const (
	State = "state" // the snapshot
	SSE   = "sse"
	WS    = "ws"
	Poll  = "poll"
)

// A Request is one that a page has made for a payment.
type Request struct {
	Kind   string
	At     time.Time // when the page made it
	Status int       // of its answer, 0 until there is one
	// News is when the answer told what is no longer pending: the browser's clock, in seconds, 0 if it has not.
	News float64

	id network.RequestID
}

// trace keeps a tab's requests. Its fields are guarded by the tab's mutex.
type trace struct {
	tab      *Tab
	requests []*Request
	text     map[network.RequestID]string // the end of what a stream has told
}

// Requests returns the requests for payments so far.
func (t *Tab) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Request
	for _, r := range t.trace.requests {
		all = append(all, *r)
	}
	return all
}

// kind returns what a URL asks for, "" for anything else than a payment.
func kind(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	_, payment, found := strings.Cut(u.EscapedPath(), "/v1/payments/")
	if !found {
		return ""
	}
	_, transport, found := strings.Cut(payment, "/")
	if !found {
		return State
	}
	return transport
}

// told reports whether a text says that a payment is no longer pending, or that the wait for it is over.
func told(text string) bool {
	return strings.Contains(text, `"status":"paid"`) || strings.Contains(text, `"code":"expired"`)
}

// hear takes an event of the network domain.
func (tr *trace) hear(what any) {
	tr.tab.mu.Lock()
	defer tr.tab.mu.Unlock()
	switch e := what.(type) {
	case *network.EventRequestWillBeSent:
		if k := kind(e.Request.URL); k != "" && e.Request.Method != "OPTIONS" {
			at := time.UnixMilli(int64(e.WallTime.Float64() * 1000))
			tr.requests = append(tr.requests, &Request{Kind: k, At: at, id: e.RequestID})
		}
	case *network.EventWebSocketCreated: // which has no time
		if k := kind(e.URL); k != "" {
			tr.requests = append(tr.requests, &Request{Kind: k, At: time.Now(), id: e.RequestID})
		}
	case *network.EventResponseReceived:
		if r := tr.find(e.RequestID); r != nil {
			tr.answered(r, int(e.Response.Status), e.Timestamp.Float64())
		}
	case *network.EventWebSocketHandshakeResponseReceived:
		if r := tr.find(e.RequestID); r != nil {
			tr.answered(r, int(e.Response.Status), e.Timestamp.Float64())
		}
	case *network.EventDataReceived:
		if r := tr.find(e.RequestID); r != nil && len(e.Data) > 0 {
			tr.take(r, string(e.Data), e.Timestamp.Float64())
		}
	case *network.EventWebSocketFrameReceived:
		if r := tr.find(e.RequestID); r != nil {
			tr.take(r, string(e.Response.PayloadData), e.Timestamp.Float64())
		}
	case *network.EventLoadingFinished:
		if r := tr.find(e.RequestID); r != nil && r.News == 0 {
			tr.read(r, e.Timestamp.Float64())
		}
	}
}

func (tr *trace) find(id network.RequestID) *Request {
	if i := slices.IndexFunc(tr.requests, func(r *Request) bool { return r.id == id }); i >= 0 {
		return tr.requests[i]
	}
	return nil
}

// answered notes an answer, and has the browser send what comes of a stream.
func (tr *trace) answered(r *Request, status int, at float64) {
	r.Status = status
	if status == http.StatusUnauthorized { // a ticket that has expired
		r.News = at
	}
	if r.Kind != SSE {
		return
	}
	tr.ask(r, at, func(ctx context.Context) ([]byte, error) {
		res, err := chromedp.Call(ctx, network.StreamResourceContent, network.StreamResourceContentParams{RequestID: r.id})
		return res.BufferedData, err
	})
}

// read reads a whole answer.
func (tr *trace) read(r *Request, at float64) {
	tr.ask(r, at, func(ctx context.Context) ([]byte, error) {
		res, err := chromedp.Call(ctx, network.GetResponseBody, network.GetResponseBodyParams{RequestID: r.id})
		return res.Body, err
	})
}

// ask asks the browser for an answer's content, beside what hears its events. A stream that is complete is read as a whole
// instead, and of a page that is gone nothing can be had.
func (tr *trace) ask(r *Request, at float64, content func(context.Context) ([]byte, error)) {
	t := tr.tab
	if t.over {
		return
	}
	t.reading.Go(func() {
		ctx, cancel := context.WithTimeout(t.ctx, callTime)
		defer cancel()
		text, err := content(ctx)
		if err != nil {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		tr.take(r, string(text), at)
	})
}

// take takes a part of an answer. What it says may be cut in two.
func (tr *trace) take(r *Request, text string, at float64) {
	if r.News != 0 {
		return
	}
	text = tr.text[r.id] + text
	if told(text) {
		r.News = at
	}
	if tr.text == nil {
		tr.text = make(map[network.RequestID]string)
	}
	tr.text[r.id] = text[max(0, len(text)-64):]
}
