//go:build linux

package generator

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

func (h *hub) job(s *httptest.Server, mode Mode, asks ...Ask) *Job {
	return &Job{
		Mode: mode, Addresses: []string{s.Listener.Addr().String()}, Pids: []int{os.Getpid()}, Waiters: 60, Ask: asks,
		Post:    Post{Path: "/?topic={topic}", Body: `{"type":"payment.{status}","id":"{id}"}`},
		Senders: 4, Rate: 200, Settle: 10 * ms, Warmup: 50 * ms, Window: 300 * ms, Drain: 500 * ms, Limit: time.Minute,
	}
}

// loaded does a job and fails the test if it cannot be done.
func loaded(t *testing.T, job *Job) *Result {
	t.Helper()
	if err := job.Validate(); err != nil {
		t.Fatal(err)
	}
	told := -1
	r, err := do(job, func(n int) { told = n })
	if err != nil {
		t.Fatal(err)
	}
	c := r.Connections
	if told != c.Established || c.Requested != job.Waiters+job.Steady || c.Dropped != 0 {
		t.Errorf("%+v, %d told", c, told)
	}
	return r
}

// complete fails the test unless all callbacks of the window came to whom they were for.
func complete(t *testing.T, c *Callbacks) {
	t.Helper()
	if c.Due == 0 || c.Answered != c.Due || c.Lost+c.Refused+c.Unanswered != 0 || c.Delivery.N != c.Due || c.Delivery.P50 == 0 {
		t.Errorf("%+v", *c)
	}
}

// each runs a test for event streams and for WebSocket.
func each(t *testing.T, test func(t *testing.T, ask Ask)) {
	for i, name := range []string{"sse", "ws"} {
		t.Run(name, func(t *testing.T) { test(t, hubAsks[i]) })
	}
}

func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) {
		r := loaded(t, new(hub).start(t, Idle, ask))
		if r.Connections.Established != 60 || r.Memory.After.RSS == 0 || r.Memory.Before.RSS == 0 || r.Connections.CPU == 0 {
			t.Errorf("%+v, %+v", r.Connections, *r.Memory)
		}
	})
}

func TestThroughput(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) {
		r := loaded(t, new(hub).start(t, Throughput, ask))
		if complete(t, r.Callbacks); r.Callbacks.Told == 0 || r.Callbacks.Expected != r.Callbacks.Due {
			t.Errorf("%+v", *r.Callbacks)
		}
	})
	t.Run("nobody waits", func(t *testing.T) {
		job := new(hub).start(t, Throughput)
		job.Waiters, job.Topics = 0, 10
		if c := loaded(t, job).Callbacks; c.Told == 0 || c.Expected+c.Delivery.N != 0 {
			t.Errorf("%+v", *c)
		}
	})
}

func TestLatency(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) { complete(t, loaded(t, new(hub).start(t, Latency, ask)).Callbacks) })
}

// TestLossIsSeen loses a tenth.
func TestLossIsSeen(t *testing.T) {
	c := loaded(t, (&hub{drops: 10}).start(t, Latency, hubAsks[0])).Callbacks
	if tenth := c.Due / 10; c.Lost < tenth-1 || c.Lost > tenth+1 {
		t.Errorf("%d of %d lost", c.Lost, c.Due)
	}
}

// TestClosing posts to a server that closes the connection behind each answer.
func TestClosing(t *testing.T) {
	c := loaded(t, (&hub{closes: true}).start(t, Latency, hubAsks[0])).Callbacks
	complete(t, c)
}

func TestFanout(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) {
		job := new(hub).start(t, Fanout, ask)
		job.Steady, job.Fanouts, job.Rate = 10, 3, 2000
		r := loaded(t, job)
		if r.Fanout.Last.N != 3 || r.Fanout.Told != 3*60 || r.Fanout.Lost != 0 || r.Fanout.First.P50 > r.Fanout.Last.P50 {
			t.Errorf("%+v", *r.Fanout)
		}
		complete(t, r.Quiet)
		if r.Callbacks.Lost != 0 || r.Callbacks.Due >= r.Quiet.Due*2 {
			t.Errorf("meanwhile %+v", *r.Callbacks)
		}
	})
}

func TestComeback(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) {
		job := new(hub).start(t, Comeback, ask)
		job.Steady, job.Rate = 10, 2000
		r := loaded(t, job)
		if r.Return.Back != 60 || r.Return.Lost != 0 || r.Return.Time == 0 || r.Return.Retries != 0 {
			t.Errorf("%+v", *r.Return)
		}
		if r.Callbacks.Lost != 0 {
			t.Errorf("%+v", *r.Callbacks)
		}
	})
	t.Run("turned away", func(t *testing.T) {
		job := (&hub{refuses: 7}).start(t, Comeback, hubAsks[0])
		job.Steady = 10
		r, err := do(job, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		if missing := r.Connections.Requested - r.Connections.Established; r.Return.Retries == 0 || r.Return.Back+missing < 60 {
			t.Errorf("%d of 70 did not wait; then %+v", missing, *r.Return)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	each(t, func(t *testing.T, ask Ask) {
		r := loaded(t, new(hub).start(t, Heartbeats, ask))
		complete(t, r.Callbacks)
		sum := 0
		for _, n := range r.Beats.Buckets {
			sum += n
		}
		if least := r.Callbacks.Due / 2; len(r.Beats.Buckets) != 3 || sum != r.Beats.Count || sum < least {
			t.Errorf("%+v for %d callbacks", *r.Beats, r.Callbacks.Due)
		}
	})
}

func TestOutcomes(t *testing.T) {
	job := new(hub).start(t, Outcomes, hubAsks...)
	r := loaded(t, job)
	complete(t, r.Callbacks)
	if r.Outcomes.Told != 60 || r.Outcomes.Ended != 60 || r.Outcomes.Time == 0 || r.Memory == nil {
		t.Errorf("%+v", *r.Outcomes)
	}
}

func TestNobodyCouldWait(t *testing.T) {
	job := (&hub{refuses: 1}).start(t, Idle, hubAsks[0])
	if _, err := do(job, func(int) {}); err == nil || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("%v", err)
	}
}

func TestShards(t *testing.T) {
	job := new(hub).start(t, Idle, hubAsks[0])
	r, err := idleShards(job, 3, proc.Memory{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Connections; c.Established != 60 || c.Dropped != 0 || c.Requested != 60 {
		t.Errorf("%+v", c)
	}
}

func TestTLS(t *testing.T) {
	h := &hub{waiters: make(map[string]map[chan string]struct{})}
	s := httptest.NewTLSServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	each(t, func(t *testing.T, ask Ask) {
		job := h.job(s, Idle, ask)
		job.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		if r := loaded(t, job); r.Connections.Established != 60 {
			t.Errorf("%+v", r.Connections)
		}
	})
}

// TestProcess does a job as the process does.
func TestProcess(t *testing.T) {
	job, err := json.Marshal(new(hub).start(t, Idle, hubAsks[0]))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Main(bytes.NewReader(job), &out); err != nil {
		t.Fatal(err)
	}
	var connected Connected
	var r Result
	d := json.NewDecoder(&out)
	if err := d.Decode(&connected); err != nil || connected.Connected != 60 {
		t.Errorf("%+v, %v", connected, err)
	}
	if err := d.Decode(&r); err != nil || r.Memory == nil {
		t.Errorf("%+v, %v", r, err)
	}
	for _, in := range []string{"", "{}", `{"Mode":"idle","Addresses":["192.0.2.1:80"],"Waiters":1}`} {
		if err := Main(strings.NewReader(in), &out); err == nil {
			t.Errorf("%q is a job", in)
		}
	}
}
