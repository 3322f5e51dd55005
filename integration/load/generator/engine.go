//go:build linux

package generator

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/integration/load/proc"
	"golang.org/x/sys/unix"
)

// clock tells the time since it was made, which is never 0.
type clock struct{ start time.Time }

func (c clock) now() time.Duration { return time.Since(c.start) + 1 }

// An engine does one job with the sockets of one thread.
//
// It has two pollers. Fan-outs make thousands of sockets readable at a time and epoll tells of them in order, so what
// must be timed meanwhile would stand at the end of that queue. Only waiters that are not steady are in the bulk
// poller, which is served in small batches, and the prompt one between them.
type engine struct {
	clock   clock
	job     *Job
	pids    []int
	prompt  *poller
	bulk    *poller
	crowd   *crowd
	senders *senders
	ledger  *ledger
}

// bulkBatch is how many events of the bulk poller hold up the prompt one.
const bulkBatch = 16

// newEngine returns an engine for waiters base to base+n of the job.
func newEngine(job *Job, run string, base, n int) (*engine, error) {
	e := &engine{clock: clock{time.Now()}, job: job, pids: proc.Tree(job.Pids...), ledger: &ledger{}}
	var err error
	if e.prompt, err = newPoller(512); err != nil {
		return nil, err
	}
	if e.bulk, err = newPoller(bulkBatch); err != nil {
		return nil, err
	}
	if err := e.prompt.add(e.bulk.fd, ofPoller, 0); err != nil {
		return nil, err
	}
	servers, err := addresses(job.Addresses)
	if err != nil {
		return nil, err
	}
	reading := make([]byte, 256<<10)
	values := message.Values{
		Topic: message.Topic{Prefix: "t" + run + "-"}, ID: message.ID{Run: run}, Status: "pending",
		Ticket: message.NewMinter(job.TicketKey, time.Now().Add(12*time.Hour)),
	}
	e.crowd = &crowd{
		clock: e.clock, ledger: e.ledger, waiters: make([]waiter, n), servers: servers, base: base, steady: job.Steady,
		shared: job.Mode == Fanout, values: values, ids: message.NewIDScanner(run), prompt: e.prompt, bulk: e.bulk,
		reading: reading, reasons: make(map[string]int),
	}
	for i := range job.Ask {
		k, err := job.Ask[i].kind(job.Addresses[0])
		if err != nil {
			return nil, err
		}
		e.crowd.kinds = append(e.crowd.kinds, k)
	}
	e.senders = &senders{
		clock: e.clock, ledger: e.ledger, poller: e.prompt, server: servers[0], values: values,
		reading: reading, reasons: e.crowd.reasons,
	}
	if len(job.SigningKey) > 0 {
		e.senders.signer = message.NewSigner(job.SigningKey)
	}
	if e.senders.head, err = request("POST", job.Post.Path, job.Addresses[0], job.Post.Header, ""); err != nil {
		return nil, err
	}
	e.senders.body, err = message.ParseTemplate(job.Post.Body)
	return e, err
}

func newRun() string {
	var b [3]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (a *Ask) kind(host string) (kind, error) {
	header := append([]string(nil), a.Header...)
	if a.WebSocket {
		header = append(header, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	} else {
		header = append(header, "Accept: text/event-stream")
	}
	r, err := request("GET", a.Path, host, header, "\r\n")
	return kind{a.WebSocket, r, []byte(a.Ready), []byte(a.Beat), []byte(a.End)}, err
}

func request(method, path, host string, header []string, end string) (message.Template, error) {
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: " + host}, header...)
	return message.ParseTemplate(strings.Join(lines, "\r\n") + "\r\n" + end)
}

// poll handles what is ready, after d at most.
func (e *engine) poll(d time.Duration) error {
	if e.job.Busy {
		d = 0
	}
	events, err := e.prompt.wait(d)
	if err != nil {
		return err
	}
	more := false
	for i := range events {
		ev := &events[i]
		switch whose(ev.Pad) {
		case ofWaiter:
			e.crowd.event(int(ev.Fd), ev.Events)
		case ofSender:
			e.senders.event(int(ev.Fd), ev.Events)
		case ofPoller:
			more = true
		}
	}
	if !more {
		return nil
	}
	if events, err = e.bulk.wait(0); err != nil {
		return err
	}
	for i := range events {
		e.crowd.event(int(events[i].Fd), events[i].Events)
	}
	return nil
}

// A step does what is due and returns when it wants to be called again at the latest.
type step func(now time.Duration) time.Duration

// errLimit is a job that took longer than its Limit.
var errLimit = errors.New("generator: the job's time is over")

// loop polls until end says so, with the steps between.
func (e *engine) loop(end func(now time.Duration) bool, steps ...step) error {
	for {
		now := e.clock.now()
		if end(now) {
			return nil
		}
		if now > e.job.Limit {
			return errLimit
		}
		again := now + 10*time.Millisecond
		for _, s := range steps {
			again = min(again, s(now))
		}
		if err := e.poll(again - e.clock.now()); err != nil {
			return err
		}
	}
}

// until ends a loop at a time.
func until(t time.Duration) func(time.Duration) bool {
	return func(now time.Duration) bool { return now >= t }
}

// cpu returns what the server has used so far.
func (e *engine) cpu() (time.Duration, error) { return proc.CPU(e.pids...) }

// capacity returns how many connections fit the table of files of one thread.
func capacity() (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("generator: limit of files: %w", err)
	}
	const others = 200
	return int(min(l.Cur, maxWaiters)) - others, nil
}

// quiet keeps the goroutine on a thread whose sleeps end when they should: the kernel may add 50 µs to each.
func quiet() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}
