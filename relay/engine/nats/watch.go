package nats

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Times of the agreement on who leads the stream. A server that has heard its leader does not stand for election
// before 4 s have passed (nats-server, raft.go, minElectionTimeout), so a leader that has just heard a majority is the
// only one for that long. A third of it is left for clocks that run unevenly and for messages under way.
const (
	leaseTime  = 2700 * time.Millisecond
	watchEvery = 500 * time.Millisecond
	forGood    = 24 * time.Hour // of a stream that one server keeps
)

// watch is what the stream's leader said last.
type watch struct {
	mu    sync.Mutex
	life  *life
	gone  error     // why there is no life, if there is none
	lease time.Time // until when the leader is known to be the only one
	last  uint64    // newest sequence that a leader has applied
	short time.Time // since when the leader's log ends before what was made known; zero if it does not
}

// leased reports whether an answer that was given up to now is that of the only leader of l. Who asks needs a lease
// before the question as well, since one may begin while the answer of a deposed leader is under way.
func (w *watch) leased(l *life) bool {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.life == l && now.Before(w.lease)
}

// current returns the life of the stream, or why it has none.
func (e *Engine) current() (*life, error) {
	e.watch.mu.Lock()
	defer e.watch.mu.Unlock()
	return e.watch.life, e.watch.gone
}

// look asks the leader where the log begins and ends, and remembers what that says of the lease.
func (e *Engine) look(ctx context.Context) (*life, jetstream.StreamState, error) {
	asked := time.Now()
	s, err := e.js.Stream(ctx, e.place.stream)
	if err != nil {
		return nil, jetstream.StreamState{}, e.judge(err)
	}
	info := s.CachedInfo()
	l, err := e.adopt(info)
	if err != nil {
		return nil, jetstream.StreamState{}, err
	}
	if !e.watch.answered(l, asked.Add(leaseOf(info)), info.State.LastSeq) {
		err := fmt.Errorf("stream %s ends at %d, and entries up to %d were known: the servers lost what was acknowledged",
			e.place.stream, info.State.LastSeq, l.high.Load())
		e.setLife(nil, err)
		return nil, jetstream.StreamState{}, err
	}
	l.known.applied(info.State.LastSeq)
	return l, info.State, nil
}

// shortTime is for how long the leader may lag behind what a faster replica has delivered before that counts as lost.
const shortTime = 5 * time.Second

// answered notes what a leader said about l. It returns false if the log has become shorter.
func (w *watch) answered(l *life, lease time.Time, last uint64) bool {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life != l {
		return true
	}
	if lease.After(w.lease) {
		w.lease = lease
	}
	w.last = max(w.last, last)
	switch {
	case last >= l.high.Load() || !now.Before(w.lease):
		w.short = time.Time{}
	case w.short.IsZero():
		w.short = now
	case now.Sub(w.short) > shortTime:
		return false
	}
	return true
}

// applied returns the newest sequence that a leader is known to have applied.
func (w *watch) applied() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// judge returns err. If it says that there is no stream, there is no life from here on, and what is returned says so.
func (e *Engine) judge(err error) error {
	if code(err) != jetstream.JSErrCodeStreamNotFound {
		return err
	}
	err = fmt.Errorf("stream %s is gone: somebody deleted it; a restart makes an empty one", e.place.stream)
	e.setLife(nil, err)
	return err
}

// leaseOf returns for how long after the question the leader that answered it with info is the only one. It may be
// below 0.
func leaseOf(info *jetstream.StreamInfo) time.Duration {
	if info.Config.Replicas <= 1 {
		return forGood
	}
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return 0
	}
	var silent []time.Duration // for how long the leader has not heard each follower
	for _, r := range info.Cluster.Replicas {
		if r.Active > 0 { // 0 is a follower it has not heard at all
			silent = append(silent, r.Active)
		}
	}
	slices.Sort(silent)
	needed := info.Config.Replicas / 2 // a majority, with the leader itself
	if len(silent) < needed {
		return 0
	}
	return leaseTime - silent[needed-1]
}

// adopt returns the life that info speaks of, which is the current one from here on.
func (e *Engine) adopt(info *jetstream.StreamInfo) (*life, error) {
	epoch := info.Config.Metadata[metaEpoch]
	if l, err := e.current(); err == nil && l != nil && l.epoch == epoch {
		return l, nil
	}
	if err := e.place.check(info.Config, e.retention); err != nil {
		e.setLife(nil, err)
		return nil, err
	}
	return e.setLife(e.place.life(epoch), nil), nil
}

// setLife ends the life there is and begins l, or says why there is none. It returns the life that is current.
func (e *Engine) setLife(l *life, gone error) *life {
	w := &e.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if l != nil && w.life != nil && w.life.epoch == l.epoch {
		return w.life
	}
	why := gone
	if w.life != nil {
		if why == nil {
			why = fmt.Errorf("stream %s was deleted and made anew", e.place.stream)
		}
		e.log.Error("nats: the log is another one", "reason", why)
		w.life.end(why)
	}
	w.life, w.gone, w.last, w.lease, w.short = l, gone, 0, time.Time{}, time.Time{}
	return l
}

// follow looks at the stream from time to time, so that a read mostly finds a lease.
func (e *Engine) follow() {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-every.C:
		}
		if !e.link.IsConnected() {
			continue
		}
		ctx, cancel := context.WithTimeout(e.ctx, attemptTime)
		_, _, _ = e.look(ctx) // who needs an answer asks
		cancel()
	}
}
