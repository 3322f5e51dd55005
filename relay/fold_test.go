package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
)

var (
	minutes  = rapid.IntRange(0, 5) // few, so that there are ties
	statuses = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}
	amounts  = []relay.Amount{"", "0", "1", "1.0", "1.00", "2", "12.34", "-1"}
)

// nonsense draws any events at all, with ids that are one's own.
func nonsense(t *rapid.T, n int) []relay.Event {
	events := make([]relay.Event, n)
	for i := range events {
		e := relay.Event{
			ID:         fmt.Sprint(i),
			Source:     rapid.SampledFrom([]string{"shop", "till", relay.Merchant}).Draw(t, "source"),
			Payment:    payment,
			Status:     rapid.SampledFrom(append([]relay.Status{relay.Registered}, statuses...)).Draw(t, "status"),
			Final:      rapid.Bool().Draw(t, "final"),
			Time:       at(minutes.Draw(t, "minute")),
			Amount:     rapid.SampledFrom(amounts).Draw(t, "amount"),
			RefundID:   rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "refund"),
			Cumulative: rapid.Bool().Draw(t, "cumulative"),
		}
		e.Currency = rapid.SampledFrom([]string{"", "CNY", "CNY", "CNY", "USD"}).Draw(t, "currency")
		if e.Status == relay.Registered {
			e.Source = rapid.SampledFrom([]string{"", "", "shop", "till"}).Draw(t, "registered for")
			if (e.Amount == "") != (e.Currency == "") {
				e.Amount, e.Currency = "", ""
			}
		} else {
			e.NeedsRegistration = rapid.IntRange(0, 4).Draw(t, "needs registration") == 0
		}
		events[i] = e
	}
	return events
}

// truth is what happened to a payment, of which harmony draws notifications that do not contradict each other.
type truth struct {
	source   string // all events are of, or empty for any
	amount   relay.Amount
	known    bool // every paid has the amount
	outcomes []relay.Status
}

// harmony draws events that do not contradict each other: registrations that name parts of the truth, anything that is
// not final, and the finals of one outcome, each of them any number of times.
func harmony(t *rapid.T) []relay.Event {
	truths := [][]relay.Status{{}, {relay.Closed}, {relay.Failed}, {relay.Paid}, {relay.Paid, relay.RefundFailed}, {relay.Refunded}, {relay.Paid, relay.Refunded}}
	tr := truth{
		source:   rapid.SampledFrom([]string{"", "shop"}).Draw(t, "the source"),
		amount:   rapid.SampledFrom([]relay.Amount{"1", "12.30"}).Draw(t, "the amount"),
		known:    rapid.Bool().Draw(t, "amount known"),
		outcomes: rapid.SampledFrom(truths).Draw(t, "outcome"),
	}
	var events []relay.Event
	for i := range rapid.IntRange(0, 7).Draw(t, "events") {
		events = append(events, tr.event(t, fmt.Sprint(i)))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "registrations") {
		g := relay.Event{ID: fmt.Sprint("~", i), Status: relay.Registered, Payment: payment}
		if rapid.Bool().Draw(t, "names the source") {
			g.Source = tr.source
		}
		// A failed refund does not prove the amount: whether it stands before the registration matters.
		proven := tr.known && !slices.ContainsFunc(events, func(e relay.Event) bool { return e.Status == relay.RefundFailed })
		if proven && rapid.Bool().Draw(t, "names the amount") {
			g.Amount, g.Currency = tr.amount, "CNY"
		}
		events = append(events, g)
	}
	return events
}

func (tr truth) event(t *rapid.T, id string) relay.Event {
	e := relay.Event{ID: id, Source: tr.source, Payment: payment, Time: at(minutes.Draw(t, "minute"))}
	if e.Source == "" {
		e.Source = rapid.SampledFrom([]string{"shop", "till"}).Draw(t, "source")
	}
	e.NeedsRegistration = rapid.IntRange(0, 2).Draw(t, "needs registration") == 0
	e.Status = rapid.SampledFrom(append([]relay.Status{relay.Pending, relay.Failed, relay.Closed}, tr.outcomes...)).Draw(t, "status")
	e.Final = rapid.Bool().Draw(t, "final") && len(tr.outcomes) > 0 && e.Status == tr.outcomes[0]
	e.Amount = rapid.SampledFrom(amounts).Draw(t, "an amount")
	e.Currency = rapid.SampledFrom([]string{"", "CNY", "USD"}).Draw(t, "a currency")
	switch e.Status {
	case relay.Paid:
		if e.Amount, e.Currency = tr.amount, "CNY"; !tr.known && rapid.Bool().Draw(t, "none") {
			e.Amount, e.Currency = "", rapid.SampledFrom([]string{"", "CNY", "USD"}).Draw(t, "currency alone")
		}
	case relay.Refunded, relay.RefundFailed:
		e.RefundID = rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "refund")
		e.Cumulative = rapid.Bool().Draw(t, "cumulative")
	}
	return e
}

// visible returns the exported members that the order of the log must not change.
func visible(s relay.State) string {
	number := func(a relay.Amount) string {
		if a == "" {
			return "unknown"
		}
		return rat(a).RatString()
	}
	return fmt.Sprintf("%s %s final=%v conflict=%v amount=%s %s refunded=%s at=%s registered=%v", s.Payment, s.Status, s.Final, s.Conflict,
		number(s.Amount), s.Currency, number(s.Refunded), s.UpdatedAt.Format(time.RFC3339), s.Registered())
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := harmony(t)
		s, _ := relay.Fold(payment, logOf(events...))
		if s.Conflict {
			t.Fatalf("a conflict in %+v", events)
		}
		for range 3 {
			other := rapid.Permutation(events).Draw(t, "order")
			if u, _ := relay.Fold(payment, logOf(other...)); visible(u) != visible(s) {
				t.Fatalf("\n%s\n%s", visible(s), visible(u))
			}
		}
	})
}

func TestLowerPositionDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lost := rapid.SampledFrom([]relay.Status{relay.Closed, relay.Failed}).Draw(t, "lost")
		won := rapid.SampledFrom([]relay.Status{relay.Paid, relay.Refunded, relay.RefundFailed, relay.Closed, relay.Failed}).Filter(
			func(s relay.Status) bool { return s != lost }).Draw(t, "won")
		a := relay.Event{ID: "a", Source: "shop", Payment: payment, Status: lost, Final: true, Time: at(minutes.Draw(t, "time of a"))}
		b := relay.Event{ID: "b", Source: "till", Payment: payment, Status: won, Final: true, Time: at(minutes.Draw(t, "time of b")), Amount: "1", Currency: "CNY"}
		if rapid.Bool().Draw(t, "b first") {
			a, b = b, a
		}
		log := []relay.Event{a}
		for i := range rapid.IntRange(0, 2).Draw(t, "between") {
			log = append(log, pending(fmt.Sprint(i), minutes.Draw(t, "minute")))
		}
		s, records := relay.Fold(payment, logOf(append(log, b)...))
		want := a.Status
		if want == relay.RefundFailed {
			want = relay.Paid
		}
		told := toldOf(records)
		if s.Status != want || !s.Final || !s.Conflict || len(told) != 1 || told[0].Event.ID != a.ID || s.Contradicted.Seq != uint64(len(log)+1) {
			t.Fatalf("%s, then %s: %s, told %v", a.Status, b.Status, visible(s), idsOf(told))
		}
	})
}

func TestOutcomeStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := logOf(nonsense(t, rapid.IntRange(0, 12).Draw(t, "length"))...)
		s := relay.NewState(payment)
		var last relay.Told // of which a waiter knows
		for i, en := range entries {
			before := s
			v := s.Apply(en)
			switch {
			case before.Conflict && !s.Conflict, before.Final && !s.Final:
				t.Fatalf("%s became %s", visible(before), visible(s))
			case before.Final && s.Status != before.Status && !(before.Status == relay.Paid && s.Status == relay.Refunded):
				t.Fatalf("the outcome %s became %s", visible(before), visible(s))
			case (v.Conflict != "") != (s.Contradicted != before.Contradicted), v.Conflict != "" && !s.Conflict:
				t.Fatalf("verdict %+v, state %s", v, visible(s))
			case s.Final && !before.Final && len(v.Told) == 0:
				t.Fatal("an outcome that nobody is told")
			case v.Held && len(v.Told) != 0:
				t.Fatal("told what is held back")
			}
			for _, told := range v.Told {
				if told.Position.Compare(last.Position) <= 0 || told.Position.Seq != en.Position.Seq || told.Event.Status == relay.Registered || visible(*told.State) != visible(s) {
					t.Fatalf("told %+v at entry %d", told, i)
				}
				last = told
			}
		}
		whole, _ := relay.Fold(payment, entries)
		if visible(whole) != visible(s) {
			t.Fatalf("Fold and Apply differ: %s, %s", visible(whole), visible(s))
		}
	})
}

// TestPaidIsCompared holds guarantee 5: nobody completes a registered payment but its source with its amount.
func TestPaidIsCompared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(who string) (source string, amount relay.Amount, currency string) {
			source = rapid.SampledFrom([]string{"", "shop", "till", relay.Merchant}).Draw(t, who+" source")
			if amount = rapid.SampledFrom(amounts).Draw(t, who+" amount"); amount != "" {
				currency = rapid.SampledFrom([]string{"CNY", "USD"}).Draw(t, who+" currency")
			}
			return
		}
		g := relay.Event{ID: "~", Payment: payment, Status: relay.Registered, Time: noon}
		g.Source, g.Amount, g.Currency = draw("registered")
		p := paid("a", 1, "")
		p.Source, p.Amount, p.Currency = draw("paid")
		p.NeedsRegistration = rapid.Bool().Draw(t, "needs registration")
		fits := (g.Source == "" || g.Source == p.Source) &&
			(g.Amount == "" || p.Amount != "" && rat(g.Amount).Cmp(rat(p.Amount)) == 0 && g.Currency == p.Currency)

		s, records := relay.Fold(payment, logOf(g, p))
		if (len(toldOf(records)) == 1) != fits || s.Final != fits || s.Conflict == fits {
			t.Fatalf("registered %+v, paid %+v: %s, told %d", g, p, visible(s), len(toldOf(records)))
		}
		right := paid("b", 2, g.Amount)
		right.Source, right.Currency = g.Source, g.Currency
		if s, _ = relay.Fold(payment, logOf(g, p, right)); !s.Final || s.Status != relay.Paid || s.Conflict == fits && p.Amount == right.Amount {
			t.Fatalf("a matching paid after it: %s", visible(s))
		}

		s, records = relay.Fold(payment, logOf(p, g))
		early := !p.NeedsRegistration // then the outcome stays, whatever the registration says
		if told := len(toldOf(records)) == 1; told != (early || fits) || s.Final != told || s.Conflict == fits {
			t.Fatalf("paid %+v, registered %+v: %s, told %v", p, g, visible(s), told)
		}
	})
}

// TestStateIsValue holds that copies of a State go their own ways.
func TestStateIsValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		common, left, right := nonsense(t, 6), nonsense(t, 4), nonsense(t, 4)
		s, _ := relay.Fold(payment, logOf(common...))
		l, r := s, s
		ll, rl := logOf(append(common[:6:6], left...)...), logOf(append(common[:6:6], right...)...)
		for i := 6; i < 10; i++ {
			l.Apply(ll[i])
			r.Apply(rl[i])
		}
		for _, c := range []struct {
			s   relay.State
			log []relay.Entry
		}{{l, ll}, {r, rl}, {s, ll[:6]}} {
			if want, _ := relay.Fold(payment, c.log); visible(c.s) != visible(want) {
				t.Fatalf("\n%s\n%s", visible(c.s), visible(want))
			}
		}
	})
}
