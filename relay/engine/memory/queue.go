package memory

import "time"

// queue is the order of the whole log: where the entry of each sequence from first to below next is kept. It is made
// of blocks, so that an append copies nothing, however long the log is, and what expires is given back.
type queue struct {
	first, next uint64
	blocks      [][]place
	gone        int // places of the first block that are popped
}

// place is where one entry of the log is kept.
type place struct {
	thread *thread
	age    time.Duration // of the engine at the append, by the monotonic clock
}

// blockLen is how many places a block has: 64 KiB of them.
const blockLen = 4096

func (q *queue) empty() bool { return q.first == q.next }

// at returns the place of the sequence, which must be in the queue.
func (q *queue) at(seq uint64) *place {
	i := q.gone + int(seq-q.first)
	return &q.blocks[i/blockLen][i%blockLen]
}

func (q *queue) push(p place) {
	if n := len(q.blocks); n == 0 || len(q.blocks[n-1]) == blockLen {
		q.blocks = append(q.blocks, make([]place, 0, blockLen))
	}
	last := len(q.blocks) - 1
	q.blocks[last] = append(q.blocks[last], p)
	q.next++
}

// pop takes the oldest place out of the queue, which must not be empty.
func (q *queue) pop() place {
	p := q.at(q.first)
	out := *p
	*p = place{}
	q.first++
	if q.gone++; q.gone == blockLen {
		q.blocks[0] = nil
		q.blocks, q.gone = q.blocks[1:], 0
	}
	return out
}
