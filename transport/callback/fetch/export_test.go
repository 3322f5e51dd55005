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
