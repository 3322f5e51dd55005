package relay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

// verdict returns the receipt that folding the whole log anew gives for the entry at a position.
func verdict(t testing.TB, r *relay.Relay, p string, at relay.Position, id string) relay.Receipt {
	t.Helper()
	state, records, err := r.History(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := relay.Receipt{Position: at}
	for _, rec := range records {
		if rec.Position == at {
			want.Held, want.Conflict = rec.Held && !state.Registered(), rec.Conflict
		}
		for _, told := range rec.Told {
			want.Applied = want.Applied || told.Event.ID == id
		}
	}
	return want
}

// TestReceiptsOfLongLogs holds that receipts do not depend on what is kept between them.
func TestReceiptsOfLongLogs(t *testing.T) {
	statuses := []relay.Status{relay.Pending, relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0))
		r := newRelay(t, relay.Options{})
		for i := range 60 {
			if random.IntN(20) == 0 {
				_, _, _ = register(t, r, "", relay.Amount(fmt.Sprint(5+random.IntN(2))))
			}
			e := event(fmt.Sprint(random.IntN(i+1)), statuses[random.IntN(len(statuses))], random.IntN(60), relay.Amount(fmt.Sprint(5+random.IntN(2))))
			e.Final = random.IntN(10) == 0
			e.NeedsRegistration = random.IntN(3) == 0
			got := publish(t, r, e)
			want := verdict(t, r, payment, got.Position, e.ID)
			want.Duplicate = got.Duplicate
			if got != want {
				t.Fatalf("seed %d, event %d: %+v, want %+v", seed, i, got, want)
			}
		}
	}
}

// TestReceiptsForgetWhatExpired publishes to a payment whose registration expires under it.
func TestReceiptsForgetWhatExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := memory.New(memory.Options{Retention: time.Hour})
		r, stop := start(t, engine, relay.Options{})
		defer stop()
		if _, _, err := register(t, r, "", "5"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		for i := range 20 {
			publish(t, r, pending(fmt.Sprint(i), i))
		}
		if got := publish(t, r, paid("a", 30, "6")); got.Conflict == "" || got.Applied {
			t.Errorf("registered: %+v, want a conflict", got)
		}
		for i := range 3 { // by another node, so that the log has grown more than it will have lost
			if _, _, err := engine.Append(t.Context(), pending(fmt.Sprint("other-", i), i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(35 * time.Minute)
		if got := publish(t, r, paid("b", 31, "6")); got.Conflict != "" || got.Applied {
			t.Errorf("not registered any more, and paid before: %+v, want neither", got)
		}
		if got := publish(t, r, event("c", relay.Refunded, 32, "6")); got.Conflict != "" || !got.Applied {
			t.Errorf("refund of what counts as paid: %+v, want it applied", got)
		}
	})
}
