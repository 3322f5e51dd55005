package transport

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tillbell/tillbell/relay"
)

// maxEventID bounds the merchant's event ids, in bytes.
const maxEventID = 256

func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	o, p := readObject(w, r, "id", "status", "final", "amount", "currency", "time")
	if p != nil {
		p.Write(w)
		return
	}
	e, err := o.event(r.PathValue("payment"))
	if err != nil {
		NewProblem(http.StatusBadRequest, "bad_request", err.Error()).Write(w)
		return
	}
	// A merchant that hangs up meanwhile must not leave it open whether the event was stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), engineTime)
	defer cancel()
	receipt, err := s.relay.Publish(ctx, e)
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	if receipt.Conflict != "" && !receipt.Duplicate {
		s.conflict(e.Payment, receipt.Position, receipt.Conflict)
	}
	status := http.StatusCreated
	if receipt.Duplicate {
		status = http.StatusOK
	}
	WriteJSON(w, status, map[string]any{
		"duplicate": receipt.Duplicate, "applied": receipt.Applied, "position": receipt.Position.String(),
	})
}

// conflict counts and logs that something the merchant sent contradicts what the log holds.
func (s *Server) conflict(payment string, at relay.Position, reason string) {
	s.opts.Metrics.Conflict(relay.Merchant)
	s.log.Warn("conflict", "source", relay.Merchant, "payment", payment, "position", at.String(), "reason", reason)
}

// event reads what the merchant publishes. Paid, closed and refunded are final and failed is not, unless final says
// otherwise where the status leaves a choice.
func (o object) event(payment string) (relay.Event, error) {
	e := relay.Event{Source: relay.Merchant, Payment: payment}
	id, err := o.text("id")
	if err == nil && (id == "" || len(id) > maxEventID) {
		err = fmt.Errorf("id must be 1 to %d bytes, the same whenever this event is published again", maxEventID)
	}
	if err != nil {
		return e, err
	}
	e.ID = relay.Merchant + ":" + payment + ":" + id
	status, err := o.text("status")
	if err != nil {
		return e, err
	}
	e.Status = relay.Status(status)
	if !e.Status.Valid() {
		return e, fmt.Errorf("status must be pending, failed, closed, paid, refunded or refund_failed, not %s", strconv.Quote(status))
	}
	e.Final = e.Status != relay.Pending && e.Status != relay.Failed
	final, given, err := o.boolean("final")
	if err != nil {
		return e, err
	}
	if given && final != e.Final {
		if e.Status != relay.Failed && e.Status != relay.Closed {
			return e, fmt.Errorf("final cannot be %t for the status %s", final, e.Status)
		}
		e.Final = final
	}
	if e.Amount, e.Currency, err = o.money(); err != nil {
		return e, err
	}
	e.Time, err = o.time("time")
	return e, err
}
