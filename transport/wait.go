package transport

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/ticket"
)

// own stands in a path for the payment of the ticket, for proxies that break %2F.
const own = "~"

// wait checks the request for a wait and hands it to the transport.
func (s *Server) wait(t Transport) http.HandlerFunc {
	streams := ticket.Sources{Query: t.Name() == "sse"}
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Has(ticket.QueryName) { // here or not, it must not travel on in a Referer
			w.Header().Set("Referrer-Policy", "no-referrer")
		}
		access := s.access.Load()
		if t.Name() == "ws" && !access.ownOrigin(r) {
			NewProblem(http.StatusForbidden, "forbidden_origin",
				"this Origin may not open WebSockets here; add it to cors.origins").Write(w)
			return
		}
		sources := streams
		sources.Cookie = access.cookies(r)
		claims, ok := s.checkTicket(w, r, access, sources, true)
		if !ok || refuseBody(w, r) {
			return
		}
		until, err := s.until(query.Get("ttl"), claims)
		if err != nil {
			NewProblem(http.StatusBadRequest, "bad_request", err.Error()).Write(w)
			return
		}
		t.Serve(w, r, s.newWait(t.Name(), relay.Request{
			Payment: claims.Payment,
			Until:   until,
			Address: clientAddress(r, s.opts.TrustedProxies),
		}, cursor(r, query)))
	}
}

// cursor returns what the client says it has had. Two Last-Event-ID headers are unreadable, and count as none.
func cursor(r *http.Request, query url.Values) string {
	ids := r.Header.Values("Last-Event-ID")
	if len(ids) > 1 {
		return ""
	}
	return cmp.Or(strings.Join(ids, ""), query.Get("after"))
}

// checkTicket returns the claims of the request's ticket, which must be for the path's payment, or answers 401.
func (s *Server) checkTicket(w http.ResponseWriter, r *http.Request, a *Access, from ticket.Sources, mayOwn bool) (ticket.Claims, bool) {
	refuse := func(detail string) (ticket.Claims, bool) {
		NewProblem(http.StatusUnauthorized, "unauthorized", detail).Write(w)
		return ticket.Claims{}, false
	}
	token, _, ok := ticket.FromRequest(r, from)
	if !ok {
		detail := "a ticket for this payment is needed, as Authorization: Bearer TICKET"
		if from.Query {
			detail += " or ?" + ticket.QueryName + "=TICKET"
		}
		return refuse(detail)
	}
	claims, err := a.tickets.Verify(token, time.Now())
	if err != nil {
		s.log.Debug("ticket refused", "reason", err)
		return refuse("the ticket is not valid, or not any more")
	}
	if payment := r.PathValue("payment"); payment != claims.Payment && !(mayOwn && payment == own) {
		return refuse("the ticket is for another payment")
	}
	return claims, true
}

// until returns when the wait ends: with the ticket, after ttl if there is one, or after MaxTTL.
func (s *Server) until(ttlText string, c ticket.Claims) (time.Time, error) {
	now := time.Now()
	until := now.Add(s.opts.MaxTTL)
	if ttlText != "" {
		ttl, err := time.ParseDuration(ttlText)
		if err != nil || ttl < 0 {
			return time.Time{}, fmt.Errorf("ttl must be a duration such as 90s or 15m")
		}
		if ttl < s.opts.MaxTTL {
			until = now.Add(ttl)
		}
	}
	if c.Expires.Before(until) {
		until = c.Expires
	}
	return until, nil
}
