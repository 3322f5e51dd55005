package enginetest

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func event(payment, id string) relay.Event {
	return relay.Event{
		ID: id, Source: "shop", Payment: payment, Status: relay.Pending, Amount: "129.00", Currency: "CNY",
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	}
}

// put appends ev, which must not be stored yet.
func put(t testing.TB, e relay.Engine, ev relay.Event) relay.Entry {
	t.Helper()
	en, stored, err := e.Append(context.Background(), ev)
	if err != nil || !stored {
		t.Fatalf("Append(%s of %q) = %v, stored %v, error %v; want it stored", ev.ID, ev.Payment, en.Position, stored, err)
	}
	return en
}

// fill appends n events of several payments and returns their entries.
func fill(t testing.TB, e relay.Engine, name string, n int) []relay.Entry {
	t.Helper()
	entries := make([]relay.Entry, n)
	for i := range entries {
		entries[i] = put(t, e, event(fmt.Sprintf("order-%d", i%7), fmt.Sprintf("%s-%d", name, i)))
	}
	return entries
}

func read(t testing.TB, e relay.Engine, payment string) []relay.Entry {
	t.Helper()
	entries, err := e.Read(context.Background(), payment)
	if err != nil {
		t.Fatalf("Read(%q): %v", payment, err)
	}
	return entries
}

func head(t testing.TB, e relay.Engine) relay.Position {
	t.Helper()
	p, err := e.Head(context.Background())
	if err != nil {
		t.Fatalf("Head: %v", err)
	}
	return p
}

func scanned(t testing.TB, e relay.Engine, after relay.Position, limit int) []relay.Entry {
	t.Helper()
	entries, err := e.Scan(context.Background(), after, limit)
	if err != nil {
		t.Fatalf("Scan(%v, %d): %v", after, limit, err)
	}
	return entries
}

// wholeLog scans everything in small steps.
func wholeLog(t testing.TB, e relay.Engine) []relay.Entry {
	t.Helper()
	var log []relay.Entry
	for after := (relay.Position{}); ; after = log[len(log)-1].Position {
		entries := scanned(t, e, after, 100)
		if len(entries) == 0 {
			return log
		}
		log = append(log, entries...)
	}
}

// same fails unless got is want, where a time is the same at any zone.
func same(t testing.TB, what string, got, want []relay.Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d entries, want %d\ngot:  %v\nwant: %v", what, len(got), len(want), places(got), places(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if !g.Event.Time.Equal(w.Event.Time) {
			t.Fatalf("%s: time of entry %d is %v, want %v", what, i, g.Event.Time, w.Event.Time)
		}
		g.Event.Time, w.Event.Time = time.Time{}, time.Time{}
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("%s: entry %d\ngot:  %+v\nwant: %+v", what, i, g, w)
		}
	}
}

func places(entries []relay.Entry) []string {
	out := make([]string, 0, len(entries))
	for _, en := range entries[:min(len(entries), 20)] {
		out = append(out, en.Position.String()+"="+en.Event.ID)
	}
	return out
}

// follower is one running Tail and what it delivered.
type follower struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // after done

	mu   sync.Mutex
	got  []relay.Entry
	grew chan struct{} // closed and renewed with each entry
}

// follow tails e from after on until the test is over.
func follow(t testing.TB, e relay.Engine, after relay.Position) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{stop: stop, done: make(chan struct{}), grew: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.err = e.Tail(ctx, after, f.add)
	}()
	t.Cleanup(func() { f.end(t) })
	return f
}

func (f *follower) add(en relay.Entry) {
	for range 10 { // lets appends happen while an entry is being delivered
		runtime.Gosched()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, en)
	close(f.grew)
	f.grew = make(chan struct{})
}

// end stops the tail and waits for it.
func (f *follower) end(t testing.TB) {
	f.stop()
	select {
	case <-f.done:
	case <-time.After(patience):
		t.Errorf("Tail has not returned %v after the end of its context", patience)
	}
}

// wait returns the first n entries as soon as they are delivered.
func (f *follower) wait(t testing.TB, n int) []relay.Entry {
	t.Helper()
	deadline := time.After(patience)
	for {
		f.mu.Lock()
		got, grew := f.got, f.grew
		f.mu.Unlock()
		if len(got) >= n {
			return got[:len(got):len(got)]
		}
		select {
		case <-grew:
		case <-f.done:
			t.Fatalf("Tail returned %v after %d entries of %d", f.err, len(got), n)
		case <-deadline:
			t.Fatalf("Tail has delivered %d entries of %d after %v: %v", len(got), n, patience, places(got))
		}
	}
}
