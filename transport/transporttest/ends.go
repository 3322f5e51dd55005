package transporttest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
)

func doneBefore(t *trial) {
	t.site(Options{})
	at := t.Publish(t, pay("p", relay.Paid, 1))
	t.before(t.open("p", "", "Last-Event-ID", at.String()), Done, relay.ErrDone)
	t.before(t.open("p", "?after="+at.String()), Done, relay.ErrDone)
	t.ended("done", 2)
}

func expiredBefore(t *trial) {
	t.site(Options{})
	t.before(t.open("p", "?ttl=0s"), Expired, relay.ErrExpired)
	t.ended("expired", 1)
	// What is known is told, however little time there is.
	t.Publish(t, pay("p", relay.Paid, 1))
	c := t.open("p", "?ttl=0s")
	t.next(c, "state")
	t.event(c, relay.Paid)
	t.end(c, relay.ErrDone)
}

func expiredMeanwhile(t *trial) {
	t.site(Options{})
	begin := time.Now()
	c := t.open("p", "?ttl=7s")
	t.next(c, "state")
	t.expires(c)
	t.elapsed(begin, 7*time.Second)

	begin = time.Now()
	c = t.openPath(t.path("p")+"?ttl=1h", "Authorization", "Bearer "+t.Ticket(t, "p", 9*time.Second))
	t.next(c, "state")
	t.expires(c)
	t.elapsed(begin, 9*time.Second)
}

func maxTTL(t *trial) {
	t.site(Options{Server: transport.Options{MaxTTL: 5 * time.Second}})
	for _, query := range []string{"", "?ttl=30m", "?ttl=100000h"} {
		begin := time.Now()
		c := t.open("p", query)
		t.next(c, "state")
		t.expires(c)
		t.elapsed(begin, 5*time.Second)
	}
	for _, query := range []string{"?ttl=-1s", "?ttl=soon", "?ttl=15", "?ttl=1000000000h"} {
		resp := t.open("p", query).Answer()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, resp.StatusCode)
		}
		t.problem(resp)
	}
}

func closingBefore(t *trial) {
	t.site(Options{})
	t.Relay.Drain()
	t.before(t.open("p", ""), Closing, relay.ErrClosing)
	t.ended("closing", 1)
}

func closingMeanwhile(t *trial) {
	t.site(Options{})
	c := t.open("p", "")
	t.next(c, "state")
	told := make(chan struct{})
	go func() {
		defer close(told)
		t.end(c, relay.ErrClosing)
	}()
	synctest.Wait()
	begin := time.Now()
	t.Stop(t)
	<-told
	if took := time.Since(begin); took > time.Second { // Shutdown polls
		t.Errorf("stop took %s with a client that behaves", took)
	}
	t.ended("closing", 1)
}

func fullProcess(t *trial) { t.limit(relay.Options{MaxWaiters: 2}, Full, relay.ErrFull, "") }

func fullAddress(t *trial) { t.limit(relay.Options{MaxPerAddress: 2}, Crowded, relay.ErrCrowded, "") }

func fullPayment(t *trial) { t.limit(relay.Options{MaxPerPayment: 2}, Crowded, relay.ErrCrowded, "q") }

// limit has a third wait where there may be two. The payment free, if any, may be awaited all the same.
func (t *trial) limit(o relay.Options, row Row, reason error, free string) {
	t.site(Options{Relay: o})
	first := t.hold("p")
	t.hold("p")
	t.before(t.open("p", ""), row, reason)
	t.ended("limit", 1)
	if free != "" {
		t.next(t.open(free, ""), "state")
	}
	first.Close()
	synctest.Wait()
	t.next(t.open("p", ""), "state")
}

// hold opens a wait that stays.
func (t *trial) hold(payment string) Client {
	t.Helper()
	c := t.open(payment, "")
	t.next(c, "state")
	if !t.h.Polls {
		return c
	}
	go c.Next() // the poll that waits
	synctest.Wait()
	return c
}

func internalBefore(t *trial) {
	t.site(Options{})
	t.Engine.Break()
	t.before(t.open("p", ""), Internal, ErrBroken)
	if logged := t.Logged.String(); !strings.Contains(logged, "level=ERROR msg=wait") || !strings.Contains(logged, ErrBroken.Error()) {
		t.Errorf("the engine's error was not logged:\n%s", logged)
	}
	t.Engine.Mend()
}

func internalMeanwhile(t *trial) {
	t.site(Options{})
	c := t.open("p", "")
	t.next(c, "state")
	if !t.h.Polls {
		t.Engine.Break()
		t.end(c, ErrBroken)
		t.Engine.Mend()
		return
	}
	go func() {
		synctest.Wait()
		t.Engine.Break()
	}()
	t.end(c, ErrBroken)
	t.Engine.Mend()
}

// slowLate has a client that reads too late to be told everything, but not too late to be told that.
func slowLate(t *trial) {
	t.site(Options{})
	if t.h.Polls {
		t.Skip("a poll is over before it can be slow")
	}
	c := t.open("p", "")
	t.next(c, "state")
	for i := range 500 {
		t.Publish(t, pay("p", relay.Pending, i))
	}
	synctest.Wait() // the writer stands, and the inbox has overrun
	t.Publish(t, pay("p", relay.Paid, 500))
	synctest.Wait() // the wait has its outcome, but the client will not get it
	told := 0
	for f, err := c.Next(); ; f, err = c.Next() {
		if err != nil {
			t.Fatalf("after %d events: %v", told, err)
		}
		if f.Kind == "end" {
			if f.Code != "slow" || t.h.Closes && f.Close != 4503 {
				t.Errorf("end is %+v", f)
			}
			break
		}
		if want := fmt.Sprintf("shop:p:%d", told); f.Event.ID != want { // what is told has no gap
			t.Fatalf("event is %s, want %s", f.Event.ID, want)
		}
		told++
	}
	t.over(c)
	if told == 500 {
		t.Error("nothing was dropped")
	}
	t.ended("slow", 1)
}

// slowNever has a client that never reads again.
func slowNever(t *trial) {
	t.site(Options{})
	if t.h.Polls {
		t.Skip("a poll is over before it can be slow")
	}
	c := t.open("p", "")
	t.next(c, "state")
	for i := range 20 { // too few to overrun the inbox
		t.Publish(t, pay("p", relay.Pending, i))
	}
	synctest.Wait()
	if n := t.Relay.Waiters(); n != 1 {
		t.Fatalf("%d waiters", n)
	}
	time.Sleep(WriteTimeout + wheel.Tick) // in the bubble
	synctest.Wait()
	if n := t.Relay.Waiters(); n != 0 {
		t.Errorf("%d waiters are left after WriteTimeout", n)
	}
	t.ended("slow", 1)
}

func leaves(t *trial) {
	t.site(Options{})
	c := t.hold("p")
	if n := t.Relay.Waiters(); n != 1 {
		t.Fatalf("%d waiters", n)
	}
	c.Close()
	synctest.Wait()
	if n := t.Relay.Waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
	t.ended("gone", 1)
}

// ended expects that the metric has counted at least so many waits that ended with the code.
func (t *trial) ended(code string, want int) {
	t.Helper()
	synctest.Wait()
	name := fmt.Sprintf(`tillbell_waits_ended_total{code=%q,transport=%q} `, code, t.route())
	_, rest, _ := strings.Cut(t.Scrape(t), name)
	var n int
	if _, err := fmt.Sscan(rest, &n); err != nil && err != io.EOF || n < want {
		t.Errorf("%s%d, want %d", name, n, want)
	}
}
