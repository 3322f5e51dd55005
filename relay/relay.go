package relay

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/relay/wheel"
)

// Options of a Relay. The zero value has no limits.
type Options struct {
	// MaxWaiters bounds all subscriptions, MaxPerAddress those of one Request.Address, MaxPerPayment those of one
	// payment. 0 is no limit.
	MaxWaiters, MaxPerAddress, MaxPerPayment int
	// Log is told when the engine's tail breaks. Nil is slog.Default.
	Log *slog.Logger
}

// Relay is the event bus over one engine. All methods may be called at the same time, after Start and before Stop.
type Relay struct {
	engine  Engine
	wheel   *wheel.Wheel
	log     *slog.Logger
	opts    Options
	seed    maphash.Seed
	shards  [shardCount]shard
	limits  limits
	memo    memo
	crowd   crowd
	changed signal
	stop    context.CancelFunc
	done    chan struct{}

	broken    atomic.Bool // the tail does not run
	draining  atomic.Bool
	drainOnce sync.Once
	drained   chan struct{} // closed when draining begins
}

// New returns a Relay over engine, whose subscriptions end by the timers of w. Both stay the caller's to close, after
// Stop.
func New(engine Engine, w *wheel.Wheel, o Options) *Relay {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Relay{engine: engine, wheel: w, log: o.Log, opts: o, seed: maphash.MakeSeed(), drained: make(chan struct{})}
	r.limits.addresses = make(map[string]int)
	for i := range r.shards {
		r.shards[i].topics = make(map[string]*topic)
	}
	return r
}

// Start begins to follow the engine's log. It returns an error when the engine cannot be reached.
func (r *Relay) Start(ctx context.Context) error {
	head, err := r.engine.Head(ctx)
	if err != nil {
		return fmt.Errorf("relay: start: %w", err)
	}
	tail, stop := context.WithCancel(context.Background())
	r.stop, r.done = stop, make(chan struct{})
	go r.follow(tail, head)
	return nil
}

// follow is the relay's one goroutine: what the log says goes to the subscriptions in its order. When the engine
// cannot go on without a gap, every subscription is ended: each client comes back and reads the log.
func (r *Relay) follow(ctx context.Context, after Position) {
	defer close(r.done)
	for {
		began := time.Now()
		r.broken.Store(false)
		err := r.engine.Tail(ctx, after, func(en Entry) {
			r.deliver(en)
			r.changed.set()
		})
		if ctx.Err() != nil {
			return
		}
		r.broken.Store(true)
		r.log.Error("tail broke, waiters are sent away to come back", "error", err)
		broken := fmt.Errorf("%w: %w", ErrBroken, err)
		r.endAll(broken)
		if time.Since(began) < retry && !pause(ctx) {
			return
		}
		for after, err = r.engine.Head(ctx); err != nil; after, err = r.engine.Head(ctx) {
			if !pause(ctx) {
				return
			}
		}
		r.endAll(broken) // who came since may have read the log before this head
		r.changed.set()  // and nobody was told of what lies before it
	}
}

// retry is how long the relay waits before it asks an engine again that fails at once.
const retry = time.Second

// pause waits for retry, and reports whether ctx let it.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(retry):
		return true
	}
}

// Drain ends every subscription with ErrClosing and refuses further ones. It returns at once; the waiters' owners may
// still be writing. Publishing goes on.
func (r *Relay) Drain() {
	r.draining.Store(true)
	r.drainOnce.Do(func() { close(r.drained) })
	r.endAll(ErrClosing)
}

// Draining is closed when Drain was called, for owners that block on something else than a subscription.
func (r *Relay) Draining() <-chan struct{} { return r.drained }

// Stop drains and waits for the relay's goroutines.
func (r *Relay) Stop(ctx context.Context) error {
	r.Drain()
	if r.stop == nil {
		return nil
	}
	r.stop()
	select {
	case <-r.done:
		r.crowd.close()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("relay: stop: %w", ctx.Err())
	}
}

// Ready reports why the relay cannot serve: the engine's error, or ErrClosing.
func (r *Relay) Ready(ctx context.Context) error {
	if r.draining.Load() {
		return ErrClosing
	}
	if r.broken.Load() {
		return ErrBroken
	}
	_, err := r.engine.Head(ctx)
	return err
}

// Waiters returns how many subscriptions there are.
func (r *Relay) Waiters() int { return r.limits.total() }

// signal wakes everybody who waits for the log to grow.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) set() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
