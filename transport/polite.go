package transport

import (
	"net"
	"runtime"
)

// polite is a listener that lets others run before each connection. When thousands come back at once it would accept for
// as long as the scheduler lets it, and callbacks would stand behind all of them.
type polite struct{ net.Listener }

func (l polite) Accept() (net.Conn, error) {
	runtime.Gosched()
	return l.Listener.Accept()
}
