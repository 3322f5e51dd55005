package demo

import (
	"errors"
	"net/http"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/demo/line"
)

// linePath is where the line between page and server is: below it the server's paths of payments, itself for breaking it.
const linePath = "/demo/line"

// line answers POST /demo/line: it does something to the connections over which a payment is awaited.
func (s *Shop) line(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, []string{"payment", "do"})
	if !ok {
		return
	}
	if err := relay.CheckPayment(body["payment"]); err != nil {
		refuse(w, "invalid_payment", err.Error())
		return
	}
	connections, err := s.lines.Do(body["payment"], body["do"])
	switch {
	case errors.Is(err, line.ErrUnknown):
		refuse(w, "unknown_action", err.Error())
		return
	case err != nil:
		transport.NewProblem(http.StatusServiceUnavailable, "limit", err.Error()).Write(w)
		return
	}
	transport.WriteJSON(w, http.StatusOK, map[string]int{"connections": connections})
}
