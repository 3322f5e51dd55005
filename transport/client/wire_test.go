package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/client/wiretest"
	"github.com/tillbell/tillbell/transport/wire"
)

// fixtures is the folder that the clients share.
const fixtures = "testdata/wire"

// TestWire plays every fixture. The connections are in memory, and the time is the bubble's.
func TestWire(t *testing.T) {
	all, err := wiretest.Load(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Fatalf("%d fixtures", len(all))
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playWire(t, f) })
		})
	}
}

func playWire(t *testing.T, f wiretest.Fixture) {
	server := wiretest.NewServer(f)
	web := serve(t, server)
	var states, events []string
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	out, err := client.Await(ctx, client.Options{
		URL: fmt.Sprintf("http://wire-%d.example", servers.Add(1)), Payment: f.Payment, Ticket: wiretest.Ticket, HTTP: web,
		OnState: func(s wire.Snapshot) { states = append(states, reads(s)) },
		OnEvent: func(e wire.Event) { events = append(events, string(e.Data.Status)) },
	})
	took := time.Since(began)
	t.Logf("asked %v in %v", server.Asked(), took)
	for _, wrong := range server.Wrong() {
		t.Error(wrong)
	}
	c := f.Client
	if took < time.Duration(c.Least) || took > time.Duration(c.Within) {
		t.Errorf("it took %v, want %v to %v", took, time.Duration(c.Least), time.Duration(c.Within))
	}
	if states = slices.Compact(states); !slices.Equal(states, c.States) {
		t.Errorf("states %q, want %q", states, c.States)
	}
	if !slices.Equal(events, c.Events) {
		t.Errorf("events %q, want %q", events, c.Events)
	}
	if c.Error != "" {
		if !errors.Is(err, client.ErrUnauthorized) {
			t.Errorf("Await: %v, want %s", err, c.Error)
		}
		return
	}
	if err != nil || out.Code != c.Code {
		t.Fatalf("Await: %+v, %v; want %s", out, err, c.Code)
	}
	var got map[string]any
	if err := json.Unmarshal(wire.Marshal(out.Snapshot), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range c.Outcome {
		if got[name] != want {
			t.Errorf("the outcome's %s is %v, want %v", name, got[name], want)
		}
	}
}

// reads returns how a fixture writes a state.
func reads(s wire.Snapshot) string {
	if s.Conflict {
		return string(s.Status) + " conflict"
	}
	return string(s.Status)
}

// serve returns a client that reaches nothing but the handler, in memory.
func serve(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	here := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	web := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(here)
	}()
	t.Cleanup(func() {
		_ = web.Close()
		<-done
	})
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return here.dial(ctx) },
	}}
}
