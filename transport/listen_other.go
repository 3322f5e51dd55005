//go:build !linux

package transport

import "net"

// listenConfig leaves keep-alive to Go's defaults, which are set on each connection.
func listenConfig() *net.ListenConfig { return new(net.ListenConfig) }

// open lets connections in from ln.
func (s *Server) open(ln net.Listener) inlet { return plain{polite{ln}} }
