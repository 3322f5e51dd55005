package fetch

import (
	"context"
	"net"
	"net/http"
)

// DialWith has the client reach a server over connections of dial.
func (c *Client) DialWith(dial func(context.Context, string, string) (net.Conn, error)) {
	c.http.Transport.(*http.Transport).DialContext = dial
}

// CloseIdle closes the connections that are kept.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// Flights is how many paths are remembered.
func (c *Client) Flights() int {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	return len(c.share.latest)
}
