package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// steady is how long a connection that works must have lasted for the failures before it to be forgotten.
const steady = 10 * time.Second

// wait is one call of Await.
type wait struct {
	opts   Options
	at     address
	http   *http.Client
	cursor string
	seen   map[string]struct{} // ids of the events that were told

	kept  wire.Snapshot
	shown wire.Snapshot // what OnState was called with last, without its position
	// told says that the server has told anything, exact that kept is its word and was not carried on by events.
	told, exact bool
}

func newWait(o Options, at address) *wait {
	h := http.DefaultClient
	if o.HTTP != nil {
		h = o.HTTP
	}
	streaming := *h
	streaming.Timeout = 0
	w := &wait{opts: o, at: at, http: &streaming, seen: make(map[string]struct{})}
	w.kept = wire.Snapshot{Payment: at.payment, Status: relay.Pending}
	w.move(o.After)
	return w
}

// await goes from connection to connection until there is nothing to come back for.
func (w *wait) await(ctx context.Context, names []string) (Outcome, error) {
	way := rotation{names: names}
	for failures := 0; ; {
		began := time.Now()
		l := leg{wait: w, patience: way.patience()}
		err := l.run(ctx, way.name())
		if ctx.Err() != nil {
			return w.outcome(""), context.Cause(ctx)
		}
		end, isEnd := errors.AsType[*ended](err)
		switch {
		case isEnd && end.final():
			return w.settle(ctx, end.code)
		case errors.Is(err, ErrUnauthorized) && w.told: // the ticket was good, so it has expired
			return w.outcome(Expired), nil
		case errors.Is(err, ErrUnauthorized):
			return w.outcome(""), err
		}
		again, refused := way.note(l.worked || isEnd, err)
		if refused != nil {
			return w.outcome(""), refused
		}
		if again {
			continue
		}
		if l.worked && time.Since(began) > steady {
			failures = 0
		}
		failures++
		if err := w.pause(ctx, pauseAfter(failures, l.asked(err)), err); err != nil {
			return w.outcome(""), err
		}
	}
}

func (w *wait) pause(ctx context.Context, d time.Duration, cause error) error {
	if w.opts.OnRetry != nil {
		w.opts.OnRetry(cause, d)
	}
	return sleep(ctx, d)
}

// settleTries is how often the outcome is read when it is only known that there is one.
const settleTries = 5

// settle returns the outcome of a wait that has ended with the code. What is kept may be no more than an event, or
// nothing where the cursor had the outcome already, so the state is read once more.
func (w *wait) settle(ctx context.Context, code string) (Outcome, error) {
	for try := 1; !w.exact || code == Done && !w.kept.Final; try++ {
		s, err := w.fetch(ctx)
		if err == nil {
			w.state(s)
			if code == Expired || w.kept.Final {
				break
			}
			err = errors.New("the outcome is told but cannot be read")
		}
		if code == Expired || w.kept.Final { // what is kept says enough, and the ticket may have expired
			break
		}
		if errors.Is(err, ErrUnauthorized) || try == settleTries {
			return w.outcome(""), err
		}
		if err := w.pause(ctx, pauseAfter(try, 0), err); err != nil {
			return w.outcome(""), err
		}
	}
	return w.outcome(code), nil
}

func (w *wait) outcome(code string) Outcome {
	return Outcome{Status: w.kept.Status, Final: w.kept.Final, Snapshot: w.kept, Code: code}
}

// state takes a snapshot, unless another node that is behind has told an older one.
func (w *wait) state(s wire.Snapshot) {
	if w.told && behind(s.Position, w.kept.Position) {
		return
	}
	w.kept, w.told, w.exact = s, true, true
	s.Position = "" // a position alone is nothing to tell
	if s != w.shown && w.opts.OnState != nil {
		w.opts.OnState(w.kept)
	}
	w.shown = s
}

// event takes an event, which lies at the position unless that is empty.
func (w *wait) event(position string, e wire.Event) {
	if _, again := w.seen[e.ID]; !again {
		w.seen[e.ID] = struct{}{}
		if position != "" && (!w.told || behind(w.kept.Position, position)) {
			w.carryOn(position, e)
		}
		if w.opts.OnEvent != nil {
			w.opts.OnEvent(e)
		}
	}
	w.move(position)
}

// carryOn brings what is kept to where the event leads, as far as the event alone says it.
func (w *wait) carryOn(position string, e wire.Event) {
	k := &w.kept
	w.told, w.exact = true, false
	k.Status, k.Final, k.UpdatedAt, k.Position = e.Data.Status, e.Data.Final, e.Time, position
	switch e.Data.Status {
	case relay.RefundFailed:
		k.Status = relay.Paid
	case relay.Refunded:
	default:
		if e.Data.Amount != "" {
			k.Amount, k.Currency = e.Data.Amount, e.Data.Currency
		}
	}
}

// move makes position the cursor of the next connection. Nothing but a position goes into a request.
func (w *wait) move(position string) {
	if _, err := relay.ParsePosition(position); err != nil || position == "" {
		return
	}
	for i := range len(position) {
		if position[i] <= ' ' || position[i] >= 0x7f {
			return
		}
	}
	w.cursor = position
}

// behind reports whether position p lies before q in the same log. None lies before every other.
func behind(p, q string) bool {
	if p == "" {
		return q != ""
	}
	a, err1 := relay.ParsePosition(p)
	b, err2 := relay.ParsePosition(q)
	return err1 == nil && err2 == nil && a.Epoch == b.Epoch && a.Compare(b) < 0
}

// fetchTime bounds one reading of the state.
const fetchTime = 15 * time.Second

// fetch reads the payment's state.
func (w *wait) fetch(ctx context.Context) (wire.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if w.at.payment == own { // the snapshot's path must name the payment
		p, err := w.poll(ctx, 0)
		return p.State, err
	}
	var s wire.Snapshot
	if err := w.getJSON(ctx, w.at.snapshot(), &s); err != nil {
		return s, fmt.Errorf("read the state: %w", err)
	}
	return s, recognise(s)
}
