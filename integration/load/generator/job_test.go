//go:build linux

package generator

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	good := Job{
		Mode: Latency, Addresses: []string{"127.0.0.1:80"}, Waiters: 1, Ask: []Ask{{}}, Senders: 1, Rate: 1, Limit: time.Minute,
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Job){
		"127.0.0.0/8":  func(j *Job) { j.Addresses = []string{"127.0.0.1:80", "192.0.2.1:80"} },
		"[::1]":        func(j *Job) { j.Addresses = []string{"[::1]:80"} },
		"localhost":    func(j *Job) { j.Addresses = []string{"localhost:80"} },
		"addresses is": func(j *Job) { j.Addresses = nil },
		"Waiters is":   func(j *Job) { j.Waiters = maxWaiters + 1 },
		"Steady is":    func(j *Job) { j.Steady = -1 },
		"ways to wait": func(j *Job) { j.Ask = nil },
		"Limit is":     func(j *Job) { j.Limit = 0 },
		"Window is":    func(j *Job) { j.Window = time.Hour },
		"senders":      func(j *Job) { j.Senders = 0 },
		"a rate":       func(j *Job) { j.Rate = 0 },
		"both kinds":   func(j *Job) { j.Mode = Fanout },
		"TLS":          func(j *Job) { j.Certificate = []byte("x") },
	} {
		job := good
		change(&job)
		if err := job.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error about %s", err, want)
		}
	}
}

// TestSource holds that all waiters of the largest job have addresses on loopback, and few enough each.
func TestSource(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	count := make(map[netip.Addr]int)
	for i := 0; i < maxWaiters; i += perSource {
		a := source(i)
		if !loopback.Contains(a) || source(i+perSource-1) != a {
			t.Fatalf("waiter %d connects from %v, %d from %v", i, a, i+perSource-1, source(i+perSource-1))
		}
		count[a]++
	}
	if len(count) != maxWaiters/perSource || source(0).String() != "127.0.1.1" || source(199*perSource).String() != "127.0.1.200" {
		t.Errorf("%d addresses, %v, %v", len(count), source(0), source(199*perSource))
	}
}
