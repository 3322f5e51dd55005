package client_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client"
)

// TestAwaitMovesOn puts something between client and server in which streams do not work.
func TestAwaitMovesOn(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	mute := func(w http.ResponseWriter, r *http.Request) { // takes the stream and buffers it
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	page := func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<h1>Log in to the Wi-Fi</h1>")) }
	missing := http.NotFound
	for name, tc := range map[string]struct {
		sse, ws http.HandlerFunc
		takes   time.Duration
		ways    []string
	}{
		"streams hang":         {hang, hang, 8 * time.Second, []string{"sse", "ws", "poll"}},
		"streams are buffered": {mute, nil, 4 * time.Second, []string{"sse", "ws"}},
		"a page instead":       {page, page, 0, []string{"sse", "ws", "poll"}},
		"not routed":           {missing, missing, 0, []string{"sse", "ws", "poll"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						switch name := path.Base(r.URL.Path); {
						case name == "sse" && tc.sse != nil:
							tc.sse(w, r)
						case name == "ws" && tc.ws != nil:
							tc.ws(w, r)
						default:
							h.ServeHTTP(w, r)
						}
					})
				})
				w := start(t.Context(), s.options())
				if tc.takes > 0 {
					time.Sleep(tc.takes - time.Nanosecond)
					synctest.Wait()
					if ways := streamsOf(s.requests()); slices.Contains(ways, tc.ways[len(tc.ways)-1]) {
						t.Errorf("tried %v within less than 4 s each", ways)
					}
					time.Sleep(time.Nanosecond)
				}
				synctest.Wait()
				s.publish(relay.Paid)
				<-w.done
				wantPaid(t, w.out, w.err)
				if ways := streamsOf(s.all()); !slices.Equal(ways, tc.ways) {
					t.Errorf("transports %v, want %v", ways, tc.ways)
				}
			})
		})
	}
}

// streamsOf returns the transports in the order in which they were asked for first.
func streamsOf(seen []*http.Request) []string {
	var ways []string
	for _, way := range waysOf(seen) {
		if way != "state" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return ways
}

func TestAwaitOfAServerThatIsNone(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, func(http.Handler) http.Handler { return http.NotFoundHandler() })
		o := s.options()
		o.Transport = transport
		_, err := client.Await(t.Context(), o)
		status := new(client.StatusError)
		if !errors.As(err, &status) || status.Status != http.StatusNotFound {
			t.Fatalf("Await: %v, want a StatusError of 404", err)
		}
	})
}

// TestAwaitComesBack ends the first connections in ways that a client should come back from.
func TestAwaitComesBack(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		var bad int
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				bad++
				switch bad {
				case 1, 2, 3:
					panic(http.ErrAbortHandler) // the connection breaks
				case 4:
					w.Header().Set("Retry-After", "20")
					w.WriteHeader(http.StatusServiceUnavailable)
				case 5, 6:
					w.WriteHeader(http.StatusBadGateway)
				default:
					h.ServeHTTP(w, r)
				}
			})
		})
		s.publish(relay.Paid)
		began := time.Now()
		var got told
		o := got.in(s.options())
		o.Transport = transport
		out, err := client.Await(t.Context(), o)
		wantPaid(t, out, err)
		least := 500 * time.Millisecond
		if transport == "" { // the state and all transports have failed by then, the last one with Retry-After
			least = 20 * time.Second
		}
		if len(got.retries) == 0 || got.retries[0] < least || got.retries[0] > 2*least {
			t.Errorf("pauses %v, want the first between %v and twice that", got.retries, least)
		}
		if took := time.Since(began); took < 20*time.Second {
			t.Errorf("it took %v: Retry-After was not obeyed", took)
		}
	})
}

// TestAwaitOverADrain is told by a server that drains to come back, and finds another one.
func TestAwaitOverADrain(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		next := newServer(t, relay.Options{}, nil)
		s := newServer(t, relay.Options{}, nil)
		var got told
		o := got.in(s.options())
		o.Transport = transport
		w := start(t.Context(), o)
		synctest.Wait()
		s.publish(relay.Pending)
		synctest.Wait()
		s.network.Store(next.network.Load())
		next.publish(relay.Paid)
		s.relay.Drain()
		<-w.done
		wantPaid(t, w.out, w.err)
		if !slices.Equal(got.events, []relay.Status{relay.Pending, relay.Paid}) {
			t.Errorf("events %v", got.events)
		}
		if len(got.retries) == 0 || got.retries[0] < 500*time.Millisecond {
			t.Errorf("pauses %v, want the server's jitter of 0.5 s and more obeyed", got.retries)
		}
	})
}

// TestAwaitNoticesSilence takes a connection's life without closing it.
func TestAwaitNoticesSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var frozen bool
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if frozen {
					h.ServeHTTP(w, r)
					return
				}
				frozen = true
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "event: state\ndata: {\"payment\":\"p\",\"status\":\"pending\"}\n\n")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
		})
		s.publish(relay.Paid)
		began := time.Now()
		o := s.options()
		o.Transport = "sse"
		out, err := client.Await(t.Context(), o)
		wantPaid(t, out, err)
		if took := time.Since(began); took < time.Minute || took > time.Minute+2*time.Second {
			t.Errorf("it took %v, want a minute and a pause", took)
		}
	})
}

func TestAwaitIsLimited(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{MaxPerPayment: 1}, nil)
		holder, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		first := start(holder, s.options())
		synctest.Wait()
		o := s.options()
		o.Transport = transport
		second := start(t.Context(), o)
		<-first.done
		synctest.Wait()
		s.publish(relay.Paid)
		<-second.done
		wantPaid(t, second.out, second.err)
	})
}

func TestAwaitCarriesThePosition(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		var got told
		o := got.in(s.options())
		o.Transport = transport
		w := start(t.Context(), o)
		synctest.Wait()
		at := s.publish(relay.Pending).Position.String()
		synctest.Wait()
		s.requests()
		s.network.Load().cut()
		s.publish(relay.Paid)
		<-w.done
		wantPaid(t, w.out, w.err)
		r := s.requests()[0]
		if cursor := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")); cursor != at {
			t.Errorf("came back with the position %q, want %q", cursor, at)
		}
		if !slices.Equal(got.events, []relay.Status{relay.Pending, relay.Paid}) {
			t.Errorf("events %v", got.events)
		}
	})
}

// TestAwaitDropsRepeats breaks the first stream behind an event that has no position to come back with, so that the
// server tells it again.
func TestAwaitDropsRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken bool
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken {
					h.ServeHTTP(w, r)
					return
				}
				broken = true
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "data: {\"id\":\"shop:paid\",\"data\":{\"status\":\"paid\",\"final\":true}}\n\n")
			})
		})
		s.publish(relay.Paid)
		var got told
		out, err := client.Await(t.Context(), got.in(s.options()))
		wantPaid(t, out, err)
		if !slices.Equal(got.events, []relay.Status{relay.Paid}) {
			t.Errorf("events %v, want one", got.events)
		}
	})
}
