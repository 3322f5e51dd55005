package callback

import (
	"errors"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/metrics"
)

// Source is one configured account that may post callbacks.
type Source struct {
	Name string
	// ProviderName is the adapter's name.
	ProviderName string
	Provider     Provider
	// Asymmetric says that a check costs a public-key operation: those that fail are limited. It is About's, unless the
	// Provider is Weighed.
	Asymmetric bool
	// NeedsRegistration holds events back until their payment is registered.
	NeedsRegistration bool
}

// FetchRequired is the status that Events gives what has to be asked back. No event is stored with it.
const FetchRequired relay.Status = "fetch_required"

// Events returns what a callback of s said in the form in which it is stored, and beside each the provider's name of
// its kind. Ids carry the source, and the payment too where one callback is about several. Events without a usable
// payment id are left out. What has to be asked back is FetchRequired, without a payment, and its id ends with
// the source's colon if the provider gave it none.
func (s Source) Events(parsed []Event) (events []relay.Event, types []string) {
	for i := range parsed {
		p := &parsed[i]
		switch {
		case p.Fetch:
			events = append(events, relay.Event{
				ID: s.Name + ":" + p.ID, Source: s.Name, Provider: s.ProviderName, TransactionID: p.TransactionID,
				Status: FetchRequired,
			})
		case unusable(*p):
			continue
		default:
			events = append(events, s.event(p))
		}
		types = append(types, p.Type)
	}
	return events, types
}

// unusable reports that an event's payment id cannot be one.
func unusable(e Event) bool { return relay.CheckPayment(e.Payment) != nil }

// event returns p as it is stored.
func (s *Source) event(p *Event) relay.Event {
	e := p.Event
	id := e.ID
	if p.Derived {
		id = string(e.Status) + ":" + string(e.Amount) + ":" + id
	}
	if p.Shared {
		id = e.Payment + ":" + id
	}
	e.ID = s.Name + ":" + id
	e.Source, e.Provider, e.NeedsRegistration = s.Name, s.ProviderName, s.NeedsRegistration
	return e
}

// account is a Source with what the Route keeps beside it.
type account struct {
	Source
	counts  *metrics.Callbacks
	fetches *metrics.Fetches
	// Of the log's lines about calls that were refused, that were genuine with content that is wrong or without a usable
	// payment id, that brought nothing, that were sent away, and that were not dealt with: none of them hides another.
	refused, rejected, unusable, repeated, delayed, failed quota

	standing  *standing  // nil if nothing depends on it
	strain    *strain    // nil if a check costs little
	inquiries *inquiries // nil if there is nothing to ask
}

// graceWaste is how much waste in a row is forgiven a proven origin of callbacks that have to be asked back: a buyer can
// post the id of a payment of their own before the provider does, and is as good as the provider then.
const graceWaste = 20

// account returns what the Route keeps of the source. The one before of its name may be nil.
func (rt *Route) account(s Source, before *account) *account {
	now := time.Now()
	a := &account{Source: s, counts: rt.opts.Metrics.Callbacks(s.Name),
		refused: quota{most: linesPerSecond}, rejected: quota{most: linesPerSecond},
		unusable: quota{most: linesPerSecond}, repeated: quota{most: linesPerSecond}, delayed: quota{most: 1},
		failed: quota{most: linesPerSecond}}
	fetcher, fetches := s.Provider.(Fetcher)
	grace := 0
	if fetches {
		grace = graceWaste
	}
	switch {
	case !fetches && !s.Asymmetric:
		return a
	case before != nil && before.standing != nil && before.ProviderName == s.ProviderName:
		a.standing = before.standing
	default:
		a.standing = newStanding(now, grace)
	}
	if s.Asymmetric {
		a.strain = newStrain(now, a.standing)
	}
	if fetches {
		a.fetches = rt.opts.Metrics.Fetches(s.Name)
		a.inquiries = newInquiries(now, a.counted(fetcher))
	}
	return a
}

// answerTime bounds a callback from its headers to the last byte of its answer. It may be asked of no source.
func (a *account) answerTime() time.Duration {
	if a != nil && a.inquiries != nil {
		return readTime + fetchTime + storeTime + readTime
	}
	return readTime + storeTime + readTime
}

// judge notes what a callback has shown about where it came from.
func (a *account) judge(result string, err error, from func() origin) {
	if a.standing == nil {
		return
	}
	refusal, refused := errors.AsType[*Refusal](err)
	failed := refused && !cheap(refusal.Reason)
	nothing := result == "duplicate" || result == "ignored"
	if result != "stored" && !failed && !nothing {
		return
	}
	o, now := from(), time.Now()
	if result == "stored" {
		a.standing.prove(o, now)
		return
	}
	if a.strain != nil {
		a.strain.failed(o, now)
	}
	// A provider's own retries and what else it tells are no waste where a signature shows that they are its own.
	if failed || a.inquiries != nil {
		a.standing.waste(o, now)
	}
}
