package transport

import (
	"context"
	"net/http"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/ticket"
	"github.com/tillbell/tillbell/transport/wire"
)

// merchant lets requests with an API key through and answers 401 to all others.
func (s *Server) merchant(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.access.Load().apiKey(r) {
			detail := "an API key is needed, as Authorization: Bearer KEY"
			if _, given := bearer(r); given {
				detail = "this is not one of the API keys"
			}
			NewProblem(http.StatusUnauthorized, "unauthorized", detail).Write(w)
			return
		}
		if payment := r.PathValue("payment"); payment != "" {
			if err := relay.CheckPayment(payment); err != nil {
				NewProblem(http.StatusBadRequest, "invalid_payment", err.Error()).Write(w)
				return
			}
		}
		h(w, r)
	}
}

// servePayment is the one path that waiters and merchants share. Only what waiters do there has CORS.
func (s *Server) servePayment(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		s.merchant(s.register)(w, r)
		return
	}
	s.cors(allow(s.snapshot, "GET", "PUT", "OPTIONS"))(w, r)
}

// payment is what a merchant sees of a payment beyond the snapshot.
type payment struct {
	wire.Snapshot
	Events    []wire.Item     `json:"events"`
	Conflicts []wire.Conflict `json:"conflicts"`
}

func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	access := s.access.Load()
	if access.apiKey(r) {
		s.merchant(s.inspect)(w, r)
		return
	}
	claims, ok := s.checkTicket(w, r, access, ticket.Sources{Cookie: access.cookies(r)}, false)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), engineTime)
	defer cancel()
	state, _, err := s.relay.History(ctx, claims.Payment)
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	WriteJSON(w, http.StatusOK, wire.NewSnapshot(state))
}

func (s *Server) inspect(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), engineTime)
	defer cancel()
	state, records, err := s.relay.History(ctx, r.PathValue("payment"))
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	if !state.Known() {
		NewProblem(http.StatusNotFound, "unknown_payment", "nothing is known of this payment").Write(w)
		return
	}
	WriteJSON(w, http.StatusOK, inspection(state, records))
}

// inspection lists each event once, where it stands in the log; it may have been applied there or by a registration that
// released it.
func inspection(state relay.State, records []relay.Record) payment {
	applied := make(map[string]bool)
	for _, rec := range records {
		for _, t := range rec.Told {
			applied[t.Event.ID] = true
		}
	}
	p := payment{Snapshot: wire.NewSnapshot(state), Events: []wire.Item{}, Conflicts: []wire.Conflict{}}
	for _, rec := range records {
		if id := rec.Event.ID; rec.Event.Status != relay.Registered {
			p.Events = append(p.Events, wire.Item{Position: rec.Position.String(), Applied: applied[id], Event: wire.NewEvent(rec.Event)})
		}
		for _, c := range rec.Conflicts {
			p.Conflicts = append(p.Conflicts, wire.Conflict{Position: c.Position.String(), Reason: c.Reason, Event: wire.NewEvent(c.Event)})
		}
	}
	return p
}

// unavailable answers a request that the engine could not serve.
func (s *Server) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil { // the client is gone, which is what the engine was told
		return
	}
	s.log.Error("request", "method", r.Method, "route", r.Pattern, "error", err)
	p := NewProblem(http.StatusServiceUnavailable, "unavailable", "the engine could not serve this; try again")
	p.retryAfter = Jitter()
	p.Write(w)
}
