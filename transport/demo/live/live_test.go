package live

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// steps returns what is kept of a payment.
func (l *Live) steps(t *testing.T, payment string) (list []Step) {
	t.Helper()
	_, frames := l.open(payment, 0)
	for _, f := range frames {
		list = append(list, read(t, string(f.text)))
	}
	return list
}

// read returns the step of a frame.
func read(t *testing.T, frame string) (s Step) {
	t.Helper()
	_, data, ok := strings.Cut(strings.TrimSuffix(frame, "\n\n"), "\ndata: ")
	if err := json.Unmarshal([]byte(data), &s); err != nil || !ok {
		t.Fatalf("frame %q: %v", frame, err)
	}
	return s
}

// kinds returns the steps in short: the callback, what happened, and what is said of it.
func kinds(steps []Step) (list []string) {
	for _, s := range steps {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s %s", s.Callback, s.Step, cmp.Or(s.Transport, s.Detail))))
	}
	return list
}

func wantKinds(t *testing.T, l *Live, payment string, want ...string) {
	t.Helper()
	if got := kinds(l.steps(t, payment)); !slices.Equal(got, want) {
		t.Errorf("%s: steps %q, want %q", payment, got, want)
	}
}

func paid(payment, id string) relay.Event {
	return relay.Event{ID: id, Payment: payment, Source: "stripe", Status: relay.Paid, Final: true}
}

func told(e relay.Event) *relay.Told { return &relay.Told{Event: e} }

// store is what the route tells of a callback that is stored and applied.
func store(o callback.Observer, e relay.Event) {
	o.Verified([]relay.Event{e})
	o.Stored(e, relay.Receipt{Applied: true})
	o.Answered(200, nil)
}

// TestStep holds each member of what a page gets, times to the microsecond.
func TestStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := New(), paid("order-1", "stripe:evt-1")
		o := l.Received(t.Context(), "stripe")
		wantKinds(t, l, "order-1") // nobody knows what it is about
		time.Sleep(120 * time.Microsecond)
		o.Verified([]relay.Event{e})
		time.Sleep(80 * time.Microsecond)
		o.Stored(e, relay.Receipt{Applied: true})
		o.Answered(200, nil)
		time.Sleep(time.Second)
		l.told("sse", told(e), time.Now())
		want := []Step{
			{Callback: 1, Step: "received", At: "2000-01-01T00:00:00.000000Z", Source: "stripe", Status: ""},
			{Callback: 1, Step: "verified", At: "2000-01-01T00:00:00.000120Z", Micros: 120, Source: "stripe", Status: "paid"},
			{Callback: 1, Step: "stored", At: "2000-01-01T00:00:00.000200Z", Micros: 200, Source: "stripe", Status: "paid"},
			{Callback: 1, Step: "acknowledged", At: "2000-01-01T00:00:00.000200Z", Micros: 200, Source: "stripe", Status: "paid", Detail: "200"},
			{Callback: 1, Step: "told", At: "2000-01-01T00:00:01.000200Z", Micros: 1000200, Source: "stripe", Status: "paid", Transport: "sse"},
		}
		if got := l.steps(t, "order-1"); !slices.Equal(got, want) {
			t.Errorf("steps\n%+v, want\n%+v", got, want)
		}
	})
}

// TestOutcomes: what becomes of callbacks that are not simply stored and told.
func TestOutcomes(t *testing.T) {
	l, e := New(), paid("p", "s:1")
	store(l.Received(t.Context(), "s"), e)
	again := l.Received(t.Context(), "s")
	again.Verified([]relay.Event{e})
	again.Stored(e, relay.Receipt{Duplicate: true, Applied: true, Conflict: "of the first"})
	again.Answered(200, nil)
	other := l.Received(t.Context(), "s")
	wrong := paid("p", "s:2")
	other.Verified([]relay.Event{wrong})
	other.Stored(wrong, relay.Receipt{Conflict: "another amount"})
	other.Answered(200, nil)
	early := l.Received(t.Context(), "s")
	held := paid("p", "s:3")
	early.Verified([]relay.Event{held})
	early.Stored(held, relay.Receipt{Held: true})
	early.Answered(200, nil)
	l.told("ws", told(e), time.Now()) // who comes late is told the first, of the first callback
	wantKinds(t, l, "p",
		"1 received", "1 verified", "1 stored", "1 acknowledged 200",
		"2 received", "2 verified", "2 duplicate", "2 acknowledged 200",
		"3 received", "3 verified", "3 stored", "3 conflict another amount", "3 acknowledged 200",
		"4 received", "4 verified", "4 stored held back until the payment is registered", "4 acknowledged 200",
		"1 told ws")
}

// TestToldBeforeTheRouteKnows: a waiter that is told proves that the event is stored, which is shown first and once.
func TestToldBeforeTheRouteKnows(t *testing.T) {
	l, e := New(), paid("p", "s:1")
	o := l.Received(t.Context(), "s")
	o.Verified([]relay.Event{e})
	l.told("poll", told(e), time.Now())
	o.Stored(e, relay.Receipt{Applied: true})
	o.Answered(200, nil)
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored", "1 told poll", "1 acknowledged 200")
}

// TestRetry: a callback that could not be stored is refused, and the waiter is told by the one that could.
func TestRetry(t *testing.T) {
	l, e := New(), paid("p", "s:1")
	o := l.Received(t.Context(), "s")
	o.Verified([]relay.Event{e})
	o.Answered(503, errors.New("memory: append: closed"))
	store(l.Received(t.Context(), "s"), e)
	l.told("sse", told(e), time.Now())
	wantKinds(t, l, "p", "1 received", "1 verified", "1 refused 503 not stored, to be sent again",
		"2 received", "2 verified", "2 stored", "2 acknowledged 200", "2 told sse")
}

// TestRefused: of a callback that proves nothing the payment is known to who posts it alone.
func TestRefused(t *testing.T) {
	l := New()
	refusal := callback.Refuse(callback.BadSignature, "no key fits")
	l.Received(About(t.Context(), "p"), "s").Answered(401, refusal)
	wantKinds(t, l, "p", "1 received", "1 refused 401 bad_signature: no key fits")
	page, _ := l.open("q", 0)
	l.Received(context.Background(), "s").Answered(401, refusal)
	wantKinds(t, l, "p", "1 received", "1 refused 401 bad_signature: no key fits") // it is not kept
	wantKinds(t, l, "")
	for _, want := range []string{"2 received", "2 refused 401 bad_signature: no key fits"} {
		if got := kinds([]Step{read(t, string((<-page.frames).text))}); got[0] != want {
			t.Errorf("an open page is shown %q, want %q", got[0], want)
		}
	}
}

// TestAbout: a genuine callback says itself what it is about, and what was known is not shown twice.
func TestAbout(t *testing.T) {
	l := New()
	store(l.Received(About(t.Context(), "p"), "s"), paid("p", "s:1"))
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored", "1 acknowledged 200")
	o := l.Received(About(t.Context(), "p"), "s")
	o.Verified(nil)
	o.Answered(200, nil)
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored", "1 acknowledged 200",
		"2 received", "2 verified not about a payment's status", "2 acknowledged 200")
}

// TestSeveralPayments: a callback about several is shown to the watchers of each.
func TestSeveralPayments(t *testing.T) {
	l, a, b := New(), paid("a", "s:a:1"), paid("b", "s:b:1")
	o := l.Received(t.Context(), "s")
	o.Verified([]relay.Event{a, b})
	o.Stored(a, relay.Receipt{Applied: true})
	o.Stored(b, relay.Receipt{Applied: true})
	o.Answered(200, nil)
	for _, payment := range []string{"a", "b"} {
		wantKinds(t, l, payment, "1 received", "1 verified", "1 stored", "1 acknowledged 200")
	}
}

// TestAgainAndAgain: a callback that repeats does not make the others forgotten.
func TestAgainAndAgain(t *testing.T) {
	l, first, second := New(), paid("p", "s:1"), paid("p", "s:2")
	store(l.Received(t.Context(), "s"), first)
	for range maxSteps {
		store(l.Received(t.Context(), "s"), second)
	}
	l.told("sse", told(first), time.Now())
	if steps := kinds(l.steps(t, "p")); steps[len(steps)-1] != "1 told sse" {
		t.Errorf("the last step is %q", steps[len(steps)-1])
	}
}

// TestUnknown: what no callback said is not shown, such as a merchant's own event.
func TestUnknown(t *testing.T) {
	l := New()
	l.told("sse", told(paid("p", "merchant:p:1")), time.Now())
	store(l.Received(t.Context(), "s"), paid("p", "s:1"))
	l.told("sse", told(paid("p", "merchant:p:1")), time.Now())
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored", "1 acknowledged 200")
}

// TestBounds: the newest payments are kept, and the last steps of each.
func TestBounds(t *testing.T) {
	l := New()
	for i := range maxPayments {
		store(l.Received(t.Context(), "s"), paid(fmt.Sprint("p", i), "s:1"))
	}
	store(l.Received(t.Context(), "s"), paid("p0", "s:2")) // the newest then
	store(l.Received(t.Context(), "s"), paid("q", "s:1"))
	if n := len(l.payments); n != maxPayments || n != l.newest.Len() {
		t.Errorf("%d payments are kept, want %d", n, maxPayments)
	}
	for payment, want := range map[string]int{"p0": 8, "p1": 0, "p2": 4, "q": 4} {
		if got := len(l.steps(t, payment)); got != want {
			t.Errorf("%s: %d steps, want %d", payment, got, want)
		}
	}
	for i := range 2 * maxSteps {
		store(l.Received(t.Context(), "s"), paid("q", fmt.Sprint("s:", i)))
	}
	steps := l.steps(t, "q")
	if len(steps) != maxSteps || steps[maxSteps-1].Callback != l.calls || len(l.payments["q"].events) != maxSteps {
		t.Errorf("%d steps with %d events, the last %+v", len(steps), len(l.payments["q"].events), steps[len(steps)-1])
	}
}
