package relay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

func register(t *testing.T, r *relay.Relay, source string, amount relay.Amount) (relay.State, bool, error) {
	t.Helper()
	g := relay.Registration{Payment: payment, Source: source, Amount: amount}
	if amount != "" {
		g.Currency = "CNY"
	}
	s, first, err := r.Register(context.Background(), g)
	if err != nil && !errors.Is(err, relay.ErrRegistered) && !errors.Is(err, relay.ErrPaidOtherwise) {
		t.Fatal(err)
	}
	return s, first, err
}

func TestReceipts(t *testing.T) {
	r := newRelay(t, relay.Options{})
	check := func(e relay.Event, want relay.Receipt) {
		t.Helper()
		got := publish(t, r, e)
		if (got.Conflict != "") != (want.Conflict != "") || !strings.Contains(got.Conflict, want.Conflict) {
			t.Errorf("%s: conflict %q, want %q", e.ID, got.Conflict, want.Conflict)
		}
		seq := got.Position.Seq
		if got.Position, got.Conflict, want.Conflict = (relay.Position{}), "", ""; got != want || seq == 0 {
			t.Errorf("%s: at %d %+v, want %+v", e.ID, seq, got, want)
		}
	}
	check(held(pending("a", 1)), relay.Receipt{Held: true})
	check(held(pending("a", 1)), relay.Receipt{Held: true, Duplicate: true})
	check(pending("b", 2), relay.Receipt{Applied: true})
	check(pending("late", 1), relay.Receipt{})
	if _, first, err := register(t, r, "", "5"); !first || err != nil {
		t.Fatalf("Register: first %v, error %v", first, err)
	}
	check(held(pending("a", 1)), relay.Receipt{Duplicate: true}) // released, but older than b
	check(held(pending("c", 3)), relay.Receipt{Applied: true})
	check(paid("d", 4, "6"), relay.Receipt{Conflict: "registered 5 CNY"})
	check(paid("e", 5, "5"), relay.Receipt{Applied: true})
	check(paid("e", 5, "5"), relay.Receipt{Applied: true, Duplicate: true})
	check(paid("d", 4, "6"), relay.Receipt{Duplicate: true, Conflict: "registered 5 CNY"})
	check(final(event("f", relay.Closed, 6, "")), relay.Receipt{Conflict: "after the final paid"})
}

func TestReceiptOfReleased(t *testing.T) {
	r := newRelay(t, relay.Options{})
	publish(t, r, held(paid("a", 1, "5")))
	if _, _, err := register(t, r, "", "5"); err != nil {
		t.Fatal(err)
	}
	if got := publish(t, r, held(paid("a", 1, "5"))); !got.Duplicate || !got.Applied || got.Held {
		t.Errorf("a released event, published again: %+v", got)
	}
}

func TestRegister(t *testing.T) {
	type call struct {
		source string
		amount relay.Amount
		first  bool
		err    error
	}
	tests := []struct {
		name     string
		before   []relay.Event
		calls    []call
		conflict bool
	}{
		{"repeated", nil, []call{{"shop", "5", true, nil}, {"shop", "5.00", false, nil}, {"", "", false, nil}, {"", "5", false, nil}, {"shop", "", false, nil}}, false},
		{"differs", nil, []call{{"shop", "5", true, nil}, {"shop", "6", false, relay.ErrRegistered}, {"till", "5", false, relay.ErrRegistered}, {"shop", "5", false, nil}}, false},
		{"merges", nil, []call{{"", "", true, nil}, {"shop", "", false, nil}, {"", "5", false, nil}, {"till", "", false, relay.ErrRegistered}, {"", "6", false, relay.ErrRegistered}}, false},
		{"after its payment", []relay.Event{paid("a", 1, "5")}, []call{{"shop", "5", true, nil}, {"shop", "5", false, nil}}, false},
		{"after another amount", []relay.Event{paid("a", 1, "5")}, []call{{"shop", "6", true, relay.ErrPaidOtherwise}, {"shop", "6", false, relay.ErrPaidOtherwise}, {"", "5", false, relay.ErrRegistered}}, true},
		{"after no amount", []relay.Event{paid("a", 1, "")}, []call{{"", "5", true, relay.ErrPaidOtherwise}}, true},
		{"after another source's outcome", []relay.Event{paid("a", 1, "5")}, []call{{"till", "", true, relay.ErrPaidOtherwise}, {"till", "", false, relay.ErrPaidOtherwise}}, true},
		{"after another source's refund", []relay.Event{event("a", relay.Refunded, 1, "5")}, []call{{"till", "", true, relay.ErrPaidOtherwise}}, true},
		{"after another source's final failure", []relay.Event{final(event("a", relay.Failed, 1, ""))}, []call{{"till", "", true, relay.ErrPaidOtherwise}}, true},
		{"after another source's pending", []relay.Event{pending("a", 1)}, []call{{"till", "", true, nil}, {"till", "", false, nil}}, true},
		{"after another source's pending and the outcome", []relay.Event{pending("a", 1), from("till", paid("b", 2, "5"))}, []call{{"till", "5", true, nil}}, true},
		{"after a refund alone", []relay.Event{event("a", relay.Refunded, 1, "2")}, []call{{"shop", "5", true, nil}}, false},
		{"releases another amount", []relay.Event{held(paid("a", 1, "5"))}, []call{{"", "6", true, nil}, {"", "6", false, nil}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRelay(t, relay.Options{})
			for _, e := range tt.before {
				publish(t, r, e)
			}
			for i, c := range tt.calls {
				s, first, err := register(t, r, c.source, c.amount)
				if first != c.first || !errors.Is(err, c.err) || err != nil && c.err == nil {
					t.Errorf("call %d: first %v, error %v; want %v, %v", i, first, err, c.first, c.err)
				}
				if s.Conflict != tt.conflict || !s.Registered() || s.Payment != payment {
					t.Errorf("call %d: %s", i, visible(s))
				}
			}
		})
	}
}

// crowd is a memory engine whose Append waits until some calls have come.
type crowd struct {
	*memory.Engine
	missing *sync.WaitGroup
}

func (e crowd) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	e.missing.Done()
	e.missing.Wait()
	return e.Engine.Append(ctx, ev)
}

// TestRegisterAtOnce holds that the log decides which of several registrations is the first, and which differs: here
// all of them find nothing registered.
func TestRegisterAtOnce(t *testing.T) {
	const n = 8
	for range 20 {
		var missing sync.WaitGroup
		missing.Add(n)
		r, stop := start(t, crowd{memory.New(memory.Options{}), &missing}, relay.Options{})
		var mu sync.Mutex
		firsts, accepted := 0, map[relay.Amount]int{}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				g := relay.Registration{Payment: payment, Amount: relay.Amount(fmt.Sprint(i % 2)), Currency: "CNY"}
				_, first, err := r.Register(context.Background(), g)
				mu.Lock()
				defer mu.Unlock()
				if first {
					firsts++
				}
				switch {
				case err == nil:
					accepted[g.Amount]++
				case first || !errors.Is(err, relay.ErrRegistered):
					t.Errorf("first %v, error %v", first, err)
				}
			})
		}
		wg.Wait()
		stop()
		if firsts != 1 || len(accepted) != 1 {
			t.Fatalf("%d are first, accepted are %v", firsts, accepted)
		}
	}
}

func TestEngineErrors(t *testing.T) {
	r := newRelay(t, relay.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Publish(ctx, pending("a", 1)); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "relay: publish: ") {
		t.Errorf("Publish: %v", err)
	}
	if _, first, err := r.Register(ctx, relay.Registration{Payment: payment}); first || !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "relay: register: ") {
		t.Errorf("Register: %v", err)
	}
}
