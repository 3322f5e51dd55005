package park_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// TestChurn has very many short connections beside each other, whose clients behave in every way, so that descriptors
// are closed and used again while events of theirs are under way. Nobody is told what is another's, who stays is told
// everything, and nothing is left.
func TestChurn(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads})
		workers, turns := 16, 30
		if k.link != plain { // without descriptors of the park's own
			turns = 4
		}
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range turns {
					y.visit(t, fmt.Sprintf("%d-%d", w, i), k.name == "pipe")
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		for range workers * turns {
			next(t, y.ends, "the wait's end")
		}
		if err := y.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if n := y.Open(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// visit is one client's wait for a payment of its own.
func (y *yard) visit(t *testing.T, payment string, whole bool) {
	nc, err := y.dial()
	if err != nil {
		t.Error(err)
		return
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, "GET /"+payment+" HTTP/1.1\r\nHost: x\r\n\r\n***"); err != nil {
		t.Error(err)
		return
	}
	<-y.conns // any of them, as long as all are taken
	c := &client{Conn: nc, t: t}
	behaviour := rand.N(6)
	if whole && behaviour == 2 { // a net.Pipe has no halves
		behaviour = 0
	}
	switch behaviour {
	case 0: // leaves unread
	case 1:
		c.reset()
	case 2:
		c.closeWrite()
		y.listen(t, nc, payment, false)
	case 3: // is told while it leaves
		published := y.paid(t, payment)
		nc.Close()
		<-published
	default:
		published := y.paid(t, payment)
		y.listen(t, nc, payment, true)
		<-published
	}
}

// paid publishes that the payment is, and closes the channel when that is stored.
func (y *yard) paid(t *testing.T, payment string) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := y.store(payment, payment, relay.Paid); err != nil {
			t.Error(err)
		}
	}()
	return done
}

// listen reads to the end, which must be there if the client is told all.
func (y *yard) listen(t *testing.T, nc io.Reader, payment string, all bool) {
	text, err := io.ReadAll(nc)
	if err != nil {
		t.Errorf("payment %s: %v", payment, err)
	}
	_, body, _ := strings.Cut(string(text), "\r\n\r\n")
	body = strings.ReplaceAll(body, "*", "") // the echo, anywhere
	switch want := "state pending\nevent " + payment + "\nend done\n"; {
	case !all && (body == "" || body == "state pending\n"), body == want, body == strings.Replace(want, "pending", "paid", 1):
	default:
		t.Errorf("payment %s: %q", payment, body)
	}
}
