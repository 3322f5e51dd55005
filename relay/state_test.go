package relay_test

import (
	"slices"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// logOf puts events into a log.
func logOf(events ...relay.Event) []relay.Entry {
	entries := make([]relay.Entry, len(events))
	for i, e := range events {
		e.Payment = payment
		entries[i] = relay.Entry{Position: relay.Position{Epoch: "e", Seq: uint64(i + 1)}, Event: e}
	}
	return entries
}

func event(id string, status relay.Status, minute int, amount relay.Amount) relay.Event {
	e := paid(id, minute, amount)
	e.Status, e.Final = status, status == relay.Refunded || status == relay.RefundFailed
	return e
}

func final(e relay.Event) relay.Event {
	e.Final = true
	return e
}

func from(source string, e relay.Event) relay.Event {
	e.Source = source
	return e
}

func cumulative(e relay.Event) relay.Event {
	e.Cumulative = true
	return e
}

func refundOf(id string, e relay.Event) relay.Event {
	e.RefundID = id
	return e
}

// TestFold reads DESIGN section 3 sentence by sentence.
func TestFold(t *testing.T) {
	type want struct {
		status   relay.Status
		final    bool
		conflict bool
		amount   relay.Amount
		refunded relay.Amount
		minute   int // of UpdatedAt
		told     string
	}
	const (
		pend, fail, clos, paidS = relay.Pending, relay.Failed, relay.Closed, relay.Paid
		refd, rfail             = relay.Refunded, relay.RefundFailed
	)
	tests := []struct {
		name   string
		events []relay.Event
		want   want
	}{
		{"paid", []relay.Event{pending("a", 1), paid("b", 2, "129.00")},
			want{paidS, true, false, "129.00", "", 2, "ab"}},
		{"final is by the status, whatever the event says", []relay.Event{event("a", paidS, 1, "1"), final(pending("b", 2))},
			want{paidS, true, false, "1", "", 1, "a"}},
		{"pending is never final", []relay.Event{final(pending("a", 1))},
			want{pend, false, false, "", "", 1, "a"}},

		{"the latest time wins", []relay.Event{event("a", fail, 3, ""), event("b", clos, 2, ""), pending("c", 4)},
			want{pend, false, false, "", "", 4, "ac"}},
		{"a tie goes to the rank", []relay.Event{event("a", fail, 1, ""), pending("b", 1), event("c", clos, 1, ""), event("d", fail, 1, "")},
			want{clos, false, false, "", "", 1, "ac"}},
		{"a late pending is not told", []relay.Event{pending("a", 2), pending("b", 1)},
			want{pend, false, false, "", "", 2, "a"}},
		{"a repeated pending is told", []relay.Event{pending("a", 1), pending("b", 2), pending("c", 2)},
			want{pend, false, false, "", "", 2, "abc"}},
		{"pending after the outcome", []relay.Event{paid("a", 1, "1"), pending("b", 2), event("c", clos, 3, "")},
			want{paidS, true, false, "1", "", 1, "a"}},

		{"a closed attempt, then paid", []relay.Event{event("a", clos, 1, "1"), paid("b", 2, "1")},
			want{paidS, true, false, "1", "", 2, "ab"}},
		{"a failed attempt, then a retry, then paid", []relay.Event{event("a", fail, 1, ""), pending("b", 2), paid("c", 3, "1")},
			want{paidS, true, false, "1", "", 3, "abc"}},
		{"a final that is older than a pending", []relay.Event{pending("a", 5), final(event("b", clos, 1, ""))},
			want{clos, true, false, "", "", 1, "ab"}},
		{"paid that is older than a pending", []relay.Event{pending("a", 5), paid("b", 1, "1")},
			want{paidS, true, false, "1", "", 1, "ab"}},

		{"a second paid of the same amount", []relay.Event{paid("a", 1, "129.00"), paid("b", 2, "129")},
			want{paidS, true, false, "129", "", 2, "a"}},
		{"TRADE_FINISHED after the refund", []relay.Event{paid("a", 1, "2"), event("b", refd, 2, "1"), paid("c", 90, "2")},
			want{refd, true, false, "2", "1", 90, "ab"}},
		{"a second paid of another amount", []relay.Event{paid("a", 1, "129.00"), paid("b", 2, "130.00")},
			want{paidS, true, true, "129.00", "", 1, "a"}},
		{"a second paid that gives an amount", []relay.Event{paid("a", 1, ""), paid("b", 2, "129.00")},
			want{paidS, true, false, "129.00", "", 2, "a"}},

		{"refunded", []relay.Event{paid("a", 1, "10"), event("b", refd, 2, "4")},
			want{refd, true, false, "10", "4", 2, "ab"}},
		{"refund before paid", []relay.Event{event("b", refd, 2, "4"), paid("a", 1, "10")},
			want{refd, true, false, "10", "4", 2, "b"}},
		{"a refund alone", []relay.Event{event("b", refd, 2, "4")},
			want{refd, true, false, "", "4", 2, "b"}},
		{"distinct refunds add up", []relay.Event{paid("a", 1, "10"), refundOf("r1", event("b", refd, 2, "4")), refundOf("r2", event("c", refd, 3, "1.50"))},
			want{refd, true, false, "10", "5.50", 3, "abc"}},
		{"one refund told twice", []relay.Event{paid("a", 1, "10"), refundOf("r1", event("b", refd, 2, "4")), refundOf("r1", event("c", refd, 3, "4"))},
			want{refd, true, false, "10", "4", 3, "ab"}},
		{"cumulative refunds", []relay.Event{paid("a", 1, "10"), cumulative(event("b", refd, 2, "4")), cumulative(event("c", refd, 4, "10")), cumulative(event("d", refd, 3, "7"))},
			want{refd, true, false, "10", "10", 4, "abc"}},
		{"refund_failed stays paid", []relay.Event{paid("a", 1, "10"), event("b", rfail, 2, "4")},
			want{paidS, true, false, "10", "", 2, "a"}},
		{"refund_failed alone folds as paid", []relay.Event{event("b", rfail, 2, "4")},
			want{paidS, true, false, "", "", 2, "b"}},
		{"refund_failed before paid", []relay.Event{event("b", rfail, 2, "4"), paid("a", 1, "10")},
			want{paidS, true, false, "10", "", 2, "b"}},
		{"refund_failed, then refunded", []relay.Event{event("b", rfail, 2, "4"), event("c", refd, 3, "4")},
			want{refd, true, false, "", "4", 3, "bc"}},
		{"refund_failed after refunded", []relay.Event{event("b", refd, 2, "4"), event("c", rfail, 3, "4")},
			want{refd, true, true, "", "4", 2, "b"}},

		{"paid, then closed for good", []relay.Event{paid("a", 1, "1"), final(event("b", clos, 2, ""))},
			want{paidS, true, true, "1", "", 1, "a"}},
		{"closed for good, then paid", []relay.Event{final(event("b", clos, 2, "")), paid("a", 1, "1")},
			want{clos, true, true, "", "", 2, "b"}},
		{"failed for good, then refunded", []relay.Event{final(event("b", fail, 2, "")), event("a", refd, 1, "1")},
			want{fail, true, true, "", "", 2, "b"}},
		{"closed for good, then refund_failed", []relay.Event{final(event("b", clos, 2, "")), event("a", rfail, 1, "1")},
			want{clos, true, true, "", "", 2, "b"}},
		{"refunded, then failed for good", []relay.Event{event("a", refd, 1, "1"), final(event("b", fail, 2, ""))},
			want{refd, true, true, "", "1", 1, "a"}},
		{"closed and failed, both for good", []relay.Event{final(event("a", clos, 1, "")), final(event("b", fail, 2, ""))},
			want{clos, true, true, "", "", 1, "a"}},
		{"closed for good twice", []relay.Event{final(event("a", clos, 1, "")), final(event("b", clos, 2, ""))},
			want{clos, true, false, "", "", 2, "a"}},

		{"registered and paid", []relay.Event{registration("shop", "129.00"), paid("a", 1, "129")},
			want{paidS, true, false, "129", "", 1, "a"}},
		{"registered, nothing else", []relay.Event{registration("shop", "129.00")},
			want{pend, false, false, "129.00", "", -1, ""}},
		{"paid with another amount", []relay.Event{registration("", "129.00"), paid("a", 1, "1")},
			want{pend, false, true, "129.00", "", -1, ""}},
		{"paid with no amount", []relay.Event{registration("", "129.00"), paid("a", 1, "")},
			want{pend, false, true, "129.00", "", -1, ""}},
		{"the next matching paid is applied", []relay.Event{registration("", "129.00"), paid("a", 1, "1"), paid("b", 2, "129.00")},
			want{paidS, true, true, "129.00", "", 2, "b"}},
		{"only paid is compared", []relay.Event{registration("", "129.00"), event("a", pend, 1, "5"), event("b", fail, 2, "6"), event("c", refd, 3, "7")},
			want{refd, true, false, "129.00", "7", 3, "abc"}},
		{"another source", []relay.Event{registration("till", ""), paid("a", 1, "1"), from("till", paid("b", 2, "1"))},
			want{paidS, true, true, "1", "", 2, "b"}},
		{"another source's pending", []relay.Event{registration("till", ""), pending("a", 1)},
			want{pend, false, true, "", "", -1, ""}},
		{"the merchant is a source like any other", []relay.Event{registration("shop", ""), from(relay.Merchant, paid("a", 1, "1"))},
			want{pend, false, true, "", "", -1, ""}},
		{"registered after another amount was paid", []relay.Event{paid("a", 1, "1"), registration("", "129.00")},
			want{paidS, true, true, "1", "", 1, "a"}},
		{"registered after an amount was not told", []relay.Event{paid("a", 1, ""), registration("", "129.00")},
			want{paidS, true, true, "129.00", "", 1, "a"}},
		{"registered for another source afterwards", []relay.Event{pending("a", 1), registration("till", "")},
			want{pend, false, true, "", "", 1, "a"}},
		{"registrations merge", []relay.Event{registration("", "2"), registration("till", ""), paid("a", 1, "2"), from("till", paid("b", 2, "2"))},
			want{paidS, true, true, "2", "", 2, "b"}},
		{"a registration that differs changes nothing", []relay.Event{registration("", "2"), registration("till", "3"), paid("a", 1, "2")},
			want{paidS, true, false, "2", "", 1, "a"}},

		{"held back", []relay.Event{held(paid("a", 1, "1"))},
			want{pend, false, false, "", "", -1, ""}},
		{"released", []relay.Event{held(pending("a", 1)), held(paid("b", 2, "1")), held(event("c", refd, 3, "1")), registration("", "1")},
			want{refd, true, false, "1", "1", 3, "abc"}},
		{"released with another amount", []relay.Event{held(paid("a", 1, "1")), registration("", "2")},
			want{pend, false, true, "2", "", -1, ""}},
		{"not held after the registration", []relay.Event{registration("", ""), held(paid("a", 1, "1"))},
			want{paidS, true, false, "1", "", 1, "a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, records := relay.Fold(payment, logOf(tt.events...))
			got := want{status: s.Status, final: s.Final, conflict: s.Conflict, amount: s.Amount, refunded: s.Refunded, minute: -1}
			if !s.UpdatedAt.IsZero() {
				got.minute = int(s.UpdatedAt.Sub(noon).Minutes())
			}
			for _, told := range toldOf(records) {
				got.told += told.Event.ID
			}
			if got != tt.want {
				t.Errorf("\ngot:  %+v\nwant: %+v", got, tt.want)
			}
			if s.Conflict != !s.Contradicted.IsZero() {
				t.Errorf("Conflict is %v, Contradicted %v", s.Conflict, s.Contradicted)
			}
		})
	}
}

func TestFoldPositions(t *testing.T) {
	s, records := relay.Fold(payment, logOf(held(pending("a", 1)), pending("b", 2), held(pending("c", 3)), registration("", ""), pending("d", 4)))
	var got []string
	for _, told := range toldOf(records) {
		got = append(got, told.Position.String())
	}
	if want := []string{"e.2", "e.4.2", "e.5"}; !slices.Equal(got, want) { // a is older than b: not told
		t.Errorf("told at %v, want %v", got, want)
	}
	if s.Position.String() != "e.5" {
		t.Errorf("the state's position is %v", s.Position)
	}
	s, records = relay.Fold(payment, logOf(held(pending("a", 1)), held(pending("b", 2)), registration("", "")))
	told := toldOf(records)
	if last := told[len(told)-1].Position; s.Position.Compare(last) < 0 {
		t.Errorf("the state is at %v, before %v that it knows of: as a cursor it would repeat it", s.Position, last)
	}
	for i, rec := range records {
		if rec.Held != (i < 2) || rec.Applied() {
			t.Errorf("record %d: held %v, applied %v", i, rec.Held, rec.Applied())
		}
	}
}

func TestNewState(t *testing.T) {
	s, records := relay.Fold(payment, nil)
	if s.Status != relay.Pending || s.Final || s.Known() || s.Registered() || len(records) != 0 {
		t.Errorf("the state of an empty log is %+v, records %v", s, records)
	}
	s, _ = relay.Fold(payment, logOf(registration("", "")))
	if !s.Known() || !s.Registered() {
		t.Errorf("known %v, registered %v after a registration", s.Known(), s.Registered())
	}
}

// What does not prove the registered amount does not complete the payment, and what is refunded of a refused payment
// does not end the wait for the right one.
func TestRegisteredAmountMustBeProven(t *testing.T) {
	registered := relay.Event{ID: "~r", Payment: payment, Status: relay.Registered, Amount: "129.00", Currency: "USD"}
	event := func(id string, status relay.Status, amount relay.Amount) relay.Event {
		return relay.Event{ID: id, Source: "shop", Payment: payment, Status: status, Final: true, Amount: amount, Currency: "USD", Time: at(1)}
	}
	for name, c := range map[string]struct {
		log      []relay.Event
		status   relay.Status
		conflict bool
	}{
		"failed refund alone":       {[]relay.Event{registered, event("1", relay.RefundFailed, "1.00")}, relay.Pending, false},
		"failed refund, then paid":  {[]relay.Event{registered, event("1", relay.RefundFailed, "1.00"), event("2", relay.Paid, "129.00")}, relay.Paid, false},
		"refund of the wrong":       {[]relay.Event{registered, event("1", relay.Paid, "1.00"), event("2", relay.Refunded, "1.00")}, relay.Pending, true},
		"and then the right one":    {[]relay.Event{registered, event("1", relay.Paid, "1.00"), event("2", relay.Refunded, "1.00"), event("3", relay.Paid, "129.00")}, relay.Paid, true},
		"failed refund of a wrong":  {[]relay.Event{registered, event("1", relay.Paid, "1.00"), event("2", relay.RefundFailed, "1.00")}, relay.Pending, true},
		"refund of the right one":   {[]relay.Event{registered, event("1", relay.Paid, "129.00"), event("2", relay.Refunded, "9.00")}, relay.Refunded, false},
		"refund before its payment": {[]relay.Event{registered, event("1", relay.Refunded, "9.00"), event("2", relay.Paid, "129.00")}, relay.Refunded, false},
	} {
		var entries []relay.Entry
		for i, e := range c.log {
			entries = append(entries, relay.Entry{Position: relay.Position{Epoch: "e", Seq: uint64(i + 1)}, Event: e})
		}
		if s, _ := relay.Fold(payment, entries); s.Status != c.status || s.Conflict != c.conflict {
			t.Errorf("%s: %s, conflict %v; want %s, %v", name, s.Status, s.Conflict, c.status, c.conflict)
		}
	}
}
