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
	// orderTime is how long an order can be paid.
	orderTime = 15 * time.Minute
	// ticketMargin is how much longer its ticket lives, so that the page is still told of a payment in the last second.
	ticketMargin = 2 * time.Minute
	// storeTime bounds how long an order waits for the engine.
	storeTime = 5 * time.Second
)

// shop has the orders' and the simulation's routes. It keeps nothing: the relay knows the orders.
type shop struct {
	opts     Options
	counters []counter
}

// counter is a source with what can be simulated for it.
type counter struct {
	Source
	Actions []string
}

func (s *shop) counter(name string) (counter, bool) {
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
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, "source")
	if !ok {
		return
	}
	c, ok := s.counter(body["source"])
	if !ok {
		refuse(w, "unknown_source", "the shop has no such source")
		return
	}
	o, err := s.register(r.Context(), c)
	if err != nil {
		s.opts.Log.Error("demo order", "source", c.Name, "error", err)
		transport.NewProblem(http.StatusServiceUnavailable, "unavailable", "the order could not be made; try again").Write(w)
		return
	}
	transport.WriteJSON(w, http.StatusCreated, o)
}

func (s *shop) register(ctx context.Context, c counter) (order, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	now := time.Now()
	expires := now.Add(orderTime).Truncate(time.Second)
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
