package transporttest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/wire"
)

// Heartbeat and WriteTimeout are what the suite's transports must have.
const (
	Heartbeat    = 20 * time.Second
	WriteTimeout = 10 * time.Second
)

// Harness is a transport and a client for it.
type Harness struct {
	// New returns the transport, with Heartbeat and WriteTimeout.
	New func(*wheel.Wheel) transport.Transport
	// Open begins a wait with a GET that the suite has prepared. It must not wait for anything that the server does not
	// tell at once.
	Open func(t testing.TB, s *Site, r *http.Request) Client
	// Before is the first answer where a wait ends before anything was written, for each row that leaves the transport
	// a choice.
	Before map[Row]Answer
	// Query says that ?ticket= is a ticket.
	Query bool
	// Polls says that an answer is complete as soon as there is something to tell: there are no heartbeats, and a
	// client that does not read holds up nothing.
	Polls bool
	// Closes says that frames carry close codes.
	Closes bool
}

// Row names a row of the End table.
type Row string

// The rows.
const (
	Done     Row = "done"
	Expired  Row = "expired"
	Closing  Row = "closing"
	Full     Row = "limit, process"
	Crowded  Row = "limit, address or payment"
	Internal Row = "internal"
)

// Answer is the first answer of a wait that ends before it began.
type Answer struct {
	Status int
	// Frames are the kinds of what follows, empty for a problem or nothing.
	Frames []string
	// RetryAfter says that the header must be there.
	RetryAfter bool
}

// Client is one client's wait.
type Client interface {
	// Answer returns the first answer. Its body is left to Next, unless it is a problem.
	Answer() *http.Response
	// Next returns the next frame, and io.EOF behind the last. A problem is a frame of kind end too.
	Next() (Frame, error)
	// Close leaves, without a word.
	Close()
}

// Frame is one thing that a client is told.
type Frame struct {
	Kind     string // state, event, ping or end
	Position string // of an event
	State    wire.Snapshot
	Event    wire.Event
	Code     string // of an end
	Close    int    // the close code behind an end, where the transport has them
}

// Run runs the suite on every network in memory. Every case has a Site of its own in a bubble of testing/synctest:
// durations are exact, and what the transport leaves running fails the test.
func Run(t *testing.T, h Harness) {
	for name, n := range map[string]Network{"pipes": Pipes, "sockets": Sockets, "straws": Straws} {
		t.Run(name, func(t *testing.T) { runOn(t, h, n) })
	}
}

func runOn(t *testing.T, h Harness, n Network) {
	cases := []struct {
		name string
		run  func(*trial)
	}{
		{"state comes first, at once", stateFirst},
		{"early waiter", earlyWaiter},
		{"late waiter", lateWaiter},
		{"cursor", cursors},
		{"order under concurrent publishing", order},
		{"released by a registration", released},
		{"contradiction", contradiction},
		{"heartbeat", heartbeat},
		{"payment ids in paths", paths},
		{"done before", doneBefore},
		{"expired before", expiredBefore},
		{"expired meanwhile", expiredMeanwhile},
		{"max ttl", maxTTL},
		{"closing before", closingBefore},
		{"closing meanwhile", closingMeanwhile},
		{"limit of the process", fullProcess},
		{"limit of the address", fullAddress},
		{"limit of the payment", fullPayment},
		{"internal before", internalBefore},
		{"internal meanwhile", internalMeanwhile},
		{"slow, late", slowLate},
		{"slow, never", slowNever},
		{"client leaves", leaves},
		{"unauthorized", unauthorized},
		{"where tickets stand", places},
		{"cross origin", origins},
		{"any origin", anyOrigin},
		{"other requests", otherRequests},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(&trial{T: t, h: h, network: n}) })
		})
	}
}

// trial is one case.
type trial struct {
	*testing.T
	h       Harness
	network Network
	*Site
}

// site starts the trial's Site.
func (t *trial) site(o Options) {
	t.Helper()
	o.Network = t.network
	o.Transports = func(w *wheel.Wheel) []transport.Transport { return []transport.Transport{t.h.New(w)} }
	t.Site = NewSite(t, o)
}

func (t *trial) route() string { return t.h.New(nil).Name() }

func (t *trial) path(payment string) string {
	return "/v1/payments/" + url.PathEscape(payment) + "/" + t.route()
}

// open begins a wait with a fresh ticket.
func (t *trial) open(payment, query string, header ...string) Client {
	t.Helper()
	header = append(header, "Authorization", "Bearer "+t.Ticket(t, payment, time.Hour))
	return t.openPath(t.path(payment)+query, header...)
}

func (t *trial) openPath(path string, header ...string) Client {
	t.Helper()
	c := t.h.Open(t, t.Site, t.Request(t, http.MethodGet, path, "", header...))
	t.Cleanup(c.Close)
	return c
}

// next returns the next frame, which must be of the kind.
func (t *trial) next(c Client, kind string) Frame {
	t.Helper()
	f, err := c.Next()
	if err != nil {
		t.Fatalf("next frame: %v, want %s", err, kind)
	}
	if f.Kind != kind {
		t.Fatalf("next frame is %+v, want %s", f, kind)
	}
	return f
}

// event returns the next frame, which must be the event with the status.
func (t *trial) event(c Client, status relay.Status) Frame {
	t.Helper()
	f := t.next(c, "event")
	if f.Event.Data.Status != status || f.Event.Type != "payment."+string(status) || f.Event.SpecVersion != "1.0" {
		t.Fatalf("event is %+v, want %s", f.Event, status)
	}
	return f
}

// end expects the end with the table's codes for err, and nothing behind it.
func (t *trial) end(c Client, err error) {
	t.Helper()
	t.ends(c, t.next(c, "end"), err)
}

// expires expects the end of a wait whose time is over. The first heartbeat may come at any moment before.
func (t *trial) expires(c Client) {
	t.Helper()
	f, err := c.Next()
	if f.Kind == "ping" {
		f, err = c.Next()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.ends(c, f, relay.ErrExpired)
}

// ends expects that f is the end with the table's codes for err, and nothing behind it.
func (t *trial) ends(c Client, f Frame, err error) {
	t.Helper()
	want := transport.EndOf(err)
	if f.Kind != "end" {
		t.Fatalf("next frame is %+v, want an end", f)
	}
	if f.Code != want.Code {
		t.Errorf("end is %q, want %q", f.Code, want.Code)
	}
	if t.h.Closes && f.Close != want.Close {
		t.Errorf("close code is %d, want %d", f.Close, want.Close)
	}
	t.over(c)
}

// over expects that nothing more comes.
func (t *trial) over(c Client) {
	t.Helper()
	if f, err := c.Next(); err != io.EOF {
		t.Errorf("after the end: %+v, %v; want io.EOF", f, err)
	}
}

// before expects what the harness says of a wait that ends in the row before it began.
func (t *trial) before(c Client, row Row, reason error) {
	t.Helper()
	want, end := t.h.Before[row], transport.EndOf(reason)
	resp := c.Answer()
	if resp.StatusCode != want.Status {
		t.Fatalf("status %d, want %d", resp.StatusCode, want.Status)
	}
	if got := resp.Header.Get("Retry-After") != ""; got != want.RetryAfter {
		t.Errorf("Retry-After is %q", resp.Header.Get("Retry-After"))
	}
	if want.Status >= 400 {
		t.problem(resp)
		if f := t.next(c, "end"); f.Code != end.Code {
			t.Errorf("code is %q, want %q", f.Code, end.Code)
		}
		t.over(c)
		return
	}
	for _, kind := range want.Frames {
		if kind == "end" {
			t.end(c, reason)
			return
		}
		t.next(c, kind)
	}
	t.over(c)
}

// problem expects the headers of RFC 9457.
func (t *trial) problem(resp *http.Response) {
	t.Helper()
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q", ct)
	}
	if cc := resp.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control is %q", cc)
	}
}

// elapsed fails the test unless about want has passed since begin: a wheel.Tick or two more.
func (t *trial) elapsed(begin time.Time, want time.Duration) {
	t.Helper()
	t.within(begin, want, want)
}

// within fails the test unless between least and most, or two ticks more, have passed since begin.
func (t *trial) within(begin time.Time, least, most time.Duration) {
	t.Helper()
	if took := time.Since(begin); took < least || took > most+2*wheel.Tick {
		t.Errorf("took %s, want %s to %s", took, least, most)
	}
}

// pay returns an event of the payment.
func pay(payment string, status relay.Status, n int) relay.Event {
	return relay.Event{
		ID: fmt.Sprintf("shop:%s:%d", payment, n), Payment: payment, Status: status,
		Final:  status == relay.Paid || status == relay.Refunded,
		Amount: "5.00", Currency: "EUR", Time: time.Date(2026, 11, 22, 8, 0, n, 0, time.UTC),
	}
}
