package disk

import (
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tillbell/tillbell/relay"
)

// id names an event within the log.
type id struct{ payment, event string }

// bundle is a group of events on its way into the store.
type bundle struct {
	e       *Engine
	batch   *pebble.Batch
	mark    mark
	entries []relay.Entry
	stored  []*request           // in the order of entries
	again   map[*request]int     // that repeat an entry of the bundle: its index
	ids     map[id]int           // indices
	stamps  map[string]time.Time // the newest time of the append, by payment
	value   []byte
}

func newBundle(e *Engine) *bundle {
	return &bundle{
		e: e, batch: e.db.NewBatch(), mark: e.clock.mark(e.end.head()),
		ids: make(map[id]int), again: make(map[*request]int), stamps: make(map[string]time.Time),
	}
}

// add adds a request's event, or answers the request if its id is in the log already.
func (g *bundle) add(r *request) error {
	ev := r.event
	if i, ok := g.ids[id{ev.Payment, ev.ID}]; ok {
		g.again[r] = i
		return nil
	}
	key := idKey(ev.Payment, ev.ID)
	found, err := get(g.e.db, key)
	if err != nil {
		return err
	}
	if found != nil {
		p, err := parsePlace(found)
		if err != nil {
			return err
		}
		en, ok, err := g.e.entry(p.seq)
		if err != nil {
			return err
		}
		if ok {
			r.answer(en, false, nil)
			return nil
		}
	}
	stamped := ev.Time.IsZero()
	if stamped {
		if ev.Time, err = g.stamp(ev.Payment); err != nil {
			return err
		}
	}
	return g.set(r, key, ev, stamped)
}

// set puts an event behind the log's end.
func (g *bundle) set(r *request, key []byte, ev relay.Event, stamped bool) error {
	g.mark.last++
	p := place{seq: g.mark.last}
	if stamped {
		p.stamp = ev.Time.UnixNano()
	}
	g.value = appendEntry(g.value[:0], g.mark.clock, ev, stamped)
	if err := g.batch.Set(entryKey(p.seq), g.value, nil); err != nil {
		return err
	}
	if err := g.batch.Set(key, p.bytes(), nil); err != nil {
		return err
	}
	g.ids[id{ev.Payment, ev.ID}] = len(g.entries)
	g.entries = append(g.entries, relay.Entry{Position: relay.Position{Epoch: g.e.epoch, Seq: p.seq}, Event: ev})
	g.stored = append(g.stored, r)
	return nil
}

// stamp returns the time of an append, which increases along the payment's log.
func (g *bundle) stamp(payment string) (time.Time, error) {
	newest, ok := g.stamps[payment]
	if !ok {
		places, err := g.e.places(payment)
		if err != nil {
			return time.Time{}, err
		}
		for _, p := range places {
			if at := time.Unix(0, p.stamp); p.stamp != 0 && at.After(newest) {
				newest = at
			}
		}
	}
	now := time.Now().UTC().Round(0)
	if !now.After(newest) {
		now = newest.Add(time.Nanosecond).UTC()
	}
	g.stamps[payment] = now
	return now, nil
}

// write makes the bundle durable.
func (g *bundle) write() error {
	if len(g.entries) == 0 {
		return nil
	}
	if err := g.batch.Set(keyMark, g.mark.bytes(), nil); err != nil {
		return err
	}
	return g.batch.Commit(pebble.Sync)
}

// answer answers the requests that still wait.
func (g *bundle) answer(err error) {
	for i, r := range g.stored {
		if err != nil {
			r.answer(relay.Entry{}, false, err)
			continue
		}
		r.answer(g.entries[i], true, nil)
	}
	for r, i := range g.again {
		if err != nil {
			r.answer(relay.Entry{}, false, err)
			continue
		}
		r.answer(g.entries[i], false, nil)
	}
}
