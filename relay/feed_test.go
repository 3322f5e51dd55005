package relay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

func feed(t *testing.T, r *relay.Relay, after relay.Position, limit int) relay.Page {
	t.Helper()
	page, err := r.Feed(context.Background(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func lines(items []relay.Item) []string {
	var out []string
	for _, it := range items {
		p := it.Position
		p.Epoch = ""
		out = append(out, fmt.Sprintf("%s%s %v", it.Event.ID, p, it.Applied))
	}
	return out
}

func TestFeed(t *testing.T) {
	r := newRelay(t, relay.Options{})
	other := pending("x", 1)
	other.Payment = "order-2"
	for _, e := range []relay.Event{held(pending("a", 1)), other, pending("b", 2), held(paid("c", 3, "5"))} {
		publish(t, r, e)
	}
	if _, _, err := register(t, r, "", "5"); err != nil {
		t.Fatal(err)
	}
	publish(t, r, paid("d", 4, "6"))
	want := []string{"a.1 false", "x.2 true", "b.3 true", "c.4 false", "c.5.2 true", "d.6 false"}
	whole := feed(t, r, relay.Position{}, 100)
	if got := lines(whole.Items); !slices.Equal(got, want) {
		t.Fatalf("Feed = %q, want %q", got, want)
	}
	for _, limit := range []int{1, 2, 3, 5} { // in pages
		var got []string
		for after := (relay.Position{}); ; {
			page := feed(t, r, after, limit)
			if len(page.Items) == 0 {
				break
			}
			got, after = append(got, lines(page.Items)...), page.Position
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q, want %q", limit, got, want)
		}
	}
	for i, it := range whole.Items { // by the position of an item, which a client may have stopped at
		if got := lines(feed(t, r, it.Position, 100).Items); !slices.Equal(got, want[i+1:]) {
			t.Errorf("behind %v: %q, want %q", it.Position, got, want[i+1:])
		}
	}
	for _, nowhere := range []relay.Position{{Epoch: "elsewhere", Seq: 2}, {Epoch: whole.Position.Epoch, Seq: 7}} {
		if got := lines(feed(t, r, nowhere, 100).Items); !slices.Equal(got, want) {
			t.Errorf("behind %v: %q, want everything", nowhere, got)
		}
	}
	if page := feed(t, r, whole.Position, 100); len(page.Items) != 0 || page.Position != whole.Position {
		t.Errorf("behind the end: %+v", page)
	}
}

// TestFeedOfReleased holds that a cursor between two released events does not lose the second.
func TestFeedOfReleased(t *testing.T) {
	r := newRelay(t, relay.Options{})
	publish(t, r, held(pending("a", 1)))
	publish(t, r, held(pending("b", 2)))
	if _, _, err := register(t, r, "", ""); err != nil {
		t.Fatal(err)
	}
	first := feed(t, r, relay.Position{}, 100).Items[2].Position
	page := feed(t, r, first, 100)
	if got := lines(page.Items); !slices.Equal(got, []string{"b.3.2 true"}) {
		t.Fatalf("behind %v: %q", first, got)
	}
	if again := feed(t, r, page.Position, 100); len(again.Items) != 0 {
		t.Errorf("behind %v: %q", page.Position, lines(again.Items))
	}
}

func TestFeedOfExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{Retention: time.Hour}), relay.Options{})
		defer stop()
		if page := feed(t, r, relay.Position{}, 10); len(page.Items) != 0 || page.Position.Epoch == "" {
			t.Errorf("an empty log: %+v", page)
		}
		for i := range 3 {
			publish(t, r, pending(fmt.Sprint(i), i))
		}
		end := feed(t, r, relay.Position{}, 10).Position
		time.Sleep(2 * time.Hour)
		// A position from beyond the log's end must not outlive the moment at which the log is empty.
		page := feed(t, r, relay.Position{Epoch: end.Epoch, Seq: 5}, 10)
		if len(page.Items) != 0 || page.Position.Seq > end.Seq {
			t.Fatalf("an expired log: %+v", page)
		}
		publish(t, r, pending("a", 1))
		for _, after := range []relay.Position{page.Position, end, {}} {
			if got := lines(feed(t, r, after, 10).Items); !slices.Equal(got, []string{"a.4 true"}) {
				t.Errorf("behind %v: %q", after, got)
			}
		}
	})
}

func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
		defer stop()
		first, second := r.Changed(), r.Changed()
		select {
		case <-first:
			t.Fatal("changed without a change")
		default:
		}
		publish(t, r, pending("a", 1))
		<-first
		<-second
		synctest.Wait()
		select {
		case <-r.Changed():
			t.Error("a change from before the call")
		default:
		}
	})
}
