package yield_test

import (
	"net"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay/yield"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestYield has a goroutine that always has something to do, and another one that waits for the network, on one
// processor. The second gets its turn as soon as its bytes are there.
func TestYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	var p yield.Point
	defer p.Close()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_, _ = server.Read(make([]byte, 1))
	}()
	p.Yield() // the reader waits
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	const many = 1000 // the system may take its time, but not that many turns
	for range many {
		p.Yield()
		select {
		case <-heard:
			return
		default:
		}
	}
	t.Errorf("who waits for the network did not run in %d turns", many)
}

func BenchmarkYield(b *testing.B) {
	var p yield.Point
	defer p.Close()
	for b.Loop() {
		p.Yield()
	}
}
