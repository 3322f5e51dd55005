package relay

import "sync"

// limits counts subscriptions: all of them, and those of each address if that is bounded.
type limits struct {
	mu        sync.Mutex
	waiters   int
	addresses map[string]int
}

func (l *limits) admit(address string, o Options) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.MaxWaiters > 0 && l.waiters >= o.MaxWaiters {
		return ErrFull
	}
	if o.MaxPerAddress > 0 {
		if l.addresses[address] >= o.MaxPerAddress {
			return ErrCrowded
		}
		l.addresses[address]++
	}
	l.waiters++
	return nil
}

func (l *limits) leave(address string, o Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters--
	if o.MaxPerAddress > 0 {
		if l.addresses[address]--; l.addresses[address] == 0 {
			delete(l.addresses, address)
		}
	}
}

func (l *limits) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiters
}
