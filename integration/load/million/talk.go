//go:build linux

package main

import (
	"os"
	"sync"
)

// talk is what a client needs while it asks and is answered. One serves many clients, one after the other.
type talk struct {
	done chan struct{} // has one when the client waits; may be nil

	mu      sync.Mutex
	wake    sync.Cond
	request []byte // what the server has not read yet
	stopped bool   // reads fail

	held []byte // of a head, a frame or a block of which the rest is still to come
}

func newTalk() *talk {
	t := &talk{done: make(chan struct{}, 1)}
	t.wake.L = &t.mu
	return t
}

// begin makes t the next client's.
func (t *talk) begin(request []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.request, t.stopped, t.held = request, false, t.held[:0]
}

// read waits for a request when there is nothing of one left, which is until it is interrupted.
func (t *talk) read(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.request) == 0 && !t.stopped {
		t.wake.Wait()
	}
	if t.stopped {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, t.request)
	t.request = t.request[n:]
	return n, nil
}

// interrupt makes reads fail, or not any more.
func (t *talk) interrupt(stop bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = stop
	if stop {
		t.wake.Broadcast()
	}
}
