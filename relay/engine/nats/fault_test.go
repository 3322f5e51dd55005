//go:build unix

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// site is three servers, each with a relay node's engine that is connected to it first, and what these nodes saw.
type site struct {
	*natstest.Processes
	t       *testing.T
	stream  string
	engines []relay.Engine

	stop    context.CancelFunc
	appends sync.WaitGroup
	tails   sync.WaitGroup

	mu     sync.Mutex
	acked  []relay.Entry
	told   [][]relay.Entry // by engine
	grew   chan struct{}
	broken []error
}

// newSite starts servers, engines, tails and, for each engine, two callers that append one event after the other, as
// often as it takes to have it acknowledged.
func newSite(t *testing.T) *site {
	s := &site{Processes: natstest.StartProcesses(t, 3), t: t, stream: "faults", told: make([][]relay.Entry, 3), grew: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for i := range 3 {
		url := fmt.Sprintf("nats://%s,%s,%s?replicas=3&stream=%s", s.Host(i), s.Host((i+1)%3), s.Host((i+2)%3), s.stream)
		start, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		e, err := nats.New(start, nats.Options{URL: url, Conn: []client.Option{client.DontRandomize()}})
		for err != nil && start.Err() == nil { // no leader yet
			e, err = nats.New(start, nats.Options{URL: url, Conn: []client.Option{client.DontRandomize()}})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.engines = append(s.engines, e)
	}
	for i, e := range s.engines {
		after, err := e.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.tails.Go(func() {
			err := e.Tail(ctx, after, func(en relay.Entry) { s.tell(i, en) })
			if ctx.Err() == nil {
				s.fail(fmt.Errorf("tail of node %d: %w", i+1, err))
			}
		})
	}
	appending, end := context.WithCancel(ctx)
	t.Cleanup(end)
	s.stop = end
	for i, e := range s.engines {
		s.appends.Go(func() { s.post(appending, e, e, fmt.Sprintf("%d-own", i)) })
		s.appends.Go(func() { s.post(appending, e, s.engines[(i+1)%3], fmt.Sprintf("%d-other", i)) })
	}
	t.Cleanup(func() {
		stop()
		s.tails.Wait()
		for _, e := range s.engines {
			e.Close()
		}
	})
	return s
}

// post appends by one engine and reads by another until ctx is done. An error is followed by the same event again.
func (s *site) post(ctx context.Context, e, reader relay.Engine, name string) {
	for n := 0; ctx.Err() == nil; n++ {
		ev := relay.Event{ID: fmt.Sprintf("%s-%d", name, n), Payment: fmt.Sprintf("order-%d", n%20), Status: relay.Pending}
		for {
			one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
			en, _, err := e.Append(one, ev)
			cancel()
			if err != nil {
				continue
			}
			s.mu.Lock()
			s.acked = append(s.acked, en)
			close(s.grew)
			s.grew = make(chan struct{})
			s.mu.Unlock()
			got, err := reader.Read(ctx, ev.Payment)
			if err == nil && (len(got) == 0 || got[len(got)-1].Position.Seq < en.Position.Seq) {
				s.fail(fmt.Errorf("a read does not have %v, which was acknowledged before", en.Position))
			}
			break
		}
	}
}

func (s *site) tell(i int, en relay.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[i] = append(s.told[i], en)
}

func (s *site) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, err)
}

// more waits until n more appends are acknowledged.
func (s *site) more(n int) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	s.mu.Lock()
	want := len(s.acked) + n
	for len(s.acked) < want {
		grew := s.grew
		s.mu.Unlock()
		select {
		case <-grew:
		case <-deadline:
			s.t.Fatalf("nothing is acknowledged any more")
		}
		s.mu.Lock()
	}
	s.mu.Unlock()
}

// leader returns the number of the server that leads the stream.
func (s *site) leader() int {
	s.t.Helper()
	c, err := client.Connect(s.Host(0) + "," + s.Host(1) + "," + s.Host(2))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	st, err := js.Stream(s.t.Context(), s.stream)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.Index(st.CachedInfo().Cluster.Leader)
}

// check ends the appends and compares what was acknowledged and told with the log.
func (s *site) check() {
	s.t.Helper()
	s.stop()
	s.appends.Wait()
	var log []relay.Entry
	for after := (relay.Position{}); ; after = log[len(log)-1].Position {
		page, err := s.engines[0].Scan(s.t.Context(), after, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		log = append(log, page...)
	}
	ids := make(map[string]uint64)
	for i, en := range log {
		if en.Position.Seq != uint64(i+1) {
			s.t.Fatalf("entry %d of the log has sequence %d", i+1, en.Position.Seq)
		}
		if ids[en.Event.ID] != 0 {
			s.t.Errorf("%s is stored at %d and %d", en.Event.ID, ids[en.Event.ID], en.Position.Seq)
		}
		ids[en.Event.ID] = en.Position.Seq
	}
	for _, en := range s.acked {
		if ids[en.Event.ID] != en.Position.Seq {
			s.t.Errorf("%s was acknowledged at %d, and lies at %d", en.Event.ID, en.Position.Seq, ids[en.Event.ID])
		}
	}
	for i := range s.engines {
		s.checkTold(i, log)
	}
	for _, err := range s.broken {
		s.t.Error(err)
	}
	s.t.Logf("%d acknowledged, %d stored", len(s.acked), len(log))
}

func (s *site) checkTold(i int, log []relay.Entry) {
	s.t.Helper()
	var told []relay.Entry
	for deadline := time.Now().Add(30 * time.Second); len(told) < len(log) && time.Now().Before(deadline); {
		s.mu.Lock()
		told = s.told[i]
		s.mu.Unlock()
		<-time.After(10 * time.Millisecond)
	}
	if len(told) != len(log) {
		s.t.Errorf("node %d was told %d entries of %d", i+1, len(told), len(log))
		return
	}
	for j := range log {
		if told[j] != log[j] {
			s.t.Errorf("node %d was told %v, the log has %v", i+1, told[j], log[j])
			return
		}
	}
}

// TestFaults kills, pauses and moves leaders while nodes append and follow: what was acknowledged is in the log once,
// and every node is told the whole log.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.more(100)

	c, err := client.Connect(s.Host(0))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Request("$JS.API.STREAM.LEADER.STEPDOWN."+s.stream, nil, 5*time.Second); err != nil {
			t.Error(err)
		}
		s.more(50)
	}
	c.Close()

	follower := (s.leader() + 1) % 3
	s.Pause(follower) // it lags, and its tail falls silent
	s.more(200)
	s.Resume(follower)
	s.more(50)

	leader := s.leader()
	s.Kill(leader)
	s.more(100)
	s.Start(leader)
	s.more(200)

	leader = s.leader()
	s.Pause(leader) // until another leads; then it believes for a moment that it still does
	s.more(100)
	s.Resume(leader)
	s.more(100)
	s.check()
	s.aloneIsNotBelieved()
}

// aloneIsNotBelieved pauses both followers: others may lead by now, for all that the leader knows, so its node must not
// take its word.
func (s *site) aloneIsNotBelieved() {
	s.t.Helper()
	leader := s.leader()
	e := opened(s.t, nats.Options{
		URL:  fmt.Sprintf("nats://%s?replicas=3&stream=%s", s.Host(leader), s.stream),
		Conn: []client.Option{client.IgnoreDiscoveredServers()},
	})
	s.Pause((leader + 1) % 3)
	s.Pause((leader + 2) % 3)
	deadline := time.Now().Add(8 * time.Second) // the leader itself gives up after 10 s
	for what, call := range map[string]func(context.Context) error{
		"Read": func(ctx context.Context) error { _, err := e.Read(ctx, "order-1"); return err },
		"Head": func(ctx context.Context) error { _, err := e.Head(ctx); return err },
		"Scan": func(ctx context.Context) error { _, err := e.Scan(ctx, relay.Position{}, 1); return err },
	} {
		for err := error(nil); err == nil; {
			one, cancel := context.WithTimeout(s.t.Context(), 200*time.Millisecond)
			err = call(one)
			cancel()
			if time.Now().After(deadline) {
				s.t.Fatalf("%s believes a leader that hears no follower", what)
			}
		}
	}
	s.Resume((leader + 1) % 3)
	s.Resume((leader + 2) % 3)
	for err := errors.New(""); err != nil; _, err = e.Read(s.t.Context(), "order-1") {
		if time.Now().After(deadline.Add(30 * time.Second)) {
			s.t.Fatalf("Read after the followers came back: %v", err)
		}
	}
}
