//go:build !linux

package park

import "net/http"

// poller is what other systems do without: their connections have goroutines.
type poller struct{}

type watched struct{}

func takeWatched(http.ResponseWriter) (Connection, bool) { return Connection{}, false }

func (p *Park) watch(Connection, *Conn) link { return nil }

// Close does nothing, for there is none.
func (q *poller) Close() {}
