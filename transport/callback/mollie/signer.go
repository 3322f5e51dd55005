package mollie

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/fetch/simulator"
)

// Signer posts webhooks as Mollie does. It may be used from many goroutines.
type Signer struct {
	options Options
	secret  *callback.Secret // nil: classic
}

var _ fetch.Announcer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's secrets if key is empty. Classic webhooks need
// none. The error names the setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	if key != "" && o.Style == nextGen {
		o.Secrets = []string{key}
	}
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	if key != "" && p.secrets == nil {
		return nil, errors.New("mollie: classic webhooks are not signed: there is nothing to do with a key")
	}
	s := &Signer{options: o}
	if p.secrets != nil {
		s.secret = p.secrets[0]
	}
	return s, nil
}

// Throwaway returns settings of next-gen webhooks of one profile with fresh secrets and an API key, which suffice to sign;
// Simulate gives them an API.
func Throwaway() (Options, string, error) {
	return Options{
		Style:     nextGen,
		Secrets:   []string{rand.Text() + rand.Text(), rand.Text() + rand.Text()},
		APIKey:    "test_" + rand.Text(),
		ProfileID: callback.List{"pfl_" + callback.Digits(rand.Text(), 10)},
	}, "", nil
}

// types are the events that tell each status.
var types = map[relay.Status]string{
	relay.Pending: "payment.pending", relay.Paid: "payment.paid", relay.Failed: "payment.failed", relay.Closed: "payment.expired",
	relay.Refunded: "refund.refunded", relay.RefundFailed: "refund.failed",
}

// Announce implements fetch.Announcer.
func (s *Signer) Announce(n callback.Notification, at time.Time) (*http.Request, error) {
	id, a, err := s.announcement(n, at)
	if err != nil {
		return nil, fmt.Errorf("mollie: announce: %w", err)
	}
	r, err := simulator.NewAnnouncement(s.options.APIBase, s.options.APIKey, id, a)
	if err != nil {
		return nil, fmt.Errorf("mollie: announce: %w", err)
	}
	return r, nil
}

// Sign returns the webhook that makes a receiver fetch what n says, which Announce tells the simulated API.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	id, a, err := s.announcement(n, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("mollie: sign: %w", err)
	}
	if s.secret == nil {
		body := url.Values{"id": {id}}.Encode()
		return callback.NewPost(http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(body)), nil
	}
	body, err := s.event(cmp.Or(n.ID, "event_"+rand.Text()), id, a)
	if err != nil {
		return callback.Request{}, fmt.Errorf("mollie: sign: %w", err)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(header, prefix+sign(s.secret, body))
	return callback.NewPost(h, body), nil
}

// announcement returns Mollie's id of n's payment and what becomes of it.
func (s *Signer) announcement(n callback.Notification, at time.Time) (id string, _ simulator.Announcement, _ error) {
	n = n.Filled(About.Currency, at)
	a := simulator.Announcement{
		Payment: n.Payment, Status: n.Status, Amount: n.Amount, Currency: n.Currency, Account: s.options.ProfileID.First("pfl_simulated"), Time: n.Time.UTC(),
	}
	if types[n.Status] == "" {
		return "", a, fmt.Errorf("no webhook tells the status %q; there are some for paid, pending, failed, closed, refunded and "+
			"refund_failed", n.Status)
	}
	id = n.TransactionID
	if id == "" {
		id = cmp.Or(own(a.Payment), name("tr_", a.Payment))
	}
	if !isPayment(id) {
		return "", a, errors.New("the transaction is not an id of Mollie's, as in tr_5B8cwPMGnU")
	}
	if n.Status == relay.Refunded || n.Status == relay.RefundFailed {
		a.Refund = name("re_", id+string(a.Amount)+n.ID)
	}
	return id, a, nil
}

// own returns the payment if it is itself an id at Mollie.
func own(payment string) string {
	if isPayment(payment) {
		return payment
	}
	return ""
}

// name returns an id that follows from of.
func name(prefix, of string) string {
	sum := sha256.Sum256([]byte(prefix + of))
	return prefix + hex.EncodeToString(sum[:11])
}

// event returns the body of a next-gen webhook with the full payload: a snapshot of the payment, or of the refund.
func (s *Signer) event(eventID, id string, a simulator.Announcement) ([]byte, error) {
	p, err := simulator.Payment{ID: id}.Tell(a)
	if err != nil {
		return nil, err
	}
	entity, err := s.options.object(p, false)
	if err != nil {
		return nil, err
	}
	if len(p.Refunds) > 0 {
		entity = refund(p, p.Refunds[0])
	}
	self := resource("events/" + eventID)
	return json.Marshal(object{
		"resource": "event", "id": eventID, "type": types[a.Status], "entityId": entity["id"], "createdAt": stamp(a.Time),
		"_embedded": object{"entity": entity},
		"_links":    object{"self": self, "entity": entity["_links"].(object)["self"]},
	})
}
