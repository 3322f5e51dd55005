package relay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// TestStress lets clients come and go with their cursors while events arrive: over all its connections each client
// gets every applied event once, in order, and then the end.
func TestStress(t *testing.T) {
	const payments, clients, publishers = 40, 6, 4
	length := time.Second
	if testing.Short() {
		length = 100 * time.Millisecond
	}
	r := newRelay(t, relay.Options{})
	deadline := time.After(length)
	over := make(chan struct{}) // closed when every payment has its outcome
	var waiting, publishing sync.WaitGroup
	had := make([][]relay.Told, payments*clients)
	for i := range had {
		waiting.Go(func() { had[i] = client(t, r, fmt.Sprint("order-", i%payments), over) })
	}
	stop := make(chan struct{})
	for p := range publishers {
		publishing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				e := pending(fmt.Sprintf("%d-%d", p, i), i)
				if i%7 == 0 {
					e.NeedsRegistration = true
				}
				e.Payment = fmt.Sprint("order-", rand.IntN(payments))
				if _, err := r.Publish(context.Background(), e); err != nil {
					t.Error(err)
				}
				if rand.IntN(50) == 0 {
					g := relay.Registration{Payment: e.Payment, Amount: "5", Currency: "CNY"}
					if _, _, err := r.Register(context.Background(), g); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	<-deadline
	close(stop)
	publishing.Wait()
	for i := range payments {
		for _, e := range []relay.Event{paid("wrong", 1, "6"), paid("paid", 1, "5"), paid("again", 2, "5")} {
			e.Payment = fmt.Sprint("order-", i)
			publish(t, r, e)
		}
	}
	close(over)
	waiting.Wait()
	for i, got := range had {
		want := allTold(t, r, fmt.Sprint("order-", i%payments))
		if !slices.EqualFunc(got, want, func(a, b relay.Told) bool { return a.Position == b.Position && a.Event == b.Event }) {
			t.Fatalf("client %d had %d events, applied were %d:\n%v\n%v", i, len(got), len(want), idsOf(got), idsOf(want))
		}
	}
	if n := r.Waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

// client waits for a payment over many connections, until one ends with the outcome.
func client(t *testing.T, r *relay.Relay, payment string, over <-chan struct{}) (had []relay.Told) {
	for {
		var after relay.Position
		if len(had) > 0 {
			after = had[len(had)-1].Position
		}
		w := newRecorder(t)
		sub := subscribe(t, r, payment, after, w)
		leave := time.After(rand.N(5 * time.Millisecond))
		select {
		case <-w.ended:
		case <-over:
			<-w.ended // everything is stored: the outcome must come
		case <-leave:
			sub.Close(relay.ErrGone)
			<-w.ended
		}
		_, told, end := w.seen()
		had = append(had, told...)
		switch end {
		case relay.ErrDone:
			return had
		case relay.ErrGone:
		default:
			t.Errorf("end is %v", end)
			return had
		}
	}
}

// TestStressEnds lets waits end in all ways at the same time: each ends once.
func TestStressEnds(t *testing.T) {
	for range 30 {
		r := newRelay(t, relay.Options{})
		var all sync.WaitGroup
		var mu sync.Mutex
		var waiters []*recorder
		for i := range 64 {
			all.Go(func() {
				w := newRecorder(t)
				q := relay.Request{Payment: fmt.Sprint("order-", i%4), Until: time.Now().Add(rand.N(300 * time.Millisecond))}
				sub, err := r.Subscribe(context.Background(), q, w)
				if err != nil {
					if err != relay.ErrClosing && err != relay.ErrExpired {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				waiters = append(waiters, w)
				mu.Unlock()
				if i%3 == 0 {
					all.Go(func() { sub.Close(relay.ErrSlow) })
					sub.Close(relay.ErrGone)
				}
			})
		}
		for i := range 4 {
			all.Go(func() {
				e := paid("a", 1, "1")
				e.Payment = fmt.Sprint("order-", i)
				if _, err := r.Publish(context.Background(), e); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(r.Drain)
		all.Wait()
		for _, w := range waiters {
			<-w.ended
		}
		if n := r.Waiters(); n != 0 {
			t.Errorf("%d waiters are left", n)
		}
	}
}
