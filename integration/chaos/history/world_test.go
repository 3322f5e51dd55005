package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

func testBook(t *testing.T) *script.Book {
	t.Helper()
	b, err := script.NewBook("abc123", 7, time.Unix(1_795_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// find returns the first payment whose events have the statuses, in rounds as said.
func find(t *testing.T, b *script.Book, contested bool, statuses ...relay.Status) script.Payment {
	t.Helper()
	for n := range uint64(10_000) {
		p := b.Payment(n)
		var have []relay.Status
		for _, e := range p.Events {
			have = append(have, e.Status)
		}
		if p.Contested == contested && p.Registered == "" && slices.Equal(have, statuses) {
			return p
		}
	}
	t.Fatalf("no payment is %v", statuses)
	return script.Payment{}
}

// honest is what servers that keep all promises make of a payment whose events arrive in the order of the script, with
// two nodes and three waiters: one who was there all the time, one who came back with a cursor and one who came late.
func honest(b *script.Book, s script.Payment) *Payment {
	p := &Payment{Payment: s, Nodes: 2}
	o := Begin
	at := func(seq int) relay.Position { return relay.Position{Epoch: "e", Seq: uint64(seq)} }
	var log []Item
	first := Conn{Transport: "sse", Frames: []Frame{{State: &Seen{Status: relay.Pending}}}}
	back := Conn{Transport: "ws"}
	read := func(node int, from, to time.Duration) Read {
		return Read{Node: node, Start: from, End: to, Items: slices.Clone(log), Seen: Seen{Position: at(2 * len(log)),
			Status: o.Status, Final: o.Final, Conflict: o.Conflict, Amount: o.Paid}}
	}
	for i, e := range s.Events {
		now := time.Duration(100 * (i + 1))
		p.Posts = append(p.Posts, Post{Event: i, Node: i % 2, Start: now, End: now + 10},
			Post{Event: i, Node: (i + 1) % 2, Start: now + 20, End: now + 30, Acked: true})
		told := o.Take(e, s.Registered)
		it := Item{Told: Told{ID: s.Source + ":" + b.EventID(s.Number, i), Payment: s.ID, Position: at(2*i + 2), Status: e.Status,
			Amount: e.Amount}, Applied: told}
		log = append(log, it)
		if told {
			first.Frames = append(first.Frames, Frame{Event: &it.Told})
			back.Frames = append(back.Frames, Frame{Event: &it.Told})
		}
		p.Reads = append(p.Reads, read(i%2, now+40, now+50))
	}
	p.Last = []Read{read(0, 1000, 1010), read(1, 1000, 1010)}
	end := Frame{End: "done"}
	first.Frames = append(first.Frames, end)
	cursor := Conn{Transport: "poll", Cursor: at(1), Frames: []Frame{{State: &p.Last[0].Seen}}}
	back.Cursor = at(1)
	back.Frames = append(back.Frames, end)
	late := Conn{Transport: "sse", Frames: append([]Frame{{State: &p.Last[0].Seen}}, back.Frames...)}
	p.Waiters = []Waiter{{Conns: []Conn{first}}, {Conns: []Conn{cursor, back}}, {Conns: []Conn{late}}}
	return p
}

// kindsOf returns the kinds of violations, each once and in order.
func kindsOf(all []Violation) []Kind {
	var some []Kind
	for _, v := range all {
		some = append(some, v.Kind)
	}
	slices.Sort(some)
	return slices.Compact(some)
}

func describe(all []Violation) string { return fmt.Sprintf("%d violations: %v", len(all), all) }
