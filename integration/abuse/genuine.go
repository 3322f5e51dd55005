//go:build linux

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A course is the genuine callbacks of a stretch of time, posted when each is due, however late others are.
type course struct {
	mu   sync.Mutex
	told map[string]*outcome // by source
	errs []error
}

// outcome is what became of a source's genuine callbacks.
type outcome struct {
	took     []time.Duration // from when each was due to its acknowledgement, at the first try
	away     int             // answered 503, and posted again
	refused  int             // answered with anything else
	payments []string
}

// again is how long a genuine callback waits that was answered 503, and tries how often it is posted. Providers wait longer.
const (
	again = time.Second
	tries = 30
)

// post posts genuine callbacks of all accounts that have some in turn, so many a second, until ctx is done, and returns
// when all are answered.
func (s *site) post(ctx context.Context, rate float64) *course {
	c := &course{told: make(map[string]*outcome)}
	var list []*account
	for _, a := range s.accounts {
		if a.pays() {
			list = append(list, a)
			c.told[a.name] = &outcome{}
		}
	}
	gap := time.Duration(float64(time.Second) / rate)
	var all sync.WaitGroup
	due := time.Now().Add(gap)
	for i := 0; ctx.Err() == nil; i++ {
		a := list[i%len(list)]
		payment, text, err := a.genuine(ctx) // signed ahead of its time, which some keys take a while for
		if err != nil {
			if ctx.Err() == nil {
				c.note(a.name, func(*outcome) {}, err)
			}
			break
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		at := due
		all.Go(func() { s.one(context.WithoutCancel(ctx), c, a.name, payment, text, at) })
		due = due.Add(gap)
	}
	all.Wait()
	return c
}

// one posts one callback until it is acknowledged.
func (s *site) one(ctx context.Context, c *course, source, payment string, text []byte, due time.Time) {
	c.note(source, func(o *outcome) { o.payments = append(o.payments, payment) }, nil)
	for try := range tries {
		status, err := s.once(ctx, text)
		took := time.Since(due)
		done := true
		c.note(source, func(o *outcome) {
			switch {
			case err != nil:
			case status < 300:
				if try == 0 {
					o.took = append(o.took, took)
				}
			case status == 503:
				o.away++
				done = false
			default:
				o.refused++
			}
		}, err)
		if done {
			return
		}
		time.Sleep(again)
	}
}

// once posts over a connection of its own, as the first callback in a while comes.
func (s *site) once(ctx context.Context, text []byte) (int, error) {
	w, err := dial(ctx, home, s.address)
	if err != nil {
		return 0, err
	}
	defer w.close()
	status, _, err := w.post(text)
	return status, err
}

func (c *course) note(source string, f func(*outcome), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.told[source])
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

// sum returns what became of the callbacks of the sources, of all if none is named.
func (c *course) sum(sources ...string) outcome {
	var all outcome
	for name, o := range c.told {
		if len(sources) > 0 && !slices.Contains(sources, name) {
			continue
		}
		all.took = append(all.took, o.took...)
		all.payments = append(all.payments, o.payments...)
		all.away += o.away
		all.refused += o.refused
	}
	slices.Sort(all.took)
	return all
}

// part returns the time that so much of the callbacks took no longer than.
func (o outcome) part(p float64) time.Duration {
	if len(o.took) == 0 {
		return 0
	}
	return o.took[min(len(o.took)-1, int(p*float64(len(o.took))))]
}

// lost returns how many payments the server does not call paid.
func (s *site) lost(ctx context.Context, c *course) (n int, err error) {
	for _, o := range c.told {
		for _, payment := range o.payments {
			ok, e := s.paid(ctx, payment)
			if e != nil {
				return n, errors.Join(err, e)
			}
			if !ok {
				n++
			}
		}
	}
	return n, nil
}
