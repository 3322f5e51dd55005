package integration_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// request says what a client shall wait for.
type request struct {
	server  string // http://host:port
	payment string
	ticket  string
	cursor  string // position of the last event that the client has had
	ttl     string
}

// target returns the address of a transport. Browsers' EventSource cannot send a ticket in a header, and their
// WebSocket no cursor either: those go into the query.
func (r request) target(transport string, query url.Values) string {
	if query == nil {
		query = make(url.Values)
	}
	if r.ttl != "" {
		query.Set("ttl", r.ttl)
	}
	target := paymentURL(r.server, r.payment, "/"+transport)
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	if transport == "ws" {
		target = "ws" + strings.TrimPrefix(target, "http")
	}
	return target
}

// line is what a client reports, in this process or as a line of JSON from another.
type line struct {
	Wait  int    `json:"wait"`  // which of a page's waits
	Kind  string `json:"kind"`  // opened, state, event, ping, end, message, refused, closed, failed, error
	ID    string `json:"id"`    // of an SSE event
	Data  string `json:"data"`  // of an SSE event or a WebSocket message; or what went wrong
	HTTP  int    `json:"http"`  // status of what is refused; 0 where the client is not told
	Close int    `json:"close"` // code of what is closed
	Retry int    `json:"retry"` // what a stream asks for, in milliseconds, where the client shows it

	requests int // how many there were, where the client counts them
}

// frame is one thing that a client saw: the server's frames, and how connections begin and end.
type frame struct {
	said     string // such as "opened", "state pending", "event paid 129.00", "end done", "refused 401", "closed 1000"
	id       string
	retry    int
	requests int
	at       time.Time
}

// body has the members of all that the server writes, over SSE and WebSocket.
type body struct {
	Type     string `json:"type"`
	Status   string `json:"status"`
	Conflict bool   `json:"conflict"`
	Position string `json:"position"`
	Code     string `json:"code"`
	Event    *event `json:"event"`
}

// event is a CloudEvent about a payment.
type event struct {
	SpecVersion string `json:"specversion"`
	Type        string `json:"type"`
	Subject     string `json:"subject"`
	Data        struct {
		Payment string `json:"payment"`
		Status  string `json:"status"`
		Amount  string `json:"amount"`
	} `json:"data"`
}

// frame says what the line is about.
func (l line) frame(payment string) frame {
	f := frame{id: l.ID, retry: l.Retry, requests: l.requests, at: time.Now()}
	var b body
	var e event
	switch l.Kind {
	case "message":
		if json.Unmarshal([]byte(l.Data), &b) != nil {
			f.said = "unreadable " + l.Data
			return f
		}
		if l.Kind, f.id = b.Type, b.Position; b.Event != nil {
			e = *b.Event
		}
	case "event":
		if json.Unmarshal([]byte(l.Data), &e) != nil {
			f.said = "unreadable " + l.Data
			return f
		}
	case "state", "end":
		if json.Unmarshal([]byte(l.Data), &b) != nil {
			f.said = "unreadable " + l.Data
			return f
		}
	}
	f.said = strings.TrimSpace(l.Kind + " " + l.text(b, e, payment))
	return f
}

func (l line) text(b body, e event, payment string) string {
	switch l.Kind {
	case "state":
		if b.Conflict {
			return b.Status + " conflict"
		}
		return b.Status
	case "event":
		if e.SpecVersion != "1.0" || e.Type != "payment."+e.Data.Status || e.Subject != payment || e.Data.Payment != payment {
			return fmt.Sprintf("of another form: %+v", e)
		}
		return e.Data.Status + " " + e.Data.Amount
	case "end":
		return b.Code
	case "refused":
		return fmt.Sprint(l.HTTP)
	case "closed":
		return fmt.Sprint(l.Close)
	case "opened", "ping":
		return ""
	}
	return l.Data
}

// kind says what a client does by itself when a wait is over.
type kind string

const (
	stream      kind = "stream"      // reads a response to its end
	eventSource kind = "EventSource" // comes back until it is answered with another status than 200
	webSocket   kind = "WebSocket"
)

// client is a way to wait that somebody else wrote.
type client struct {
	name string
	kind kind
	need func(t *testing.T)
	// blind says that the client is not told why a wait is refused.
	blind bool
	// open waits until the client gives up or ctx is done, and tells what it sees meanwhile.
	open func(ctx context.Context, r request, tell func(line))
}

// wait is one wait of a client.
type wait struct {
	client  client
	request request
	frames  chan frame
	seen    []string
	cursor  string // of the last event
	last    frame
	leave   context.CancelFunc
}

// wait begins to wait for a payment. The wait is given up with the test at the latest.
func (c client) wait(t *testing.T, r request) *wait {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &wait{client: c, request: r, frames: make(chan frame, 64), leave: cancel, cursor: r.cursor}
	go func() {
		defer close(w.frames)
		c.open(ctx, r, func(l line) {
			select {
			case w.frames <- l.frame(r.payment):
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(w.stop)
	return w
}

// stop gives the wait up.
func (w *wait) stop() {
	w.leave()
	for range w.frames {
	}
}

// wants waits for frames, which must come in this order with nothing between them but heartbeats.
func (w *wait) wants(t *testing.T, said ...string) {
	t.Helper()
	for _, want := range said {
		f, ok := w.next(t, want)
		if !ok {
			t.Fatalf("after %q the client gave up, want %q", w.seen, want)
		}
		w.seen = append(w.seen, f.said)
		if f.said != want {
			t.Fatalf("the client saw %q, want %q as the last of these", w.seen, want)
		}
		if strings.HasPrefix(want, "event") {
			w.cursor = f.id
			if f.id == "" {
				t.Fatal("an event has no id")
			}
		}
		w.last = f
	}
}

func (w *wait) next(t *testing.T, want string) (frame, bool) {
	t.Helper()
	over := time.After(patience)
	for {
		select {
		case f, ok := <-w.frames:
			if ok && f.said == "ping" {
				continue
			}
			return f, ok
		case <-over:
			t.Fatalf("after %q nothing for %s, want %q", w.seen, patience, want)
		}
	}
}

// givesUp waits for the frames; then the client must stop by itself.
func (w *wait) givesUp(t *testing.T, said ...string) {
	t.Helper()
	w.wants(t, said...)
	if f, ok := w.next(t, "the client giving up"); ok {
		t.Fatalf("after %q the client saw %q, want it to give up", w.seen, f.said)
	}
}

// ends waits for the end, and for the client to stay away after it: what comes back by itself is told 204.
func (w *wait) ends(t *testing.T, code string) {
	t.Helper()
	w.wants(t, "end "+code)
	switch w.client.kind {
	case stream:
		w.givesUp(t)
	case eventSource:
		w.givesUp(t, "refused 204")
		opened := strings.Count(strings.Join(w.seen, ","), "opened")
		if n := w.last.requests; n != 0 && n != opened+1 {
			t.Errorf("the browser made %d requests, want those of %d streams and the one that is told 204", n, opened)
		}
	case webSocket:
		w.givesUp(t, "closed "+map[string]string{"done": "1000", "expired": "4410"}[code])
	}
}

// returns waits until the client is back after its connection was lost: by itself if that is its way, else opened
// again by its owner with the cursor.
func (w *wait) returns(t *testing.T, code string) *wait {
	t.Helper()
	lost := w.last.at
	switch w.client.kind {
	case eventSource:
		w.wants(t, "opened")
		if away := w.last.at.Sub(lost); away < 100*time.Millisecond {
			t.Errorf("the client was back after %s, want some jitter", away)
		}
		return w
	case webSocket:
		w.givesUp(t, "closed "+code)
	case stream:
		w.givesUp(t)
	}
	r := w.request
	r.cursor = cmp.Or(w.cursor, r.cursor)
	again := w.client.wait(t, r)
	again.wants(t, "opened")
	return again
}

// refused waits for a wait to be refused with the status, and never to be tried again.
func (w *wait) refused(t *testing.T, status int) {
	t.Helper()
	if w.client.blind {
		status = 0
	}
	w.givesUp(t, fmt.Sprint("refused ", status))
}
