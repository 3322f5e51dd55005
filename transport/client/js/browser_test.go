package js_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func wantLog(t *testing.T, r result, want ...string) {
	t.Helper()
	if !slices.Equal(r.Log, want) {
		t.Errorf("told %q, want %q", r.Log, want)
	}
}

func TestPaidWhileWaiting(t *testing.T) {
	s := newShop(t)
	s.begin(s.mint(time.Hour), "")
	s.until(`log.length === 1`)
	receive(s, s.parked) // or the stream itself would begin with the state failed
	s.publish(relay.Failed)
	s.until(`log.length === 3`)
	s.publish(relay.Paid)
	wantLog(t, s.wantPaid(), "state pending", "event failed", "state failed", "event paid", "state paid")
}

func TestPaidBefore(t *testing.T) {
	s := newShop(t)
	s.publish(relay.Paid)
	s.begin(s.mint(time.Hour), "")
	wantLog(t, s.wantPaid(), "state paid")
}

func TestStreamHangs(t *testing.T) {
	s := newShop(t)
	began := time.Now()
	polled := make(chan struct{}, 10)
	s.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		switch way {
		case "sse": // taken, and buffered
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "ws":
			http.NotFound(w, r)
		case "poll":
			polled <- struct{}{}
		}
		return way == "sse" || way == "ws"
	})
	s.begin(s.mint(time.Hour), "")
	receive(s, polled)
	if took := time.Since(began); took < 4*time.Second {
		t.Errorf("polled after %v, want 4 s", took)
	}
	receive(s, polled) // the one that waits
	s.publish(relay.Paid)
	s.wantPaid()
}

func TestStreamsAreRefused(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"not routed": http.NotFound,
		"a page":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>Log in</h1>") },
		"broken off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			polled := make(chan struct{}, 10)
			s.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
				if way == "sse" || way == "ws" {
					answer(w, r)
					return true
				}
				if way == "poll" {
					polled <- struct{}{}
				}
				return false
			})
			s.begin(s.mint(time.Hour), "")
			receive(s, polled)
			s.publish(relay.Paid)
			s.wantPaid()
		})
	}
}

func TestComesBackWithThePosition(t *testing.T) {
	s := newShop(t)
	cursors := make(chan string, 10)
	s.intercept(func(way string, _ http.ResponseWriter, r *http.Request) bool {
		if way == "sse" {
			cursors <- r.Header.Get("Last-Event-ID")
		}
		return false
	})
	s.begin(s.mint(time.Hour), "")
	if first := receive(s, cursors); first != "" {
		t.Errorf("began with the position %q", first)
	}
	s.until(`log.length === 1`)
	at := s.publish(relay.Pending).String()
	s.until(`log.includes("event pending")`)
	s.cut()
	if second := receive(s, cursors); second != at {
		t.Errorf("came back with the position %q, want %q", second, at)
	}
	s.publish(relay.Paid)
	r := s.wantPaid()
	r.Log = slices.DeleteFunc(r.Log, func(line string) bool { return strings.HasPrefix(line, "state") })
	wantLog(t, r, "event pending", "event paid")
}

// TestWakes has a stream that says nothing any more, as that of a phone that has slept. Nothing but waking up begins
// another one within a minute.
func TestWakes(t *testing.T) {
	for _, event := range []string{`dispatchEvent(new Event("online"))`,
		`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`,
		`document.dispatchEvent(new Event("visibilitychange"))`, `document.dispatchEvent(new Event("resume"))`} {
		t.Run(event, func(t *testing.T) {
			s := newShop(t)
			begun := make(chan struct{}, 10)
			var mute sync.Once
			s.intercept(func(way string, w http.ResponseWriter, r *http.Request) (answered bool) {
				if way != "sse" {
					return false
				}
				begun <- struct{}{}
				mute.Do(func() {
					answered = true
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = fmt.Fprintf(w, "event: state\ndata: {\"payment\":\"p\",\"status\":\"failed\",\"position\":\"other.0\"}\n\n")
					_ = http.NewResponseController(w).Flush()
				})
				if answered {
					<-r.Context().Done()
				}
				return answered
			})
			s.begin(s.mint(time.Hour), "")
			receive(s, begun)
			s.until(`log.includes("state failed")`)
			evaluate[bool](s, event)
			receive(s, begun)
			s.publish(relay.Paid)
			s.wantPaid()
		})
	}
}

func TestExpires(t *testing.T) {
	s := newShop(t)
	s.begin(s.mint(2*time.Second), "")
	if r := s.result(); r.Out.Code != "expired" || r.Out.Status != "pending" || r.Out.Final {
		t.Errorf("result %+v", r)
	}
}

func TestTicketIsRefused(t *testing.T) {
	s := newShop(t)
	token := s.mint(time.Hour)
	s.begin(token[:len(token)-4]+"AAAA", "")
	if r := s.result(); r.Code != "unauthorized" || strings.Contains(r.Error, token[:20]) {
		t.Errorf("result %+v", r)
	}
}

func TestAborts(t *testing.T) {
	s := newShop(t)
	s.begin(s.mint(time.Hour), `signal: (window.stopper = new AbortController()).signal`)
	receive(s, s.parked)
	evaluate[any](s, `stopper.abort() ?? null`)
	if r := s.result(); !strings.Contains(r.Error, "AbortError") {
		t.Errorf("result %+v", r)
	}
	s.log.Await(t, 1, "code=gone") // the connection is closed
}
