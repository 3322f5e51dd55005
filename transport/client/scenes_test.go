package client_test

import (
	"context"
	"net/url"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client/wiretest"
)

// escaped is the payment in a path.
var escaped = url.PathEscape(payment)

// scene is what a recorded fixture shows, and what clients make of it.
type scene struct {
	about  string
	relay  relay.Options
	play   func(*recorder)
	client wiretest.Client
}

// asks is how often each route may be asked on the way to one transport: those before it answer 404.
func asks(way string, times, states int) map[string]int {
	most := map[string]int{"state": states}
	for _, name := range []string{"sse", "ws", "poll"} {
		if name == way {
			most[name] = times
			return most
		}
		most[name] = 1
	}
	return most
}

var (
	paid129 = map[string]any{"status": "paid", "final": true, "conflict": false, "amount": "129.00", "currency": "CNY"}
	pending = map[string]any{"status": "pending", "final": false}
)

func recordings() map[string]scene {
	all := map[string]scene{
		"late": {
			about: "The page comes after the payment was paid and partly refunded.",
			play: func(r *recorder) {
				r.tells(relay.Paid, "129.00")()
				r.tells(relay.Refunded, "29.00")()
				r.state()
				r.follow("poll")
			},
			client: wiretest.Client{
				Code: "done", Outcome: map[string]any{"status": "refunded", "final": true, "amount": "129.00", "refunded": "29.00"},
				States: []string{"refunded"}, Events: []string{"paid", "refunded"}, Late: true,
				Most: map[string]int{"state": 1, "poll": 1}, Within: wiretest.Duration(time.Second),
			},
		},
		"unauthorized": {
			about: "The ticket is for another payment.",
			play: func(r *recorder) {
				r.token = r.token[:len(r.token)-4] + "AAAA"
				r.state()
				for _, way := range []string{"sse", "ws", "poll"} {
					r.follow(way)
				}
			},
			client: wiretest.Client{Error: "unauthorized", Most: map[string]int{"state": 1}, Within: wiretest.Duration(time.Second)},
		},
	}
	for _, way := range []string{"sse", "ws", "poll"} {
		for name, s := range recordingsOf(way) {
			all[name+"-"+way] = s
		}
	}
	return all
}

// recordingsOf are the scenes that look different on each transport.
func recordingsOf(way string) map[string]scene {
	polls := func(n int) int { // a poll tells one thing, a stream all
		if way == "poll" {
			return n
		}
		return 1
	}
	return map[string]scene{
		"paid": {
			about: "The page waits, an attempt fails, then the payment is paid.",
			play: func(r *recorder) {
				r.state()
				r.follow(way, r.tells(relay.Failed, "129.00"), r.tells(relay.Paid, "129.00"))
				r.state()
			},
			client: wiretest.Client{
				Code: "done", Outcome: paid129, States: []string{"pending", "failed", "paid"}, Events: []string{"failed", "paid"},
				Most: asks(way, polls(3), 2), Within: wiretest.Duration(2 * time.Second),
			},
		},
		"conflict": {
			about: "A callback about another amount than registered completes nothing and is shown; the right one follows.",
			play: func(r *recorder) {
				r.register("129.00")
				r.state()
				r.follow(way, r.tells(relay.Paid, "0.01"), r.tells(relay.Paid, "129.00"))
				r.state()
			},
			client: wiretest.Client{
				Code: "done", Outcome: map[string]any{"status": "paid", "final": true, "conflict": true, "amount": "129.00"},
				States: []string{"pending", "pending conflict", "paid conflict"}, Events: []string{"paid"},
				Most: asks(way, polls(3), 2), Within: wiretest.Duration(2 * time.Second),
			},
		},
		"expired": {
			about: "The ticket's time is over before anything happens.",
			play: func(r *recorder) {
				r.token = r.mint(30 * time.Second)
				r.state()
				r.follow(way)
			},
			client: wiretest.Client{
				Code: "expired", Outcome: pending, States: []string{"pending"}, Events: nil,
				Most: asks(way, polls(3), 2), Within: wiretest.Duration(15 * time.Second),
			},
		},
		"closing": {
			about: "A deploy: the server tells everyone to come back, and the next process knows the outcome.",
			play: func(r *recorder) {
				next := newServer(r.t, relay.Options{}, nil)
				r.state()
				r.follow(way, r.tells(relay.Failed, "129.00"), r.server.relay.Drain)
				r.server = next
				r.token = r.options().Ticket
				r.tells(relay.Failed, "129.00")()
				r.cursor = r.here()
				r.tells(relay.Paid, "129.00")()
				r.follow(way)
				r.state()
			},
			client: wiretest.Client{
				Code: "done", Outcome: paid129, States: []string{"pending", "failed", "paid"}, Events: []string{"failed", "paid"},
				Most: asks(way, max(polls(4), 2), 3), Least: wiretest.Duration(500 * time.Millisecond), Within: wiretest.Duration(6 * time.Second),
			},
		},
		"limit": {
			about: "Too many waits of this payment are open; one of them leaves before the client comes back.",
			relay: relay.Options{MaxPerPayment: 1},
			play: func(r *recorder) {
				r.state()
				ctx, leave := context.WithCancel(context.Background())
				o := r.options()
				o.Transport = "sse"
				holder := start(ctx, o)
				synctest.Wait()
				r.follow(way)
				leave()
				<-holder.done
				synctest.Wait()
				r.follow(way, r.tells(relay.Paid, "129.00"))
				r.state()
			},
			client: wiretest.Client{
				Code: "done", Outcome: paid129, States: []string{"pending", "paid"}, Events: []string{"paid"},
				Most:  map[string]int{"state": 3, "sse": 2, "ws": 2, "poll": polls(4)}, // a browser cannot see why a WebSocket is refused
				Least: wiretest.Duration(500 * time.Millisecond), Within: wiretest.Duration(9 * time.Second),
			},
		},
	}
}

// register expects the amount.
func (r *recorder) register(amount relay.Amount) {
	_, _, err := r.relay.Register(context.Background(), relay.Registration{Payment: payment, Amount: amount, Currency: "CNY"})
	if err != nil {
		r.t.Error(err)
	}
}

// here is the position behind everything so far.
func (r *recorder) here() string {
	s, _, err := r.relay.History(context.Background(), payment)
	if err != nil {
		r.t.Error(err)
	}
	return s.Position.String()
}

// mint returns a ticket with a life of its own.
func (r *recorder) mint(life time.Duration) string {
	token, err := r.tickets.Mint(payment, time.Now().Add(life), time.Now())
	if err != nil {
		r.t.Error(err)
	}
	return token
}
