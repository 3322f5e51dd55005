package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client"
)

// hole lets the first frame of a stream through, and nothing afterwards.
func hole(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) != "sse" {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "event: state\ndata: {\"payment\":%q,\"status\":\"pending\",\"position\":\"\"}\n\n", payment)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

// count returns how often the way is among those.
func count(ways []string, way string) int {
	return len(slices.DeleteFunc(slices.Clone(ways), func(w string) bool { return w != way }))
}

// TestFloorEndsTheWait: whatever a network does to streams, a reading beside them finds the outcome, and the events
// behind it are told.
func TestFloorEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, relay.Options{}, hole)
		var got told
		w := start(t.Context(), got.in(s.options()))
		time.Sleep(32 * time.Second)
		ways := waysOf(s.requests())
		if n := count(ways, "state"); n != 7 || len(ways) != 8 {
			t.Errorf("asked %v within 32 s, want the stream once and the state every 5 s", ways)
		}
		s.publish(relay.Pending)
		s.publish(relay.Paid)
		began := time.Now()
		<-w.done
		wantPaid(t, w.out, w.err)
		if took := time.Since(began); took > client.Brisk {
			t.Errorf("the outcome was told after %v, want %v at most", took, client.Brisk)
		}
		if want := []relay.Status{relay.Pending, relay.Paid}; !slices.Equal(got.events, want) {
			t.Errorf("events %v, want %v", got.events, want)
		}
	})
}

// TestFloorSlowsDown: once heartbeats come, the state is read every minute.
func TestFloorSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, relay.Options{}, nil)
		ctx, stop := context.WithCancel(t.Context())
		w := start(ctx, s.options())
		time.Sleep(22 * time.Second) // the first heartbeat comes after 20 s
		if ways := waysOf(s.requests()); count(ways, "state") > 5 || count(ways, "sse") != 1 {
			t.Errorf("asked %v until the first heartbeat", ways)
		}
		time.Sleep(10 * client.Slow)
		if ways := waysOf(s.requests()); count(ways, "state") != 10 || len(ways) != 10 {
			t.Errorf("asked %v within ten minutes, want the state every minute", ways)
		}
		stop()
		<-w.done
	})
}

// TestFloorStaysAway: a server that names a time is not asked for anything before.
func TestFloorStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refuses atomic.Bool
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if refuses.Load() {
					w.Header().Set("Retry-After", "60")
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				h.ServeHTTP(w, r)
			})
		})
		refuses.Store(true)
		w := start(t.Context(), s.options())
		time.Sleep(59 * time.Second)
		refuses.Store(false)
		if ways := waysOf(s.requests()); !slices.Equal(ways, []string{"state"}) {
			t.Errorf("asked %v within a minute, want one request", ways)
		}
		s.publish(relay.Paid)
		<-w.done
		wantPaid(t, w.out, w.err)
	})
}

// TestFloorStaysAwayFromALimit: a stream that is refused for a while silences the readings beside it too.
func TestFloorStaysAwayFromALimit(t *testing.T) {
	for name, problem := range map[string]string{"of the server": `{"status":429,"code":"limit"}`, "of a gateway": `{}`} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { staysAway(t, problem) })
		})
	}
}

func staysAway(t *testing.T, problem string) {
	var streams atomic.Int64
	s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Base(r.URL.Path) == "sse" && streams.Add(1) == 1 {
				w.Header().Set("Content-Type", "application/problem+json")
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, problem)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	w := start(t.Context(), s.options())
	time.Sleep(59 * time.Second)
	if ways := waysOf(s.requests()); !slices.Equal(ways, []string{"state", "sse"}) {
		t.Errorf("asked %v within a minute, want two requests", ways)
	}
	s.publish(relay.Paid)
	<-w.done
	wantPaid(t, w.out, w.err)
}

// TestAwaitLeavesWhatBreaks: streams that are cut behind their first frame, again and again, are given up for polls.
func TestAwaitLeavesWhatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if path.Base(r.URL.Path) != "sse" {
					h.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "event: state\ndata: {\"payment\":\"p\",\"status\":\"pending\",\"position\":\"\"}\n\n")
			})
		})
		w := start(t.Context(), s.options())
		time.Sleep(30 * time.Second)
		if ways := waysOf(s.requests()); count(ways, "sse") != 2 || count(ways, "ws") != 1 {
			t.Errorf("asked %v, want the WebSocket after two streams that broke off", ways)
		}
		s.publish(relay.Paid)
		<-w.done
		wantPaid(t, w.out, w.err)
	})
}

// TestFloorBacksOff: a server that is gone is not asked for the state every 5 s.
func TestFloorBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, relay.Options{}, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		})
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		w := start(ctx, s.options())
		<-w.done
		ways := waysOf(s.requests())
		if n := count(ways, "state"); n < 15 || n > 25 {
			t.Errorf("%d readings within ten minutes, want one every 30 s", n)
		}
		if n := len(ways); n > 150 {
			t.Errorf("%d requests within ten minutes", n)
		}
	})
}

// TestAwaitAfterSleep lets the machine sleep for an hour: the wall clock jumps, and the connection is dead.
func TestAwaitAfterSleep(t *testing.T) {
	for _, transport := range []string{"", "sse"} {
		t.Run("transport="+transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var slept, dead atomic.Int64
				s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if path.Base(r.URL.Path) != "sse" || dead.Add(1) > 1 {
							h.ServeHTTP(w, r)
							return
						}
						w.Header().Set("Content-Type", "text/event-stream")
						_, _ = io.WriteString(w, "event: state\ndata: {\"payment\":\"p\",\"status\":\"pending\",\"position\":\"\"}\n\nevent: ping\ndata: {}\n\n")
						_ = http.NewResponseController(w).Flush()
						<-r.Context().Done()
					})
				})
				o := s.options()
				o.Transport = transport
				w := &waiting{done: make(chan struct{})}
				go func() {
					defer close(w.done)
					w.out, w.err = client.AwaitByClock(t.Context(), o, func() time.Time {
						return time.Now().Add(time.Duration(slept.Load()))
					})
				}()
				time.Sleep(10 * time.Second)
				s.publish(relay.Failed)
				s.requests()
				slept.Store(int64(time.Hour))
				time.Sleep(time.Second)
				synctest.Wait()
				want := []string{"sse", "state"}
				if transport != "" {
					want = want[:1]
				}
				ways := waysOf(s.requests())
				slices.Sort(ways)
				if !slices.Equal(ways, want) {
					t.Errorf("asked %v after the sleep, want %v at once", ways, want)
				}
				s.publish(relay.Paid)
				<-w.done
				wantPaid(t, w.out, w.err)
			})
		})
	}
}

// TestAwaitRemembers: the wait after one for which only the WebSocket worked begins with it.
func TestAwaitRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if path.Base(r.URL.Path) == "sse" {
					http.NotFound(w, r)
					return
				}
				h.ServeHTTP(w, r)
			})
		})
		for _, want := range [][]string{{"sse", "ws"}, {"ws"}} {
			ctx, stop := context.WithCancel(t.Context())
			w := start(ctx, s.options())
			time.Sleep(30 * time.Second)
			stop()
			<-w.done
			if ways := streamsOf(s.requests()); !slices.Equal(ways, want) {
				t.Errorf("transports %v, want %v", ways, want)
			}
		}
	})
}
