package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Times of a tail's consumer.
const (
	heartbeat = 500 * time.Millisecond // of an idle consumer
	deadAfter = 3 * heartbeat          // without one
	lagAfter  = 3 * time.Second        // with heartbeats, but without entries that the leader has
	orphaned  = 10 * time.Second       // until the servers remove a consumer that nobody listens to
)

// feed is one consumer and its subscription. What arrives is handled by the client library's goroutine.
type feed struct {
	*tail
	ended chan struct{} // closed with err

	mu     sync.Mutex
	over   bool // nothing is delivered from here on
	err    error
	serial uint64    // of the consumer's deliveries
	heard  time.Time // when anything arrived last
}

// run delivers from one consumer until it ends or ctx does.
func (t *tail) run(ctx context.Context) error {
	f := &feed{tail: t, ended: make(chan struct{}), heard: time.Now()}
	sub, err := t.link.Subscribe(t.link.NewInbox(), f.take)
	if err != nil {
		return err
	}
	defer func() { _ = f.finish(errAgain) }()
	defer func() { _ = sub.Unsubscribe() }() // fails only without a connection
	name, err := f.consume(ctx, sub.Subject)
	if err != nil {
		return err
	}
	defer t.remove(name)
	return f.guard(ctx, sub)
}

// consume makes the consumer.
func (f *feed) consume(ctx context.Context, inbox string) (name string, err error) {
	c := jetstream.ConsumerConfig{
		DeliverSubject:    inbox,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		MaxDeliver:        1,
		FlowControl:       true,
		IdleHeartbeat:     heartbeat,
		InactiveThreshold: orphaned,
		MemoryStorage:     true,
		Replicas:          1,
	}
	if f.next > 0 {
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.next
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	made, err := f.js.CreatePushConsumer(ctx, f.place.stream, c)
	if err != nil {
		return "", err
	}
	return made.CachedInfo().Name, nil
}

// remove deletes a consumer, so that the servers need not find out that nobody listens.
func (t *tail) remove(name string) {
	if t.link.IsConnected() {
		// The answer goes where nobody listens: there is nothing to be done about it.
		_ = t.link.PublishRequest("$JS.API.CONSUMER.DELETE."+t.place.stream+"."+name, t.replies.prefix+"none", nil)
	}
}

// guard waits until the feed ends, or has to be ended.
func (f *feed) guard(ctx context.Context, sub *nats.Subscription) error {
	clock := time.NewTicker(heartbeat)
	defer clock.Stop()
	var p pulse
	for {
		select {
		case <-ctx.Done():
			return f.finish(ctx.Err())
		case <-f.life.ctx.Done():
			return f.finish(context.Cause(f.life.ctx))
		case <-f.ended:
			return f.finish(nil)
		case <-clock.C:
		}
		if waiting, _, err := sub.Pending(); err == nil && waiting > 0 || !f.mu.TryLock() {
			p = pulse{} // it is the receiver that is slow
			continue
		}
		next, heard := f.next, f.heard
		f.mu.Unlock()
		if err := p.check(time.Now(), heard, next, f.watch.applied()); err != nil {
			return f.finish(err)
		}
	}
}

// pulse judges a consumer that its receiver has kept up with.
type pulse struct {
	lags time.Time // since when the leader has what the consumer has not delivered; zero if it has not
}

// check returns an error if the consumer that was heard last at heard, and has to deliver next, is no longer of use.
// Applied is what the leader is known to have.
func (p *pulse) check(now, heard time.Time, next, applied uint64) error {
	if now.Sub(heard) > deadAfter {
		return fmt.Errorf("%w: the consumer is silent", errAgain)
	}
	switch {
	case next == 0 || applied < next:
		p.lags = time.Time{}
	case p.lags.IsZero():
		p.lags = now
	case now.Sub(p.lags) > lagAfter:
		return fmt.Errorf("%w: the consumer lags", errAgain)
	}
	return nil
}

// finish ends the feed and returns why it ended first. It waits for a delivery that is under way.
func (f *feed) finish(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end(err)
	return f.err
}

// end is called with the lock.
func (f *feed) end(err error) {
	if !f.over {
		f.over, f.err = true, err
		close(f.ended)
	}
}

// take handles one message of the consumer.
func (f *feed) take(m *nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.heard = time.Now()
	var err error
	if len(m.Data) == 0 && m.Header.Get("Status") == "100" {
		err = f.control(m)
	} else {
		err = f.entry(m)
	}
	if err != nil {
		f.end(err)
	}
	f.heard = time.Now()
}

// control handles a heartbeat or a question whether everything before it was taken.
func (f *feed) control(m *nats.Msg) error {
	reply := m.Reply
	if last := m.Header.Get("Nats-Last-Consumer"); last != "" {
		if last != strconv.FormatUint(f.serial, 10) {
			return fmt.Errorf("%w: a delivery was lost", errAgain)
		}
		reply = m.Header.Get("Nats-Consumer-Stalled")
	}
	if reply == "" {
		return nil
	}
	return f.link.Publish(reply, nil)
}

// entry delivers the entry of a message, if it is the next one.
func (f *feed) entry(m *nats.Msg) error {
	at, err := m.Metadata()
	if err != nil {
		return err
	}
	if at.Sequence.Consumer != f.serial+1 {
		return fmt.Errorf("%w: a delivery was lost", errAgain)
	}
	seq := at.Sequence.Stream
	if f.next != 0 && seq != f.next {
		return fmt.Errorf("entry %d follows, %d was next: what lies between has expired", seq, f.next)
	}
	s, err := f.life.parse(m.Subject, m.Header, m.Data, seq)
	if errors.Is(err, errForeign) {
		f.log.Error("nats: somebody else publishes to the stream", "stream", f.place.stream, "subject", m.Subject, "sequence", seq)
		f.serial, f.next, f.delivered = at.Sequence.Consumer, seq+1, true
		return nil
	}
	if err != nil {
		return err
	}
	f.life.raise(seq)
	f.life.recent.learn(s)
	f.serial, f.next, f.delivered = at.Sequence.Consumer, seq+1, true
	f.deliver(s.Entry)
	return nil
}
