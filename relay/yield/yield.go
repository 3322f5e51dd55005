// Package yield lets others run, those included that wait for the network.
//
// A goroutine with much to do that calls runtime.Gosched now and then lets those run that are ready. But whose bytes have
// arrived is not ready before the scheduler has asked the system, and it asks when it finds nothing else to run, or every
// 10 ms: a goroutine that yields is something to run. Here the caller waits for the network itself, for a byte of its own,
// so that the scheduler asks, and finds everybody whose turn it is.
package yield

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// Point is where one goroutine at a time yields. The zero Point works; Close releases it.
type Point struct {
	opened bool
	again  time.Time // until when only those run that are ready
	r, w   *os.File  // nil if there is no pipe to be had
	raw    syscall.RawConn
}

// Waiting for the network costs some microseconds, but as long as somebody is always ready the scheduler asks the system
// every 10 ms only. So after a wait of more than long, the next is not before patience times as much has passed: no more
// than some 5 % of the caller's time goes into it, and who is ready runs all the same.
const (
	long     = time.Millisecond
	patience = 20
)

// Yield lets others run.
func (p *Point) Yield() {
	if !p.opened {
		p.open()
	}
	begin := time.Now()
	if p.r == nil || begin.Before(p.again) || !p.pass() {
		runtime.Gosched()
		return
	}
	if took := time.Since(begin); took > long {
		p.again = begin.Add(patience * took)
	}
}

func (p *Point) open() {
	p.opened = true
	r, w, err := os.Pipe()
	if err != nil { // out of descriptors
		return
	}
	if p.raw, err = r.SyscallConn(); err != nil {
		_, _ = r.Close(), w.Close() // of no use
		return
	}
	p.r, p.w = r, w
}

// pass sends a byte through the pipe. It is written only when the runtime has been told to wait for it.
func (p *Point) pass() bool {
	var b [1]byte
	sent := false
	err := p.raw.Read(func(uintptr) bool {
		if sent {
			return true
		}
		sent = true
		_, err := p.w.Write(b[:])
		return err != nil
	})
	if err != nil {
		return false
	}
	_, err = p.r.Read(b[:])
	return err == nil
}

// Close releases the Point. Yield must not be called any more.
func (p *Point) Close() {
	if p.r != nil {
		_, _ = p.r.Close(), p.w.Close() // cannot fail: they are open
	}
}
