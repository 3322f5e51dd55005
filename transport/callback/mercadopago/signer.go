package mercadopago

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
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/fetch/simulator"
)

// Signer posts webhooks as Mercado Pago does. It may be used from many goroutines.
type Signer struct {
	options Options
	secret  *callback.Secret
}

var _ fetch.Announcer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's secrets if key is empty. The error names the
// setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	if key != "" {
		o.Secrets = []string{key}
	}
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Signer{options: o, secret: p.secrets[0]}, nil
}

// Throwaway returns settings of one seller with fresh secrets and an access token, which suffice to sign; Simulate gives
// them an API.
func Throwaway() (Options, string, error) {
	o := Options{CollectorID: callback.List{"4" + callback.Digits(rand.Text(), 8)}}
	for range 2 {
		fresh := make([]byte, 32)
		rand.Read(fresh) // never fails
		o.Secrets = append(o.Secrets, hex.EncodeToString(fresh))
	}
	o.APIKey = "TEST-" + rand.Text()
	return o, "", nil
}

// Announce implements fetch.Announcer.
func (s *Signer) Announce(n callback.Notification, at time.Time) (*http.Request, error) {
	id, a, err := s.announcement(n, at)
	if err != nil {
		return nil, fmt.Errorf("mercadopago: announce: %w", err)
	}
	r, err := simulator.NewAnnouncement(s.options.APIBase, s.options.APIKey, id, a)
	if err != nil {
		return nil, fmt.Errorf("mercadopago: announce: %w", err)
	}
	return r, nil
}

// Sign returns the webhook, signed at the time at, that makes a receiver fetch what n says, which Announce tells the
// simulated API. Its address has a query, a part of which is signed.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	id, a, err := s.announcement(n, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("mercadopago: sign: %w", err)
	}
	body, err := json.Marshal(object{
		"id": number(eventID(n.ID, a)), "live_mode": false, "type": "payment", "date_created": stamp(a.Time), "user_id": number(a.Account),
		"api_version": "v1", "action": "payment.updated", "data": object{"id": id},
	})
	if err != nil {
		return callback.Request{}, fmt.Errorf("mercadopago: sign: %w", err)
	}
	request := uuid.NewSHA1(uuid.NameSpaceURL, body).String()
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(requestHeader, request)
	h.Set(header, "ts="+stamp+",v1="+sign(s.secret, id, request, stamp))
	r := callback.NewPost(h, body)
	r.URL.RawQuery = url.Values{"data.id": {id}, "type": {"payment"}}.Encode()
	return r, nil
}

// seller is the one who is paid unless collector_id says otherwise.
const seller = "44444"

// announcement returns Mercado Pago's id of n's payment and what becomes of it.
func (s *Signer) announcement(n callback.Notification, at time.Time) (id string, _ simulator.Announcement, _ error) {
	n = n.Filled(About.Currency, at)
	a := simulator.Announcement{
		Payment: n.Payment, Status: n.Status, Amount: n.Amount, Currency: n.Currency, Account: s.options.CollectorID.First(seller), Time: n.Time.UTC(),
	}
	switch n.Status {
	case relay.Pending, relay.Failed, relay.Closed, relay.Paid:
	case relay.Refunded:
		a.Refund = a.Payment + string(a.Amount) + n.ID
	default:
		return "", a, fmt.Errorf("no webhook tells the status %q; there are some for paid, pending, failed, closed and refunded", n.Status)
	}
	if id = cmp.Or(n.TransactionID, "1"+callback.Digits(a.Payment, 10)); !isID(id) {
		return "", a, errors.New("the transaction is not a payment's number at Mercado Pago")
	}
	if !isID(a.Account) {
		return "", a, errors.New("collector_id is not a seller's number")
	}
	return id, a, nil
}

// eventID returns the number of the event, which follows from what is said if none is given.
func eventID(given string, a simulator.Announcement) string {
	if isID(given) {
		return given
	}
	sum := sha256.Sum256([]byte(given + a.Payment + string(a.Status) + string(a.Amount) + a.Time.String()))
	return "1" + callback.Digits(string(sum[:]), 11)
}
