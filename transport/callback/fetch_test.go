package callback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

const visitor = "203.0.113.7"

// banking runs a test in a bubble with a house whose only source is a bank.
func banking(t *testing.T, f func(t *testing.T, h *house, b *bank)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank()
		h, stop := newHouse(t, with(b, false))
		defer stop()
		f(t, h, b)
	})
}

func TestFetchedBeforeTheAppend(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		h.engine.before = func(_ context.Context, e relay.Event) error {
			if b.count("t1") != 1 || e.Source != "bank" || e.Provider != "bank" {
				t.Errorf("append of %+v", e)
			}
			return nil
		}
		h.wants(t, visitor, "t1", http.StatusOK)
		if state, ids := h.stored("order-t1"); state.Status != relay.Paid || !slices.Equal(ids, []string{"bank:paid:5.00:t1"}) {
			t.Errorf("%+v of %q", state, ids)
		}
		h.counted("bank", "stored", "1")
		if got := h.metric(`tillbell_fetches_total{result="found",source="bank"}`); got != "1" {
			t.Errorf("%s fetches counted, want 1", got)
		}
		if got := h.metric(`tillbell_fetch_seconds_count{source="bank"}`); got != "1" {
			t.Errorf("%s fetches timed, want 1", got)
		}
	})
}

// What needs no asking keeps its place beside what does.
func TestFetchedInTheBodysOrder(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		var order []string
		h.engine.before = func(_ context.Context, e relay.Event) error {
			order = append(order, e.Payment)
			return nil
		}
		h.wants(t, visitor, "both t1", http.StatusOK)
		if !slices.Equal(order, []string{"known", "order-t1", "known"}) {
			t.Errorf("stored %q", order)
		}
	})
}

func TestFailedFetchIsNotAcknowledged(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		b.before = func(context.Context, int) error { return errors.New("bank: get payment: 500") }
		if after := h.wants(t, visitor, "both t1", http.StatusServiceUnavailable)["Retry-After"]; after != nil {
			t.Errorf("Retry-After %q: the provider knows best", after)
		}
		h.empty()
		h.counted("bank", "fetch_failed", "1")
		if got := h.metric(`tillbell_fetches_total{result="failed",source="bank"}`); got != "1" {
			t.Errorf("%s failures counted, want 1", got)
		}
		if l := h.log.of(t, "callback"); len(l) != 1 || l[0]["level"] != "ERROR" || l[0]["error"] != "bank: get payment: 500" {
			t.Errorf("logged %v", l)
		}
		b.before = nil
		time.Sleep(3 * time.Second)
		h.wants(t, visitor, "t1", http.StatusOK)
		if state, _ := h.stored("order-t1"); state.Status != relay.Paid {
			t.Errorf("after the retry: %+v", state)
		}
	})
}

// Anybody can cause fetches that fail, and must not fill the log with it, nor keep such lines out of it by being refused.
func TestFailedFetchesDoNotFloodTheLog(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.before = func(context.Context, int) error { return errors.New("bank: get payment: 500") }
		for range 15 {
			h.wants(t, visitor, "?", http.StatusUnauthorized)
		}
		for i := range 15 {
			h.serve(told(visitor, fmt.Sprint(i)))
		}
		lines := map[any]int{}
		for _, l := range h.log.of(t, "callback") {
			lines[l["result"]]++
		}
		if lines["bad_signature"] != 10 || lines["fetch_failed"] != 10 {
			t.Errorf("lines %v, want 10 of each kind", lines)
		}
	})
}

func TestNothingFoundIsAcknowledged(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		h.wants(t, visitor, "t1", http.StatusOK)
		h.empty()
		h.counted("bank", "ignored", "1")
		if got := h.metric(`tillbell_fetches_total{result="nothing",source="bank"}`); got != "1" {
			t.Errorf("%s counted, want 1", got)
		}
	})
}

func TestAnswerThatMakesNoSenseIsRefused(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.before = func(context.Context, int) error { return callback.Reject("the payment has no amount") }
		h.wants(t, visitor, "t1", http.StatusBadRequest)
		h.counted("bank", "malformed", "1")
	})
}

// TestFetchHasATimeLimit: ten seconds, and the engine has its four after that.
func TestFetchHasATimeLimit(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.before = func(ctx context.Context, _ int) error {
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != 10*time.Second {
				t.Errorf("deadline in %s, %v", time.Until(until), ok)
			}
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		h.wants(t, visitor, "t1", http.StatusServiceUnavailable)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("answered after %s", took)
		}
		b.set("t2", relay.Paid)
		b.before = func(context.Context, int) error {
			time.Sleep(10*time.Second - 1)
			return nil
		}
		h.engine.before = func(ctx context.Context, _ relay.Event) error {
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != 4*time.Second {
				t.Errorf("deadline of the store in %s, %v", time.Until(until), ok)
			}
			return nil
		}
		h.wants(t, visitor, "t2", http.StatusOK)
	})
}

// A provider that hangs up while its API is asked, or while the engine writes, leaves nothing half stored.
func TestHangingUpDuringTheFetch(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		gone, hangUp := context.WithCancel(t.Context())
		b.before = func(ctx context.Context, _ int) error {
			hangUp()
			return ctx.Err()
		}
		h.engine.before = func(ctx context.Context, _ relay.Event) error { return ctx.Err() }
		h.serve(told(visitor, "both t1").WithContext(gone))
		for _, payment := range []string{"known", "order-t1"} {
			if state, _ := h.stored(payment); state.Status != relay.Paid {
				t.Errorf("%s: %+v", payment, state)
			}
		}
	})
}

// The deadline of the answer leaves room for the fetch.
func TestAnswerAfterASlowFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank()
		b.set("t1", relay.Paid)
		b.before = func(context.Context, int) error {
			time.Sleep(9 * time.Second)
			return nil
		}
		h, dial, gone, stop := serve(t)
		defer stop()
		h.engine.before = func(context.Context, relay.Event) error {
			time.Sleep(3 * time.Second)
			return nil
		}
		sources := make(map[string]callback.Source)
		with(b, false)(sources)
		h.route.SetSources(sources)
		c := dial()
		defer c.Close()
		began := time.Now()
		if err := head(c, "bank", callback.Request{Body: []byte("t1")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		if _, err := c.Write([]byte("t1")); err != nil {
			t.Fatal(err)
		}
		<-gone // nobody reads the answer
		if took := time.Since(began); took != 34*time.Second {
			t.Errorf("given up after %s, want 34s", took)
		}
		h.counted("bank", "stored", "1")
	})
}

func TestTraceSeesWhatWasFetched(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		tr := &trace{house: h}
		sources := make(map[string]callback.Source)
		with(b, false)(sources)
		mux := http.NewServeMux()
		mux.Handle("/v1/callbacks/{source}", callback.NewRoute(callback.RouteOptions{
			Relay: h.relay, Metrics: h.metrics, Log: discardLog(), MaxBody: maxBody, Trace: tr}, sources))
		h.Handler = mux
		h.serve(told(visitor, "t1"))
		want := []string{"received bank", "verified 1", "bank:paid:5.00:t1 paid 0", "stored bank:paid:5.00:t1 false true", "answered 200 <nil>"}
		if !slices.Equal(tr.said, want) {
			t.Errorf("told %q, want %q", tr.said, want)
		}
	})
}

// A callback may tell of a change that is newer than the answer to the question that is on its way.
func TestRepeatedCallbackWaitsForTheNextFetch(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Pending)
		answering := make(chan struct{})
		b.before = func(_ context.Context, n int) error {
			if n == 1 {
				<-answering // with what was true when it was asked
			}
			return nil
		}
		var all sync.WaitGroup
		all.Go(func() { h.wants(t, visitor, "t1", http.StatusOK) })
		synctest.Wait()
		b.set("t1", relay.Paid)
		for range 10 {
			all.Go(func() { h.wants(t, visitor, "t1", http.StatusOK) })
		}
		synctest.Wait()
		if n := h.route.Parked("bank"); n != 9 {
			t.Errorf("%d wait for another's fetch, want 9", n)
		}
		close(answering)
		all.Wait()
		if state, _ := h.stored("order-t1"); state.Status != relay.Paid {
			t.Errorf("%+v", state)
		}
		if b.count("t1") != 2 || h.route.Parked("bank") != 0 {
			t.Errorf("asked %d times, %d wait still", b.count("t1"), h.route.Parked("bank"))
		}
	})
}

// The same is asked once in three seconds.
func TestSameIDIsAskedNowAndThen(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		began := time.Now()
		for range 5 {
			h.wants(t, visitor, "t1", http.StatusOK)
		}
		if took := time.Since(began); took != 12*time.Second || b.count("t1") != 5 {
			t.Errorf("asked %d times in %s", b.count("t1"), took)
		}
	})
}

// What the API did not know is not asked for again by strangers for a minute. Their calls are not acknowledged, because
// the payment may be there by now.
func TestUnknownIDIsRemembered(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		h.wants(t, visitor, "t1", http.StatusOK)
		time.Sleep(5 * time.Second)
		b.set("t1", relay.Paid)
		if after := h.wants(t, visitor, "t1", http.StatusServiceUnavailable).Get("Retry-After"); after != "55" {
			t.Errorf("Retry-After %s, want 55", after)
		}
		h.counted("bank", "limited", "1")
		if b.count("t1") != 1 {
			t.Errorf("asked %d times", b.count("t1"))
		}
		// The provider, if it is known to be one, is believed that something has changed.
		b.set("t0", relay.Paid)
		h.wants(t, "198.51.100.1", "t0", http.StatusOK)
		h.wants(t, "198.51.100.9", "t1", http.StatusOK)
		if state, _ := h.stored("order-t1"); state.Status != relay.Paid {
			t.Errorf("%+v", state)
		}
	})
}

func TestUnknownIDIsForgotten(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		h.wants(t, visitor, "t1", http.StatusOK)
		time.Sleep(time.Minute)
		h.wants(t, visitor, "t1", http.StatusOK)
		if b.count("t1") != 2 {
			t.Errorf("asked %d times, want twice", b.count("t1"))
		}
	})
}

// A fetch that panics leaves nobody waiting for it.
func TestFetchThatBreaksOff(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		b.before = func(_ context.Context, n int) error {
			if n == 2 {
				panic("the adapter is broken")
			}
			return nil
		}
		h.wants(t, visitor, "t1", http.StatusOK)
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				defer func() {
					if v := recover(); (v != nil) != (i == 0) {
						t.Errorf("callback %d: recovered %v", i, v)
					}
				}()
				h.wants(t, visitor, "t1", http.StatusServiceUnavailable)
			})
			synctest.Wait()
		}
		all.Wait()
		time.Sleep(3 * time.Second)
		h.wants(t, visitor, "t1", http.StatusOK)
	})
}

// What verify and a source's listeners see of a callback that has to be asked back.
func TestFetchRequired(t *testing.T) {
	s := callback.Source{Name: "s", ProviderName: "p", NeedsRegistration: true}
	parsed := []callback.Event{
		{Fetch: true, Type: "payment", Event: relay.Event{TransactionID: "tr_1"}},
		{Fetch: true, Type: "payment.updated", Event: relay.Event{ID: "77", TransactionID: "9"}},
	}
	events, types := s.Events(parsed)
	want := []relay.Event{
		{ID: "s:", Source: "s", Provider: "p", TransactionID: "tr_1", Status: "fetch_required"},
		{ID: "s:77", Source: "s", Provider: "p", TransactionID: "9", Status: "fetch_required"},
	}
	if !slices.Equal(events, want) || !slices.Equal(types, []string{"payment", "payment.updated"}) {
		t.Errorf("%+v of %q", events, types)
	}
}
