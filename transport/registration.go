package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// registered answers a registration.
type registered struct {
	wire.Snapshot
	Ticket    string            `json:"ticket,omitempty"` // absent without tickets.secret: the merchant mints its own
	ExpiresAt string            `json:"expires_at"`
	URLs      map[string]string `json:"urls"`
}

// ticketMargin is how much longer a minted ticket lives than its payment, so that the page can still be told how it
// ended.
const ticketMargin = 2 * time.Minute

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	g, expires, problem := s.readRegistration(w, r)
	if problem != nil {
		problem.Write(w)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), engineTime)
	defer cancel()
	state, first, err := s.relay.Register(ctx, g)
	switch {
	case errors.Is(err, relay.ErrRegistered):
		NewProblem(http.StatusConflict, "registered_differently",
			"this payment is registered with another amount, currency or source; nothing was changed").Write(w)
		return
	case errors.Is(err, relay.ErrPaidOtherwise):
		s.conflict(g.Payment, state.Position, err.Error())
		NewProblem(http.StatusConflict, "paid_differently",
			"this payment was paid with another amount or currency, or from another source; the registration is stored and the payment marked").Write(w)
		return
	case err != nil:
		s.unavailable(w, r, err)
		return
	}
	if first && state.Contradicted.Seq == state.Position.Seq { // by what the registration released, or what came before
		s.conflict(g.Payment, state.Contradicted, "registered after it")
	}
	now := time.Now()
	life := expires.Add(ticketMargin)
	if expires.IsZero() {
		expires = now.Add(s.opts.TicketTTL).Truncate(time.Second)
		life = expires
	}
	out := registered{Snapshot: wire.NewSnapshot(state), ExpiresAt: wire.Time(expires), URLs: s.urls(g.Payment)}
	if tickets := s.access.Load().tickets; tickets.CanMint() {
		if out.Ticket, err = tickets.Mint(g.Payment, life, now); err != nil {
			s.unavailable(w, r, err)
			return
		}
	}
	status := http.StatusOK
	if first {
		status = http.StatusCreated
	}
	WriteJSON(w, status, out)
}

func (s *Server) readRegistration(w http.ResponseWriter, r *http.Request) (g relay.Registration, expires time.Time, p *Problem) {
	o, p := readObject(w, r, "source", "amount", "currency", "expires_at", "expires_in")
	if p != nil {
		return g, expires, p
	}
	g.Payment = r.PathValue("payment")
	var errs [3]error
	g.Source, errs[0] = o.text("source")
	g.Amount, g.Currency, errs[1] = o.money()
	expires, errs[2] = o.expiry(time.Now(), s.opts.Retention)
	err := errors.Join(errs[:]...)
	if err == nil && g.Source != "" && g.Source != relay.Merchant && !s.opts.KnowsSource(g.Source) {
		err = s.unknownSource(g.Source)
	}
	if err != nil {
		problem := NewProblem(http.StatusBadRequest, "bad_request", strings.ReplaceAll(err.Error(), "\n", "; "))
		p = &problem
	}
	return g, expires, p
}

// unknownSource says which sources there are. Who asks holds an API key.
func (s *Server) unknownSource(name string) error {
	if s.opts.SourceNames == nil {
		return fmt.Errorf("source %.64q is not configured", name)
	}
	names := cmp.Or(strings.Join(s.opts.SourceNames(), ", "), "none")
	return fmt.Errorf("source %.64q is not configured; there are: %s", name, names)
}

// expiry returns when the payment expires by expires_at or expires_in; zero if neither is there. expires_in is a
// duration such as "15m", or a number of seconds.
func (o object) expiry(now time.Time, longest time.Duration) (time.Time, error) {
	at, err := o.time("expires_at")
	if err != nil {
		return at, err
	}
	if raw, ok := o["expires_in"]; ok {
		if !at.IsZero() {
			return at, errors.New("expires_at and expires_in exclude each other")
		}
		text := string(raw)
		if text[0] == '"' {
			text, _ = o.text("expires_in")
		} else {
			text += "s"
		}
		in, err := time.ParseDuration(text)
		if err != nil {
			return at, errors.New(`expires_in must be a duration such as "15m", or a number of seconds`)
		}
		at = now.Add(in).Truncate(time.Second)
	}
	switch {
	case at.IsZero():
	case !at.After(now):
		return at, errors.New("the payment's expiry lies in the past")
	case at.Sub(now) > longest:
		return at, fmt.Errorf("the payment's expiry is more than %s away, which is how long registrations are kept (retention)", longest)
	}
	return at, nil
}

// urls returns where the payment is awaited. They never hold a ticket.
func (s *Server) urls(id string) map[string]string {
	urls := make(map[string]string)
	for _, t := range s.opts.Transports {
		u := s.opts.PublicURL + "/v1/payments/" + url.PathEscape(id) + "/" + t.Name()
		if t.Name() == "ws" && strings.HasPrefix(u, "http") {
			u = "ws" + strings.TrimPrefix(u, "http")
		}
		urls[t.Name()] = u
	}
	return urls
}
