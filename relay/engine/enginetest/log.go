package enginetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func emptyLog(t *testing.T, h Harness) {
	e := h.open(t)
	if p := head(t, e); p.Epoch == "" || p.Seq != 0 || p.Sub != 0 {
		t.Errorf("Head of an empty log = %+v, want an epoch and sequence 0", p)
	}
	if got := read(t, e, "order-1"); len(got) != 0 {
		t.Errorf("Read of an empty log = %v", places(got))
	}
	if got := scanned(t, e, relay.Position{}, 10); len(got) != 0 {
		t.Errorf("Scan of an empty log = %v", places(got))
	}
	if got := scanned(t, e, head(t, e), 10); len(got) != 0 {
		t.Errorf("Scan behind the head of an empty log = %v", places(got))
	}
}

func epoch(t *testing.T, h Harness) {
	e := h.open(t)
	name := head(t, e).Epoch
	if name == "" || len(name) > 64 {
		t.Fatalf("epoch %q has %d characters, want 1 to 64", name, len(name))
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		t.Errorf("epoch %q has characters that need escaping somewhere", name)
	}
	for i := range 3 {
		en := put(t, e, event("order-1", fmt.Sprint(i)))
		if en.Position.Epoch != name || head(t, e).Epoch != name {
			t.Fatalf("epoch changed from %q to %q, head's to %q", name, en.Position.Epoch, head(t, e).Epoch)
		}
		if p, err := relay.ParsePosition(en.Position.String()); err != nil || p != en.Position {
			t.Errorf("position %+v reads back as %+v, error %v", en.Position, p, err)
		}
	}
	if other := head(t, h.open(t)).Epoch; other == name {
		t.Errorf("two logs have the epoch %q", name)
	}
}

func appendAndRead(t *testing.T, h Harness) {
	e := h.open(t)
	var want []relay.Entry
	for i := range 40 {
		en := put(t, e, event("order-1", fmt.Sprintf("e-%d", i)))
		other := put(t, e, event("order-2", fmt.Sprintf("e-%d", i)))
		want = append(want, en)
		same(t, "Read", read(t, e, "order-1"), want)
		if p := head(t, e); p != other.Position {
			t.Fatalf("Head = %v after an append at %v", p, other.Position)
		}
	}
	if got := read(t, e, "order-3"); len(got) != 0 {
		t.Errorf("Read of an unknown payment = %v", places(got))
	}
	if got := read(t, e, "order-"); len(got) != 0 {
		t.Errorf("Read of a payment's prefix = %v", places(got))
	}
}

func positionsDense(t *testing.T, h Harness) {
	e := h.open(t)
	const workers, each = 8, 25
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			last := relay.Position{}
			for i := range each {
				en, stored, err := e.Append(context.Background(), event(fmt.Sprintf("order-%d", i%3), fmt.Sprintf("%d-%d", w, i)))
				if err != nil || !stored || en.Position.Compare(last) <= 0 {
					t.Errorf("Append = %v after %v, stored %v, error %v", en.Position, last, stored, err)
				}
				last = en.Position
			}
		})
	}
	wg.Wait()
	log := wholeLog(t, e)
	if len(log) != workers*each {
		t.Fatalf("the log has %d entries, want %d", len(log), workers*each)
	}
	for i, en := range log {
		if en.Position.Seq != uint64(i+1) || en.Position.Sub != 0 {
			t.Fatalf("entry %d has the position %+v, want sequence %d", i, en.Position, i+1)
		}
	}
}

func everyMember(t *testing.T, h Harness) {
	e := h.open(t)
	full := relay.Event{
		ID: "shop:事件/1 *>.", Source: "shop", Payment: "order-1", Status: relay.Refunded, Final: true,
		Time: time.Date(2026, 11, 22, 8, 0, 0, 123456789, time.UTC), Amount: "0129.500", Currency: "CNY",
		Provider: "alipay", TransactionID: "2026…", ProviderStatus: "TRADE_SUCCESS \"'\\", RefundID: "r-1",
		Cumulative: true, NeedsRegistration: true,
	}
	for v, i := reflect.ValueOf(full), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("enginetest: Event.%s is not tested", v.Type().Field(i).Name)
		}
	}
	bare := relay.Event{ID: "bare", Payment: "order-1", Status: relay.Failed, Time: full.Time}
	registration := relay.Event{ID: "~registered:::", Payment: "order-1", Status: relay.Registered, Time: full.Time}
	var want []relay.Entry
	for _, ev := range []relay.Event{full, bare, registration} {
		en := put(t, e, ev)
		same(t, "Append", []relay.Entry{en}, []relay.Entry{{Position: en.Position, Event: ev}})
		want = append(want, en)
	}
	same(t, "Read", read(t, e, "order-1"), want)
	same(t, "Scan", wholeLog(t, e), want)
	same(t, "Tail", follow(t, e, relay.Position{}).wait(t, len(want)), want)
}

func paymentIDs(t *testing.T, h Harness) {
	e := h.open(t)
	ids := []string{
		"a", "A", "a.b", "a/b", "a b", " a", "a ", "*", ">", "a.*", "a.>", ".a", "a.", "...", "a..b", "$", "~", "%2F",
		"订单-1001", "заказ", "é", "e\u0301", "😀", "\u00a0", "\ufeff", "\\", `"`, "'", "a,b", "a:b", "a=b", "a?b#c",
		strings.Repeat("x", relay.MaxPaymentID), strings.Repeat("x", relay.MaxPaymentID-1),
		strings.Repeat("付", relay.MaxPaymentID/3) + "xx", strings.Repeat("> ", relay.MaxPaymentID/2),
	}
	for i, id := range ids {
		if err := relay.CheckPayment(id); err != nil {
			t.Fatalf("enginetest: %v", err)
		}
		put(t, e, event(id, "first"))
		put(t, e, event(id, fmt.Sprint(i)))
	}
	for i, id := range ids {
		got := read(t, e, id)
		if len(got) != 2 || got[0].Event.Payment != id || got[1].Event.ID != fmt.Sprint(i) {
			t.Errorf("Read(%q) = %v, want its two entries", id, places(got))
		}
	}
}

func readUpToHead(t *testing.T, h Harness) {
	e := h.open(t)
	var wg sync.WaitGroup
	defer wg.Wait()
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if _, _, err := e.Append(context.Background(), event("order-1", fmt.Sprintf("%d-%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		p := head(t, e)
		if got := read(t, e, "order-1"); uint64(len(got)) < p.Seq {
			t.Fatalf("Head was at %d, Read has %d entries", p.Seq, len(got))
		}
		if got := scanned(t, e, relay.Position{}, 1000); uint64(len(got)) < p.Seq {
			t.Fatalf("Head was at %d, Scan has %d entries", p.Seq, len(got))
		}
	}
}

func readsMonotonic(t *testing.T, h Harness) {
	e := h.open(t)
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := range 100 {
				if _, _, err := e.Append(context.Background(), event("order-1", fmt.Sprintf("%d-%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := 0 // what some Read has returned
	for range 3 {
		readers.Go(func() {
			for n := 0; n < 200; {
				mu.Lock()
				before := seen
				mu.Unlock()
				got, err := e.Read(context.Background(), "order-1")
				if n = len(got); n < before || err != nil {
					t.Errorf("Read has %d entries, error %v, after one that had %d", n, err, before)
					return
				}
				mu.Lock()
				seen = max(seen, n)
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	readers.Wait()
}

// resultsStay holds that what Read returned is not changed by later appends, nor the log by who appends to it.
func resultsStay(t *testing.T, h Harness) {
	e := h.open(t)
	var want []relay.Entry
	for i := range 70 { // over several sizes of whatever keeps them
		got := read(t, e, "order-1")
		same(t, "Read", got, want)
		want = append(want, put(t, e, event("order-1", fmt.Sprint(i))))
		same(t, "what Read returned before an append", got, want[:i])
		_ = append(got, relay.Entry{})
	}
	same(t, "Read", read(t, e, "order-1"), want)
}
