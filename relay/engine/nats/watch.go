package nats

import (
	"context"
	"errors"
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

// watch is what leaders have said of the stream.
type watch struct {
	mu     sync.Mutex
	life   *life
	gone   error     // why there is no life, if there is none
	leader string    // who was believed last
	since  time.Time // of the leader, by its own clock
	lease  time.Time // until when it is the only one
	last   uint64    // newest sequence that a leader has applied
	short  time.Time // since when the leader's log ends before what was made known; zero if it does not
}

// view is what the stream's only leader said of it after it was asked.
type view struct {
	*life
	state jetstream.StreamState
}

// current returns the life of the stream, or why it has none.
func (e *Engine) current() (*life, error) {
	e.watch.mu.Lock()
	defer e.watch.mu.Unlock()
	return e.watch.life, e.watch.gone
}

// look asks the leader what the stream is like. The answer is of no use, and errAgain, unless the server that gave it is
// known to be the only leader, and has all that this engine has made known.
func (e *Engine) look(ctx context.Context, about about) (view, error) {
	least := uint64(0)
	l, err := e.current()
	if err == nil && l != nil {
		least = l.high.Load()
	}
	asked := time.Now()
	info, err := e.askInfo(ctx, about)
	if err != nil {
		return view{}, e.judge(err)
	}
	if l, err = e.adopt(info); err != nil {
		return view{}, err
	}
	says := says{lease: asked.Add(leaseOf(info)), last: info.State.LastSeq}
	if c := info.Cluster; c != nil {
		says.leader = c.Leader
		if c.LeaderSince != nil {
			says.since = *c.LeaderSince
		}
	}
	switch err := e.watch.believe(l, says, least); {
	case errors.Is(err, errShorter):
		err = fmt.Errorf("stream %s ends at %d, and entries up to %d were known: %w", e.place.stream, says.last, least, err)
		e.setLife(nil, err)
		return view{}, err
	case err != nil:
		return view{}, err
	}
	return view{l, info.State}, nil
}

// says is what a server that holds itself to be the leader says of that.
type says struct {
	leader string
	since  time.Time // when it was elected, by its own clock
	lease  time.Time // until when it is the only one, by what it has heard of the others
	last   uint64    // the newest sequence that it has applied
}

// shortTime is for how long the leader may lag behind what a faster replica has delivered before that counts as lost.
const shortTime = 5 * time.Second

var errShorter = errors.New("the servers lost what was acknowledged")

// believe decides whether an answer about l that is here now is that of the only leader, and has the entry at least. It
// returns errAgain if not, and errShorter if the only leader has not had it for a while.
//
// A server that was deposed and has not heard of it yet has mostly not heard of the others either, and so has no lease.
// If it has just heard one, it is still older than the leader that was believed.
func (w *watch) believe(l *life, s says, least uint64) error {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.life != l:
		return fmt.Errorf("%w: the stream was made anew", errAgain)
	case !now.Before(s.lease):
		return fmt.Errorf("%w: the leader has not heard the other replicas", errAgain)
	case s.leader != w.leader && s.since.Before(w.since) && now.Before(w.lease):
		return fmt.Errorf("%w: two servers lead", errAgain)
	}
	w.leader, w.since, w.lease = s.leader, s.since, s.lease
	w.last = max(w.last, s.last)
	switch {
	case s.last >= least:
		w.short = time.Time{}
		return nil
	case w.short.IsZero():
		w.short = now
	case now.Sub(w.short) > shortTime:
		return errShorter
	}
	return fmt.Errorf("%w: the leader lags", errAgain)
}

// applied returns the newest sequence that a leader is known to have applied.
func (w *watch) applied() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// judge returns err. If it says that there is no stream, there is no life from here on, and what is returned says so.
func (e *Engine) judge(err error) error {
	if code(err) != jetstream.JSErrCodeStreamNotFound || errors.Is(err, errAgain) {
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
	wrong := e.place.check(info.Config, e.retention)
	if l, err := e.current(); err == nil && l != nil && l.epoch == epoch {
		if was := l.edited.Swap(wrong != nil); wrong != nil && !was {
			e.log.Error("nats: somebody changed the stream: what is acknowledged may not be kept", "error", wrong)
		}
		return l, nil
	}
	if wrong != nil {
		e.setLife(nil, wrong)
		return nil, wrong
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
	w.life, w.gone = l, gone
	w.leader, w.since, w.lease, w.last, w.short = "", time.Time{}, time.Time{}, 0, time.Time{}
	return l
}

// follow looks at the stream from time to time, so that tails know when they lag, and who leads is known.
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
		_, _ = e.look(ctx, about{}) // who needs an answer asks
		cancel()
	}
}
