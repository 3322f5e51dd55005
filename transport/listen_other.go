//go:build !linux

package transport

import "net"

// listenConfig leaves keep-alive to Go's defaults, which are set on each connection.
func listenConfig() *net.ListenConfig { return new(net.ListenConfig) }
