package relay

import (
	"context"
	"fmt"
)

// Item is one event in the order of the log, as the merchant's back office reads it.
type Item struct {
	Position Position
	Applied  bool
	Event    Event
}

// Page is a part of the feed. Position is where the next page begins, also when there are no Items.
type Page struct {
	Items    []Item
	Position Position
}

// Feed returns the events behind after in log order, applied or not, without registrations: about limit of them, or
// none when there are none. An event that was held back comes twice: where it stands in the log, not applied, and
// where its registration released it. A zero after, one of another epoch or one beyond the log's end means from the
// oldest retained.
func (r *Relay) Feed(ctx context.Context, after Position, limit int) (Page, error) {
	head, err := r.engine.Head(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("relay: feed: %w", err)
	}
	if after.Epoch != head.Epoch || after.Seq > head.Seq {
		after = Position{Epoch: head.Epoch}
	}
	page := Page{Position: after}
	scan := after
	if after.Sub != 0 { // amid what a registration released: it has to be read again
		scan = Position{Epoch: after.Epoch, Seq: after.Seq - 1}
	}
	for len(page.Items) < limit {
		entries, err := r.engine.Scan(ctx, scan, limit-len(page.Items))
		if err != nil {
			return Page{}, fmt.Errorf("relay: feed: %w", err)
		}
		if len(entries) == 0 {
			break
		}
		scan = entries[len(entries)-1].Position
		if err := r.read(ctx, &page, entries, after); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

// read adds to the page what lies behind after in entries. It folds their payments' logs anew, which hold all entries.
func (r *Relay) read(ctx context.Context, page *Page, entries []Entry, after Position) error {
	histories := make(map[string]map[uint64]Record)
	for _, en := range entries {
		payment := en.Event.Payment
		if histories[payment] == nil {
			_, records, err := r.History(ctx, payment)
			if err != nil {
				return err
			}
			histories[payment] = make(map[uint64]Record, len(records))
			for _, rec := range records {
				histories[payment][rec.Position.Seq] = rec
			}
		}
		if rec, ok := histories[payment][en.Position.Seq]; ok { // else it expired this moment
			page.add(rec, after)
		}
		page.Position = en.Position
	}
	return nil
}

// add adds what lies behind after of one entry of the log.
func (p *Page) add(rec Record, after Position) {
	if rec.Event.Status != Registered {
		if rec.Position.Compare(after) > 0 {
			p.Items = append(p.Items, Item{Position: rec.Position, Applied: rec.Applied(), Event: rec.Event})
		}
		return
	}
	for _, t := range rec.Told {
		if t.Position.Compare(after) > 0 {
			p.Items = append(p.Items, Item{Position: t.Position, Applied: true, Event: t.Event})
		}
	}
}

// Changed returns a channel that is closed as soon as something is appended after this call.
func (r *Relay) Changed() <-chan struct{} { return r.changed.wait() }
