package client

import (
	"sync"
	"time"
)

// What is remembered of servers: of how many, and for how long, because networks change.
const (
	memorySize = 64
	memoryTime = time.Hour
)

// proofs is what the waits of this process have learned about servers.
var proofs = memory{places: make(map[string]place)}

// memory keeps, for each server, the transport that has proven itself last. Any goroutine may use it.
type memory struct {
	mu     sync.Mutex
	places map[string]place // by base URL
}

type place struct {
	transport string
	at        time.Time
}

// recall returns the transport that has proven itself last, or "".
func (m *memory) recall(server string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.places[server]
	if time.Since(p.at) > memoryTime {
		return ""
	}
	return p.transport
}

// keep notes that the transport has proven itself. Of too many servers another one is forgotten, which was noted first.
func (m *memory) keep(server, transport string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.places[server] = place{transport, time.Now()}
	if len(m.places) <= memorySize {
		return
	}
	oldest := ""
	for name, p := range m.places {
		if name != server && (oldest == "" || p.at.Before(m.places[oldest].at)) {
			oldest = name
		}
	}
	delete(m.places, oldest)
}
