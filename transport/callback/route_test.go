package callback_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
)

var paid = callback.Notification{Status: relay.Paid, Payment: "order-1", Amount: "129.00", ID: "evt-1"}

// writer fails the test when anything is answered while nothing may be.
type writer struct {
	*httptest.ResponseRecorder
	t     *testing.T
	early bool
}

func (w *writer) WriteHeader(status int) {
	if w.early {
		w.t.Error("answered before the event was stored")
	}
	w.ResponseRecorder.WriteHeader(status)
}

func TestAcknowledgedOnlyAfterTheAppend(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		w := &writer{ResponseRecorder: httptest.NewRecorder(), t: t, early: true}
		h.engine.before = func(_ context.Context, e relay.Event) error {
			if e.Source != name || e.Provider != "adapter-of-"+name || e.NeedsRegistration {
				t.Errorf("append of %+v", e)
			}
			w.early = false
			return nil
		}
		h.ServeHTTP(w, request(name, a.sign(t, paid)))
		answers(t, w.ResponseRecorder, a.Provider, nil)
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", w.Header())
		}
		state, ids := h.stored("order-1")
		if state.Status != relay.Paid || state.Conflict || !slices.Equal(ids, []string{name + ":evt-1"}) {
			t.Errorf("%+v of %q", state, ids)
		}
		h.counted(name, "stored", "1")
		if got := h.metric(`tillbell_callback_seconds_count{source="` + name + `"}`); got != "1" {
			t.Errorf("%s durations, want 1", got)
		}
	})
}

func TestNothingIsStoredOfARefusedCallback(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		h.engine.before = func(_ context.Context, e relay.Event) error {
			t.Errorf("append of %+v", e)
			return nil
		}
		forged := spoil(a.sign(t, paid))
		_, err := a.Parse(forged, time.Now())
		refusal, ok := errors.AsType[*callback.Refusal](err)
		if !ok || refusal.Reason != callback.BadSignature {
			t.Fatalf("%v, want a bad signature", err)
		}
		w := h.post(name, forged)
		answers(t, w, a.Provider, refusal)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("answered %d", w.Code)
		}
		h.counted(name, string(refusal.Reason), "1")
		h.empty()
	})
}

func TestFailedStoreIsNotAcknowledged(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		full := errors.New("disk: append: no space left")
		h.engine.before = func(context.Context, relay.Event) error { return full }
		r := a.sign(t, paid)
		w := h.post(name, r)
		answers(t, w, a.Provider, full)
		if w.Code != http.StatusServiceUnavailable || w.Body.String() == a.Answer(nil).Body {
			t.Errorf("answered %d %q", w.Code, w.Body)
		}
		h.empty()
		h.counted(name, "unavailable", "1")
		if l := h.log.of(t, "callback"); len(l) != 1 || l[0]["level"] != "ERROR" || l[0]["error"] == nil {
			t.Errorf("logged %v, want the engine's error", l)
		}
		h.engine.before = nil
		answers(t, h.post(name, r), a.Provider, nil)
		if state, _ := h.stored("order-1"); state.Status != relay.Paid {
			t.Errorf("after the retry: %+v", state)
		}
		h.counted(name, "stored", "1")
	})
}

// combined returns one callback that pays several orders.
func combined(t testing.TB, payments ...string) callback.Request {
	t.Helper()
	var orders []callback.Notification
	for _, p := range payments {
		orders = append(orders, callback.Notification{Payment: p, Amount: "1.00", ID: "EV-9"})
	}
	r, err := accounts()["wechat"].Signer.(*wechatpay.Signer).SignCombined(orders, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRetryStoresWhatIsMissing(t *testing.T) {
	h := start(t)
	r := combined(t, "o-1", "o-2", "o-3")
	h.engine.before = func(_ context.Context, e relay.Event) error {
		if e.Payment == "o-2" {
			return errors.New("no space")
		}
		return nil
	}
	if w := h.post("wechat", r); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d, want 503", w.Code)
	}
	for payment, want := range map[string]int{"o-1": 1, "o-2": 0, "o-3": 0} {
		if _, ids := h.stored(payment); len(ids) != want {
			t.Errorf("%s: %q before the retry", payment, ids)
		}
	}
	h.engine.before = nil
	for _, result := range []string{"stored", "duplicate"} {
		answers(t, h.post("wechat", r), accounts()["wechat"].Provider, nil)
		h.counted("wechat", result, "1")
		for _, payment := range []string{"o-1", "o-2", "o-3"} {
			if _, ids := h.stored(payment); !slices.Equal(ids, []string{"wechat:" + payment + ":EV-9"}) {
				t.Errorf("%s: %q", payment, ids)
			}
		}
	}
}

// What is stored of a callback decides its result, wherever in it that is.
func TestPartlyDuplicateIsStored(t *testing.T) {
	h := start(t)
	for _, payments := range [][]string{{"o-2", "o-3"}, {"o-1", "o-2"}, {"o-2", "o-4"}} {
		answers(t, h.post("wechat", combined(t, payments...)), accounts()["wechat"].Provider, nil)
	}
	h.counted("wechat", "stored", "3")
	h.counted("wechat", "duplicate", "0")
}

// A notice without a notify_id is known by what it says.
func TestDerivedIDHasStatusAndAmount(t *testing.T) {
	h := start(t)
	answers(t, h.post("alipay", notice(t, map[string]string{"notify_id": ""})), accounts()["alipay"].Provider, nil)
	refund := map[string]string{"notify_id": "", "refund_fee": "8.00", "gmt_refund": "2026-11-22 10:05:00"}
	answers(t, h.post("alipay", notice(t, refund)), accounts()["alipay"].Provider, nil)
	want := []string{"alipay:paid:88.88:T-1:TRADE_SUCCESS:", "alipay:refunded:8.00:T-1:TRADE_SUCCESS:8.00"}
	if state, ids := h.stored("A-1"); !slices.Equal(ids, want) || state.Status != relay.Refunded {
		t.Errorf("%+v of %q, want %q", state, ids, want)
	}
}

func TestEventIDs(t *testing.T) {
	s := callback.Source{Name: "s", ProviderName: "p", NeedsRegistration: true}
	event := func(payment string, derived, shared bool) callback.Event {
		return callback.Event{Type: "t-" + payment, Derived: derived, Shared: shared,
			Event: relay.Event{ID: "7", Payment: payment, Status: relay.Paid, Amount: "1.00"}}
	}
	for _, c := range []struct {
		parsed []callback.Event
		want   []string
	}{
		{nil, nil},
		{[]callback.Event{event("a", false, false)}, []string{"s:7"}},
		{[]callback.Event{event("a", true, false)}, []string{"s:paid:1.00:7"}},
		{[]callback.Event{event("a", false, true), event("b", true, true)}, []string{"s:a:7", "s:b:paid:1.00:7"}},
		{[]callback.Event{event("", false, true), event("b", false, true)}, []string{"s:b:7"}}, // as if both were usable
		{[]callback.Event{event("b", false, true)}, []string{"s:b:7"}},                         // the other is not in this state
		{[]callback.Event{event("", false, false)}, nil},
	} {
		events, types := s.Events(c.parsed)
		var ids []string
		for i, e := range events {
			ids = append(ids, e.ID)
			if e.Source != "s" || e.Provider != "p" || !e.NeedsRegistration || types[i] != "t-"+e.Payment {
				t.Errorf("%+v of type %q", e, types[i])
			}
		}
		if !slices.Equal(ids, c.want) || len(types) != len(events) {
			t.Errorf("ids %q, types %q; want %q", ids, types, c.want)
		}
	}
}

// waiter keeps the ids that it is told.
type waiter struct {
	ids  []string
	done chan error
}

func (w *waiter) State(*relay.State)       {}
func (w *waiter) Deliver(told *relay.Told) { w.ids = append(w.ids, told.Event.ID) }
func (w *waiter) End(err error)            { w.done <- err }

func TestDuplicatesAreAcknowledgedAndToldOnce(t *testing.T) {
	for _, name := range []string{"stripe", "erp"} { // who also tell a pending one
		a, h := accounts()[name], start(t)
		w := &waiter{done: make(chan error, 1)}
		_, err := h.relay.Subscribe(t.Context(), relay.Request{Payment: "order-1", Until: time.Now().Add(time.Minute)}, w)
		if err != nil {
			t.Fatal(err)
		}
		first := paid
		first.Status, first.ID = relay.Pending, "evt-0"
		r := a.sign(t, first)
		for _, r := range []callback.Request{r, r, a.sign(t, first), a.sign(t, paid)} {
			answers(t, h.post(name, r), a.Provider, nil)
		}
		if err := <-w.done; !errors.Is(err, relay.ErrDone) {
			t.Errorf("ended with %v", err)
		}
		if want := []string{name + ":evt-0", name + ":evt-1"}; !slices.Equal(w.ids, want) {
			t.Errorf("told %q, want %q", w.ids, want)
		}
		h.counted(name, "stored", "2")
		h.counted(name, "duplicate", "2")
	}
}

func TestEventsAreHeldBackUntilTheRegistration(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t, func(sources map[string]callback.Source) {
			s := sources[name]
			s.NeedsRegistration = true
			sources[name] = s
		})
		answers(t, h.post(name, a.sign(t, paid)), a.Provider, nil)
		if state, ids := h.stored("order-1"); state.Status != relay.Pending || len(ids) != 1 {
			t.Errorf("unregistered: %+v of %q", state, ids)
		}
		h.counted(name, "stored", "1")
		_, _, err := h.relay.Register(t.Context(), relay.Registration{Payment: "order-1", Source: name})
		if state, _ := h.stored("order-1"); err != nil || state.Status != relay.Paid || state.Conflict {
			t.Errorf("registered: %+v, %v", state, err)
		}
	})
}
