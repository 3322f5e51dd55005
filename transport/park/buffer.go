package park

import (
	"sync"

	"github.com/tillbell/tillbell/relay"
)

// buffer is lent to connections that write: an idle one holds none.
type buffer struct {
	bytes []byte
	off   int // what lies before was written
	added int // of the rest, bytes that were added while the client had to take others first
}

const (
	bufferSize = 4 << 10
	// maxPooled bounds what a single large frame may leave in the pool.
	maxPooled = 64 << 10
)

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, bufferSize)} }}

func lend() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) rest() []byte { return b.bytes[b.off:] }

// advance says that n bytes of the rest were written.
func (b *buffer) advance(n int) {
	b.off += n
	rest := b.rest()
	b.added = min(b.added, len(rest))
	if b.off > bufferSize && b.off > len(rest) { // or a client that takes all the time, slowly, would have it grow
		b.bytes, b.off = b.bytes[:copy(b.bytes, rest)], 0
	}
}

// giveBack may be called on nil.
func (b *buffer) giveBack() {
	if b == nil || cap(b.bytes) > maxPooled {
		return
	}
	*b = buffer{bytes: b.bytes[:0]}
	buffers.Put(b)
}

// recent remembers the frame of the event that was told last, if to more than one client: it is made once for all.
type recent struct {
	codec Codec

	mu    sync.Mutex
	at    relay.Position
	id    string // the event's, which at may not tell alone: what a registration released is counted anew
	frame []byte // nil while only one client was told
}

// event returns t's frame, and its buffer if it is nobody else's.
func (r *recent) event(t *relay.Told) ([]byte, *buffer) {
	r.mu.Lock()
	if r.at == t.Position && r.id == t.Event.ID {
		defer r.mu.Unlock()
		if r.frame == nil {
			r.frame = r.codec.AppendEvent(nil, t)
		}
		return r.frame, nil
	}
	r.at, r.id, r.frame = t.Position, t.Event.ID, nil
	r.mu.Unlock()
	b := lend()
	b.bytes = r.codec.AppendEvent(b.bytes, t)
	return b.bytes, b
}
