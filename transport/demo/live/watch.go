package live

import (
	"net/http"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// Watch returns t with the Live told of each event that was written to a waiter.
func (l *Live) Watch(t transport.Transport) transport.Transport { return watched{t, l} }

type watched struct {
	transport.Transport
	live *Live
}

// Serve is the transport's.
func (t watched) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	n := &narrator{live: t.live, transport: t.Name()}
	t.Transport.Serve(w, r, wait.Watch(n.told))
	n.served()
}

// narrator says when a waiter's events were written. Those that a transport was given while it served the request are
// written when it returns: the answer is then complete, or the connection parked with all of it. From then on each is
// written as it is given.
type narrator struct {
	live      *Live
	transport string

	mu     sync.Mutex
	parked bool
	early  []*relay.Told
}

func (n *narrator) told(t *relay.Told) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.parked {
		n.early = append(n.early, t)
		return
	}
	n.live.told(n.transport, t, time.Now())
}

func (n *narrator) served() {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parked = true
	for _, t := range n.early {
		n.live.told(n.transport, t, now)
	}
	n.early = nil
}
