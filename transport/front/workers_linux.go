package front

import "sync"

// workers run handlers, which may block on the engine. Those that have nothing to do are kept, for their stacks have
// grown already.
type workers struct {
	front *Front

	mu      sync.Mutex
	idle    []chan *exchange
	stopped bool
	running sync.WaitGroup
}

// maxIdle is how many workers are kept.
const maxIdle = 64

// serve has x answered. It does not block.
func (w *workers) serve(x *exchange) {
	w.mu.Lock()
	if n := len(w.idle); n != 0 {
		ch := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		ch <- x // has room
		return
	}
	w.running.Add(1)
	w.mu.Unlock()
	go w.work(x)
}

func (w *workers) work(x *exchange) {
	defer w.running.Done()
	room := make([]byte, 4<<10)
	ch := make(chan *exchange, 1)
	for ; x != nil; x = <-ch {
		for x != nil {
			x = w.answer(x, room)
		}
		if !w.rest(ch) {
			return
		}
	}
}

// answer answers x, and returns what the same client has asked meanwhile.
func (w *workers) answer(x *exchange, room []byte) (next *exchange) {
	c := x.client
	switch ok := w.front.handle(x); {
	case x.taken:
	case ok:
		next = c.answered(x, room)
	default:
		c.drop()
	}
	w.front.giveBack(x)
	return next
}

// rest adds the worker to those that have nothing to do, and reports whether it is wanted.
func (w *workers) rest(ch chan *exchange) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || len(w.idle) == maxIdle {
		return false
	}
	w.idle = append(w.idle, ch)
	return true
}

// stop ends all workers, those that are at work when they are done.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	for _, ch := range w.idle {
		close(ch)
	}
	w.idle = nil
	w.mu.Unlock()
}
