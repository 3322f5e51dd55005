package client_test

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/wire"
)

// told records what a wait was told.
type told struct {
	states, events []relay.Status
	retries        []time.Duration
}

func (r *told) in(o client.Options) client.Options {
	o.OnState = func(s wire.Snapshot) { r.states = append(r.states, s.Status) }
	o.OnEvent = func(e wire.Event) { r.events = append(r.events, e.Data.Status) }
	o.OnRetry = func(_ error, d time.Duration) { r.retries = append(r.retries, d) }
	return o
}

// waiting is an Await in another goroutine.
type waiting struct {
	out  client.Outcome
	err  error
	done chan struct{}
}

func start(ctx context.Context, o client.Options) *waiting {
	w := &waiting{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.out, w.err = client.Await(ctx, o)
	}()
	return w
}

// everyWay runs the test for each transport, and for the choice among them.
func everyWay(t *testing.T, test func(t *testing.T, transport string)) {
	for _, transport := range []string{"", "sse", "ws", "poll"} {
		t.Run("transport="+transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, transport) })
		})
	}
}

// waysOf returns what was asked for, in order.
func waysOf(seen []*http.Request) []string {
	var ways []string
	for _, r := range seen {
		way := path.Base(r.URL.Path)
		if way != "sse" && way != "ws" && way != "poll" {
			way = "state"
		}
		ways = append(ways, way)
	}
	return ways
}

func wantPaid(t *testing.T, out client.Outcome, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("Await: %v", err)
	}
	s := out.Snapshot
	if out.Code != client.Done || out.Status != relay.Paid || !out.Final || s.Status != relay.Paid || !s.Final ||
		s.Payment != payment || s.Amount != "129.00" || s.Currency != "CNY" || s.UpdatedAt == "" || s.Position == "" {
		t.Fatalf("outcome %+v", out)
	}
}

func TestAwaitIsToldWhatComes(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		var got told
		o := got.in(s.options())
		o.Transport = transport
		w := start(t.Context(), o)
		synctest.Wait()
		time.Sleep(3 * time.Minute) // heartbeats keep the connection
		s.publish(relay.Pending)
		synctest.Wait()
		s.publish(relay.Paid)
		<-w.done
		wantPaid(t, w.out, w.err)
		if !slices.Equal(got.events, []relay.Status{relay.Pending, relay.Paid}) {
			t.Errorf("events %v", got.events)
		}
		if got.states[0] != relay.Pending || got.states[len(got.states)-1] != relay.Paid {
			t.Errorf("states %v", got.states)
		}
		if len(got.retries) != 0 {
			t.Errorf("came back %d times", len(got.retries))
		}
	})
}

func TestAwaitThatComesLate(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		s.publish(relay.Paid)
		s.publish(relay.Refunded)
		var got told
		o := got.in(s.options())
		o.Transport = transport
		out, err := client.Await(t.Context(), o)
		if err != nil || out.Status != relay.Refunded || !out.Final || out.Snapshot.Refunded != "129.00" {
			t.Fatalf("Await: %+v, %v", out, err)
		}
		if !slices.Equal(got.events, []relay.Status{relay.Paid, relay.Refunded}) {
			t.Errorf("events %v", got.events)
		}
		want := []string{transport}
		if transport == "" {
			want = []string{"state", "poll"} // the outcome, and once the events behind it
		}
		if ways := waysOf(s.requests()); !slices.Equal(ways, want) {
			t.Errorf("asked %v, want %v", ways, want)
		}
	})
}

func TestAwaitWithTheOutcomesCursor(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		var got told
		o := got.in(s.options())
		o.Transport, o.After = transport, s.publish(relay.Paid).Position.String()
		out, err := client.Await(t.Context(), o)
		wantPaid(t, out, err)
		if len(got.events) != 0 {
			t.Errorf("told %v again", got.events)
		}
	})
}

func TestAwaitOfTheTicketsOwnPayment(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		o := s.options()
		o.Transport, o.Payment, o.After = transport, "~", s.publish(relay.Paid).Position.String()
		out, err := client.Await(t.Context(), o)
		wantPaid(t, out, err)
	})
}

func TestAwaitExpires(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		o := s.options()
		o.Transport = transport
		s.publish(relay.Failed)
		out, err := client.Await(t.Context(), o) // until the ticket's end
		if err != nil || out.Code != client.Expired || out.Status != relay.Failed || out.Final {
			t.Fatalf("Await: %+v, %v", out, err)
		}
	})
}

func TestAwaitWithoutAValidTicket(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		o := s.options()
		o.Transport = transport
		good := o.Ticket
		for _, bad := range []string{"", "nonsense", good[:len(good)-4] + "AAAA"} {
			o.Ticket = bad
			out, err := client.Await(t.Context(), o)
			if !errors.Is(err, client.ErrUnauthorized) || out.Code != "" {
				t.Fatalf("ticket %q: %+v, %v", bad, out, err)
			}
			if bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("the error repeats the ticket: %v", err)
			}
		}
		if n := len(s.requests()); n != 3 {
			t.Errorf("%d requests, want one for each ticket", n)
		}
	})
}

func TestAwaitStopsWithItsContext(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o := s.options()
		o.Transport = transport
		out, err := client.Await(ctx, o)
		if !errors.Is(err, context.DeadlineExceeded) || out.Code != "" || out.Status != relay.Pending {
			t.Fatalf("Await: %+v, %v", out, err)
		}
	})
}

func TestAwaitRefusesWrongOptions(t *testing.T) {
	for name, o := range map[string]client.Options{
		"no URL":               {Payment: payment},
		"a path":               {URL: "/v1/payments/x"},
		"a file":               {URL: "file:///v1/payments/x"},
		"no payment":           {URL: "http://till.example"},
		"two payments":         {URL: "http://till.example/v1/payments/a/sse", Payment: "b"},
		"an unknown transport": {URL: "http://till.example", Payment: payment, Transport: "carrier-pigeon"},
		"another route":        {URL: "http://till.example/v1/payments/a/events"},
		"a secret in a URL":    {URL: "http://till.example\x7f/v1/payments/a/sse?ticket=secret"},
	} {
		_, err := client.Await(t.Context(), o)
		if err == nil || errors.Is(err, client.ErrUnauthorized) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
