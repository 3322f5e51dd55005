package park_test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay"
)

// TestUnreadWithFIN has a client that sends its last bytes and its FIN in one segment, when it was told the end but has
// not read it: that must not be reset.
func TestUnreadWithFIN(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if k.bubble || k.name == "tls" {
			t.Skip("it has no segments")
		}
		for range 5 {
			y := newYard(t, k, options{reads: reads})
			c, _ := y.open(t, "p", "")
			y.publish(t, "p", "one", relay.Paid)
			y.ended(t, relay.ErrDone)
			const end = "event one\nend done\n"
			if _, err := c.r.Peek(len(end)); err != nil { // it is there, but the client has not looked
				t.Fatal(err)
			}
			cork(t, c)
			if _, err := io.WriteString(c, strings.Repeat("x", 100)); err != nil {
				t.Fatal(err)
			}
			c.closeWrite()
			if err := y.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(c.r); errors.Is(err, syscall.ECONNRESET) || string(rest) != end {
				t.Fatalf("%q, %v", rest, err)
			}
		}
	})
}

// cork keeps what is written until the client's side is shut.
func cork(t *testing.T, c *client) {
	t.Helper()
	control(t, c.tcp(), func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_CORK, 1) })
}
