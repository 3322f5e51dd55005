package front

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// exhausted reports whether err says that the process or the system is out of descriptors.
func exhausted(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// spared is which part of the idle connections is closed at once, so that they are not looked through for each descriptor.
const spared = 8

// freshTime is for how long nobody is closed who has come or was answered just now, and is about to ask.
const freshTime = pause

// spare closes connections without a request, those first that have been idle longest, and returns how many: a callback
// must find a descriptor however many clients keep one for nothing.
func (f *Front) spare() int {
	type idler struct {
		client *client
		since  time.Duration
	}
	var idle []idler
	fresh := f.now() - freshTime
	for _, c := range f.all() {
		// Who cannot be locked is busy, or is the caller's.
		if c.mu.TryLock() {
			if since := c.since(); c.idling() && since < fresh {
				idle = append(idle, idler{c, since})
			}
			c.mu.Unlock()
		}
	}
	slices.SortFunc(idle, func(a, b idler) int { return cmp.Compare(a.since, b.since) })
	closed, enough := 0, (len(idle)+spared-1)/spared
	for _, i := range idle {
		if closed == enough {
			break
		}
		if i.client.mu.TryLock() {
			if i.client.idling() && !i.client.pending() {
				i.client.close()
				closed++
			}
			i.client.mu.Unlock()
		}
	}
	return closed
}

// since returns since when the client has asked nothing.
func (c *client) since() time.Duration {
	if c.asked {
		return c.due - c.front.opts.IdleTime
	}
	return c.due - c.front.opts.RequestTime
}

// pending reports whether there is something to read, of which Ready will be told.
func (c *client) pending() bool {
	var b [1]byte
	n, _, _ := unix.Recvfrom(c.FD(), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT) // -1 for nothing
	return n > 0
}
