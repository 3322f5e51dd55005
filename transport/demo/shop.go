package demo

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/wire"
)

const (
	// price of everything in the shop, in the source's currency.
	price relay.Amount = "129.00"
	// orderTime is how long an order can be paid, unless the page chooses less, and shortest the least of that.
	orderTime = 15 * time.Minute
	shortest  = 30 * time.Second
	// ticketMargin is how much longer its ticket lives, so that the page is still told of a payment in the last second.
	ticketMargin = 2 * time.Minute
	// storeTime bounds how long an order waits for the engine.
	storeTime = 5 * time.Second
)

// counter is a source with what can be simulated for it.
type counter struct {
	Source
	// Actions are the statuses that its provider calls back with, Faults those of fault.Names that it has.
	Actions []string
	Faults  []string
}

func (s *Shop) counter(name string) (counter, bool) {
	for _, c := range s.counters {
		if c.Name == name {
			return c, true
		}
	}
	return counter{}, false
}

// order is what the page gets to show, and to wait with.
type order struct {
	Payment   string       `json:"payment"`
	Ticket    string       `json:"ticket"`
	Amount    relay.Amount `json:"amount"`
	Currency  string       `json:"currency"`
	Source    string       `json:"source"`
	QR        string       `json:"qr"` // an SVG element
	ExpiresAt string       `json:"expires_at"`
}

// order answers POST /demo/orders: it registers a payment that the source alone can complete, with its amount alone.
func (s *Shop) order(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, []string{"source"}, "expires_in")
	if !ok {
		return
	}
	lasts := orderTime
	if text, chosen := body["expires_in"]; chosen {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil || lasts < shortest || lasts > orderTime {
			refuse(w, "bad_request", "expires_in must be from 30s to 15m")
			return
		}
	}
	c, ok := s.counter(body["source"])
	if !ok {
		refuse(w, "unknown_source", "the shop has no such source")
		return
	}
	o, err := s.register(r.Context(), c, lasts)
	if err != nil {
		s.opts.Log.Error("demo order", "source", c.Name, "error", err)
		transport.NewProblem(http.StatusServiceUnavailable, "unavailable", "the order could not be made; try again").Write(w)
		return
	}
	transport.WriteJSON(w, http.StatusCreated, o)
}

func (s *Shop) register(ctx context.Context, c counter, lasts time.Duration) (order, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	now := time.Now()
	expires := now.Add(lasts).Truncate(time.Second)
	o := order{
		Payment: newID(), Amount: price, Currency: c.Currency, Source: c.Name, ExpiresAt: wire.Time(expires),
	}
	g := relay.Registration{Payment: o.Payment, Source: c.Name, Amount: price, Currency: c.Currency}
	if _, _, err := s.opts.Relay.Register(ctx, g); err != nil {
		return o, err
	}
	var err error
	if o.Ticket, err = s.opts.Tickets.Mint(o.Payment, expires.Add(ticketMargin), now); err != nil {
		return o, err
	}
	// The host exists nowhere (RFC 2606): a phone that scans the code pays nobody.
	o.QR, err = drawQR("https://pay.shop.example/" + url.PathEscape(c.Name) + "/" + o.Payment)
	return o, err
}

// newID returns an order id that is short enough to be read aloud: the random node of a UUID has 48 bits.
func newID() string { return "order-" + uuid.NewString()[24:] }
