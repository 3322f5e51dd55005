package relay_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/tillbell/tillbell/relay"
)

func pending(id string, minute int) relay.Event {
	return relay.Event{ID: id, Source: "shop", Payment: payment, Status: relay.Pending, Time: at(minute)}
}

func paid(id string, minute int, amount relay.Amount) relay.Event {
	e := relay.Event{ID: id, Source: "shop", Payment: payment, Status: relay.Paid, Final: true, Time: at(minute), Amount: amount}
	if amount != "" {
		e.Currency = "CNY"
	}
	return e
}

func registration(source string, amount relay.Amount) relay.Event {
	e := relay.Event{ID: "~registered:" + source + ":" + string(amount), Source: source, Payment: payment, Status: relay.Registered, Time: noon, Amount: amount}
	if amount != "" {
		e.Currency = "CNY"
	}
	return e
}

func held(e relay.Event) relay.Event {
	e.NeedsRegistration = true
	return e
}

// TestInterleavings walks through every order in which publishing, the tail, subscribing, expiry and draining can meet.
func TestInterleavings(t *testing.T) {
	scenes := map[string]scene{
		"one waiter":             {entries: []relay.Event{pending("a", 1), pending("b", 2), paid("c", 3, "1")}, subscribers: 1},
		"two waiters":            {entries: []relay.Event{pending("a", 1), paid("b", 2, "1")}, subscribers: 2},
		"two waiters, no end":    {entries: []relay.Event{pending("a", 1), pending("b", 2)}, subscribers: 2},
		"three waiters":          {entries: []relay.Event{paid("a", 1, "1")}, subscribers: 3},
		"release":                {entries: []relay.Event{held(pending("a", 1)), held(paid("b", 2, "1")), registration("", "1")}, subscribers: 1},
		"contradiction":          {entries: []relay.Event{registration("", "2"), paid("a", 1, "1")}, subscribers: 2},
		"drain":                  {entries: []relay.Event{paid("a", 1, "1")}, subscribers: 2, drain: true},
		"expiry":                 {entries: []relay.Event{paid("a", 1, "1")}, subscribers: 2, expire: true},
		"close":                  {entries: []relay.Event{paid("a", 1, "1")}, subscribers: 2, close: true},
		"told slowly":            {entries: []relay.Event{pending("a", 1), paid("b", 2, "1")}, subscribers: 1, gated: true},
		"told slowly and drain":  {entries: []relay.Event{pending("a", 1)}, subscribers: 1, gated: true, drain: true},
		"told slowly and expiry": {entries: []relay.Event{pending("a", 1)}, subscribers: 1, gated: true, expire: true},
		"told slowly and close":  {entries: []relay.Event{pending("a", 1)}, subscribers: 1, gated: true, close: true},
	}
	for name, sc := range scenes {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && sc.subscribers > 1 {
				t.Skip("many orders")
			}
			synctest.Test(t, func(t *testing.T) {
				runs := explore(func(pick func(int) int) { sc.play(t, pick) })
				t.Logf("%d orders", runs)
			})
		})
	}
}

// TestLargeScenes walks through some orders of scenes that have too many.
func TestLargeScenes(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	entries := []relay.Event{
		pending("a", 1), held(pending("b", 2)), registration("shop", ""), pending("old", 0), registration("", "2"),
		paid("contradiction", 3, "1"), pending("c", 4), paid("d", 5, "2"), {ID: "e", Source: "shop", Payment: payment, Status: relay.Refunded, Time: at(6)},
	}
	synctest.Test(t, func(t *testing.T) {
		for i := range 2000 {
			from := rnd.IntN(len(entries))
			sc := scene{
				entries: entries[from : from+rnd.IntN(len(entries)-from)+1], subscribers: 1 + rnd.IntN(5),
				drain: i%4 == 0, expire: i%5 == 0, close: i%3 == 0, gated: i%2 == 0,
			}
			sc.play(t, rnd.IntN)
			if t.Failed() {
				t.Fatalf("seed %d, run %d", seed, i)
			}
		}
	})
}
