package paypal

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Signer posts events as PayPal does. It may be used from many goroutines.
type Signer struct {
	key     *rsa.PrivateKey
	url     string // its certificate's
	webhook string
	payment string // as Provider's
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer with the private key, as PEM (PKCS #8 or PKCS #1), of one of o's certificates, for the first of
// o's webhooks. Nobody but PayPal has the key of what PayPal's URLs bring.
func NewSigner(o Options, key string) (*Signer, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	private, err := readPrivate(key)
	if err != nil {
		return nil, fmt.Errorf("paypal: signing key: %w", err)
	}
	for url, c := range p.pinned {
		if c.key.Equal(&private.PublicKey) && p.allows(url) {
			return &Signer{key: private, url: url, webhook: p.webhooks[0], payment: p.payment}, nil
		}
	}
	return nil, errors.New("paypal: signing key: belongs to none of the configured certificates")
}

// readPrivate's error completes a sentence about the key, and does not depend on it.
func readPrivate(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("is not PEM")
	}
	return callback.ParseRSAPrivate(block.Bytes)
}

// Throwaway returns the settings of a webhook that exists nowhere, and the private key that signs its calls, as PEM. Its
// certificate and the root that this one leads to are as fresh as the key; the certificate is pinned, so that nothing is
// downloaded.
func Throwaway() (Options, string, error) {
	o, key, err := throwaway()
	if err != nil {
		return Options{}, "", fmt.Errorf("paypal: throw-away keys: %w", err)
	}
	return o, key, nil
}

func throwaway() (o Options, key string, err error) {
	if key, _, err = callback.ThrowawayRSA(); err != nil {
		return o, "", err
	}
	private, err := readPrivate(key)
	if err != nil {
		return o, "", err
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return o, "", err
	}
	root := template("Throw-away root")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	if o.TrustedRoots, err = issue(root, root, rootKey.Public(), rootKey); err != nil {
		return o, "", err
	}
	leaf := template("messageverificationcerts.paypal.com")
	leaf.DNSNames = []string{leaf.Subject.CommonName}
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	signing, err := issue(leaf, root, private.Public(), rootKey)
	o.Certificates = map[string]string{"https://api.paypal.com" + certPath + "CERT-" + rand.Text()[:8]: signing}
	o.WebhookID = callback.List{callback.Digits(rand.Text(), 16) + "C"}
	return o, key, err
}

// template returns a certificate that is valid at any time that a demonstration is run at.
func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text()[:16])),
		Subject:      pkix.Name{Organization: []string{"Tillbell throw-away keys"}, CommonName: name},
		NotBefore:    time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// issue returns the certificate of key, signed by its issuer's, as PEM.
func issue(c, issuer *x509.Certificate, key crypto.PublicKey, by crypto.Signer) (string, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key, by)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), err
}

// Sign returns the callback that says n, signed at the time at. Equal notifications with an ID give equal callbacks. Of a
// refund the TransactionID is the refund's own id.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	event, err := s.event(n.Filled(About.Currency, at))
	if err != nil {
		return callback.Request{}, fmt.Errorf("paypal: sign: %w", err)
	}
	body, err := json.Marshal(event)
	if err != nil {
		return callback.Request{}, fmt.Errorf("paypal: sign: %w", err)
	}
	return s.post(body, at)
}

// post signs any body, as one transmission: another body or time is another one.
func (s *Signer) post(body []byte, at time.Time) (callback.Request, error) {
	stamp := at.UTC().Format(time.RFC3339)
	id := transmissionID(stamp, body)
	digest := sha256.Sum256([]byte(signed(id, stamp, s.webhook, crc32.ChecksumIEEE(body))))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return callback.Request{}, fmt.Errorf("paypal: sign: %w", err)
	}
	h := make(http.Header)
	for name, value := range map[string]string{
		headerID:              id,
		headerTime:            stamp,
		headerSig:             base64.StdEncoding.EncodeToString(signature),
		headerCert:            s.url,
		headerAlgo:            algorithm,
		"Paypal-Auth-Version": "v2",
		"Content-Type":        "application/json",
		"User-Agent":          "PayPal/AUHD-214.0-58843327",
	} {
		h.Set(name, value)
	}
	return callback.NewPost(h, body), nil
}

func transmissionID(stamp string, body []byte) string {
	sum := sha256.Sum256([]byte(stamp + string(body)))
	x := hex.EncodeToString(sum[:16])
	return x[:8] + "-" + x[8:12] + "-11f1-" + x[16:20] + "-" + x[20:]
}

// jsonObject is written with its members in order: encoding/json sorts them.
type jsonObject = map[string]any

func (s *Signer) event(n callback.Notification) (jsonObject, error) {
	n.ID = cmp.Or(n.ID, "WH-"+rand.Text()[:17]+"-"+rand.Text()[:17])
	if strings.HasPrefix(string(n.Amount), "-") {
		return nil, errors.New("the amount is negative")
	}
	kind, resource, err := s.resource(n)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(strings.Split(kind, ".")[1])
	if kind == "PAYMENT.CAPTURE.REFUNDED" {
		name = "refund"
	}
	event := jsonObject{
		"id":               n.ID,
		"event_version":    "1.0",
		"create_time":      n.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		"resource_type":    name,
		"resource_version": "2.0",
		"event_type":       kind,
		"summary":          fmt.Sprintf("%s %s %s", kind, n.Amount, n.Currency),
		"resource":         resource,
		"links":            s.links("/v1/notifications/webhooks-events/", n.ID, "resend"),
	}
	if s.payment == "" {
		return event, nil
	}
	return event, callback.Place(event, s.payment, n.Payment)
}

// resource returns the type of event for a status, and what it is about.
func (s *Signer) resource(n callback.Notification) (kind string, _ jsonObject, err error) {
	capture := cmp.Or(n.TransactionID, id("capture", n.Payment))
	const captures = "/v2/payments/captures/"
	var resource jsonObject
	switch n.Status {
	case relay.Paid:
		kind, resource = "PAYMENT.CAPTURE.COMPLETED", s.object(n, capture, "COMPLETED", captures, "refund")
		resource["seller_receivable_breakdown"] = jsonObject{"gross_amount": resource["amount"]}
	case relay.Pending:
		kind, resource = "PAYMENT.CAPTURE.PENDING", s.object(n, capture, "PENDING", captures, "refund")
		resource["status_details"] = jsonObject{"reason": "PENDING_REVIEW"}
	case relay.Failed:
		kind, resource = "PAYMENT.CAPTURE.DENIED", s.object(n, capture, "DECLINED", captures, "refund")
	case relay.Closed:
		authorisation := cmp.Or(n.TransactionID, id("authorization", n.Payment))
		kind, resource = "PAYMENT.AUTHORIZATION.VOIDED", s.object(n, authorisation, "VOIDED", "/v2/payments/authorizations/", "capture")
		return kind, resource, nil
	case relay.Refunded:
		refund := cmp.Or(n.TransactionID, id("refund", n.Payment+n.ID))
		kind, resource = "PAYMENT.CAPTURE.REFUNDED", s.object(n, refund, "COMPLETED", "/v2/payments/refunds/", "up")
		up := jsonObject{"href": s.origin() + captures + id("capture", n.Payment), "rel": "up", "method": "GET"}
		resource["links"] = append(resource["links"].([]any)[:1], up)
		resource["seller_payable_breakdown"] = jsonObject{"gross_amount": resource["amount"]}
		return kind, resource, nil
	default:
		return "", nil, fmt.Errorf("no event tells the status %q; there are events for paid, pending, failed, closed and "+
			"refunded", n.Status)
	}
	resource["final_capture"] = true
	return kind, resource, nil
}

// object returns what captures, authorisations and refunds have in common.
func (s *Signer) object(n callback.Notification, name, status, path, action string) jsonObject {
	when := n.Time.UTC().Format(time.RFC3339)
	return jsonObject{
		"id":          name,
		"status":      status,
		"amount":      jsonObject{"currency_code": n.Currency, "value": string(n.Amount)},
		"custom_id":   n.Payment,
		"create_time": when,
		"update_time": when,
		"supplementary_data": jsonObject{
			"related_ids": jsonObject{"order_id": id("order", n.Payment)},
		},
		"links": s.links(path, name, action),
	}
}

// links are those of an object to itself and to what may be done with it.
func (s *Signer) links(path, name, action string) []any {
	self := s.origin() + path + name
	return []any{
		jsonObject{"href": self, "rel": "self", "method": "GET"},
		jsonObject{"href": self + "/" + action, "rel": action, "method": "POST"},
	}
}

// origin is where PayPal's objects are: where the certificate is.
func (s *Signer) origin() string {
	origin, _, _ := strings.Cut(s.url, certPath)
	return origin
}

// id returns an object's id that follows from the payment.
func id(kind, payment string) string { return callback.Digits(kind+payment, 16) + "P" }
