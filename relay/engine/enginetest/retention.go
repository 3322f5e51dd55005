package enginetest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func retention(t *testing.T, h Harness) {
	if h.Synctest {
		synctest.Test(t, func(t *testing.T) { expires(t, h, 72*time.Hour) })
		return
	}
	expires(t, h, 2*time.Second)
}

// expires appends two rounds of entries and sees that the first is kept for the retention, goes some time after that
// (within as long again, and patience), and is forgotten altogether; and that the log goes on behind it.
func expires(t *testing.T, h Harness, retention time.Duration) {
	e := h.openFor(t, retention)
	began := time.Now()
	old := []relay.Entry{put(t, e, event("order-1", "e")), put(t, e, event("order-2", "e")), put(t, e, event("order-1", "f"))}
	const many = 40 // more of one payment than an engine may search one by one
	for i := range many {
		old = append(old, put(t, e, event("order-4", fmt.Sprint(i))))
	}
	last := old[len(old)-1].Position

	again := time.NewTicker(retention / 50)
	defer again.Stop()
	halfway := relay.Entry{}
	for gone := false; !gone; {
		<-again.C
		reading, scanning, longest := read(t, e, "order-2"), scanned(t, e, relay.Position{}, 1), read(t, e, "order-4")
		age := time.Since(began)
		if halfway.Position.IsZero() && age > retention/2 { // however late a slow machine is with it
			halfway = put(t, e, event("order-4", "half")) // so that this payment does not go as a whole
			continue
		}
		gone = len(reading) == 0 && (len(scanning) == 0 || scanning[0].Position.Compare(last) > 0) &&
			(len(longest) == 0 || longest[0].Position.Compare(last) > 0)
		switch {
		case age < retention:
			if len(reading) != 1 || len(scanning) != 1 || scanning[0].Position != old[0].Position {
				t.Fatalf("after %v of %v Read has %v and Scan %v", age, retention, places(reading), places(scanning))
			}
		case !gone && age > 2*retention+patience:
			t.Fatalf("after %v with a retention of %v Read has %v and Scan %v", age, retention, places(reading), places(scanning))
		}
	}
	if p := head(t, e); p != halfway.Position {
		t.Errorf("Head = %v after expiry, want %v", p, halfway.Position)
	}
	en, stored, err := e.Append(context.Background(), event("order-2", "e"))
	if err != nil || !stored || en.Position.Compare(halfway.Position) <= 0 {
		t.Errorf("Append of an expired id = %v, stored %v, error %v; want it stored behind %v", en.Position, stored, err, halfway.Position)
	}
	same(t, "Read", read(t, e, "order-2"), []relay.Entry{en})
	for i := range many {
		put(t, e, event("order-4", fmt.Sprint(i)))
	}
	for i, after := range []relay.Entry{old[0], old[len(old)/2], old[len(old)-1]} { // cursors into what has expired
		en := put(t, e, event("order-5", fmt.Sprint(i))) // one that has not, however slow the others were
		got := scanned(t, e, after.Position, 100)
		if len(got) == 0 || got[len(got)-1].Position != en.Position {
			t.Errorf("Scan behind the expired %v = %v", after.Position, places(got))
		}
	}
	f := follow(t, e, head(t, e))
	next := put(t, e, event("order-3", "e"))
	same(t, "Tail", f.wait(t, 1), []relay.Entry{next})
}
