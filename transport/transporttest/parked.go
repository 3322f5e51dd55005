package transporttest

import "github.com/tillbell/tillbell/transport/park"

// socket is the server's end of a pair: a park.Socket.
type socket struct{ end }

// Park has w told what the client does.
func (s *socket) Park(w park.Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watcher = &w
	if len(s.up.bytes) != 0 || s.up.shut {
		go s.pair.tell() // not from here, says park.Socket
	}
}

// Write waits for room like any other, until the socket is parked: then it writes what there is room for.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	if s.watcher == nil {
		s.mu.Unlock()
		return s.end.Write(b)
	}
	defer s.mu.Unlock()
	n, err := s.put(b)
	s.starved = s.starved || err == nil && n < len(b)
	return n, err
}

// tell tells the watcher what there is to tell, one thing after the other, until nothing is left or another goroutine
// is at it. It is called after whatever the client does, without mu.
func (p *pair) tell() {
	for {
		p.mu.Lock()
		say := p.next()
		p.mu.Unlock()
		if say == nil {
			return
		}
		say()
		p.mu.Lock()
		p.telling = false
		p.mu.Unlock()
	}
}

// next returns what the watcher is to be told next, nil if it is nobody's turn.
func (p *pair) next() func() {
	w := p.watcher
	if w == nil || p.telling {
		return nil
	}
	var say func()
	switch {
	case p.up.deaf: // the server has closed
		return nil
	case p.starved && (p.down.deaf || len(p.down.bytes) < p.down.room):
		p.starved, say = false, w.Writable
	case len(p.up.bytes) != 0:
		b := p.up.bytes
		p.up.bytes, say = nil, func() { w.Received(b) }
		p.changed.Broadcast()
	case p.up.shut && !p.hungUp:
		p.hungUp, say = true, w.HungUp
	}
	p.telling = say != nil
	return say
}
