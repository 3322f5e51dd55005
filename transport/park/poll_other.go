//go:build !linux

package park

import "net"

// poller is what other systems do without: their connections have goroutines.
type poller struct{}

func (p *Park) watch(net.Conn, *Conn) link { return nil }

func (q *poller) conns() []*Conn { return nil }
func (q *poller) close()         {}
