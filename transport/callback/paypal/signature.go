package paypal

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// The headers of a signed call.
const (
	headerID   = "Paypal-Transmission-Id"
	headerTime = "Paypal-Transmission-Time"
	headerSig  = "Paypal-Transmission-Sig"
	headerCert = "Paypal-Cert-Url"
	headerAlgo = "Paypal-Auth-Algo"
)

// algorithm is the only one that is accepted. PayPal's own library takes SHA1withRSA as well.
const algorithm = "SHA256withRSA"

// transmission is what the headers of a call say.
type transmission struct {
	id        string
	stamp     string // as it is signed
	time      time.Time
	signature []byte
	url       string // the certificate's
}

func readHeaders(r callback.Request) (t transmission, refusal *callback.Refusal) {
	var algo, sig string
	for _, h := range []struct {
		name  string
		value *string
	}{{headerID, &t.id}, {headerTime, &t.stamp}, {headerSig, &sig}, {headerCert, &t.url}, {headerAlgo, &algo}} {
		if *h.value, refusal = callback.Header(r.Header, h.name); refusal != nil {
			return t, refusal
		}
	}
	if algo != algorithm {
		return t, callback.Refuse(callback.UnsupportedAlgorithm, headerAlgo+" is not "+algorithm)
	}
	// A bar in the id would move the borders between what is signed, and give a second name to one transmission.
	if len(t.id) > 100 || strings.Trim(t.id, letters+digits+"-_") != "" {
		return t, callback.Refuse(callback.Malformed, headerID+" is not an id")
	}
	var err error
	if t.time, err = time.Parse(time.RFC3339, t.stamp); err != nil {
		return t, callback.Refuse(callback.Malformed, headerTime+" is not a time with a zone (RFC 3339)")
	}
	if t.signature, err = callback.Base64(sig); err != nil {
		return t, callback.Refuse(callback.Malformed, headerSig+" is not base64")
	}
	return t, nil
}

// signed returns the text that is signed.
func signed(id, stamp, webhook string, sum uint32) string {
	return id + "|" + stamp + "|" + webhook + "|" + strconv.FormatUint(uint64(sum), 10)
}

// verify returns a *callback.Refusal, or another error if the certificate could not be fetched.
func (p *Provider) verify(r callback.Request, now time.Time) error {
	t, refusal := readHeaders(r)
	if refusal != nil {
		return refusal
	}
	key, err := p.key(t.url, now, r.Doubtful)
	if err != nil {
		return err
	}
	if !p.signedBy(key, t, r.Body) {
		return callback.Refuse(callback.BadSignature, "the signature is not for webhook_id and this body: compare "+
			"webhook_id with the console's, and see that nothing on the way changes the body")
	}
	if now.Sub(t.time) > p.tolerance {
		return callback.Refuse(callback.StaleTimestamp, callback.Age(now, t.time))
	}
	if !p.replays.admit(t, r.Body, now) {
		return callback.Refuse(callback.BadSignature, "the transmission came before with another body, made to have the "+
			"same CRC-32: somebody forges events with the headers of a genuine one")
	}
	return nil
}

func (p *Provider) signedBy(key *rsa.PublicKey, t transmission, body []byte) bool {
	sum := crc32.ChecksumIEEE(body)
	for _, webhook := range p.webhooks {
		digest := sha256.Sum256([]byte(signed(t.id, t.stamp, webhook, sum)))
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], t.signature) == nil {
			return true
		}
	}
	return false
}

// maxReplays is how many transmissions are remembered, at some 160 bytes each. Only signed calls are, so that strangers
// cannot push one out.
const maxReplays = 1 << 16

// replays remembers the bodies of transmissions, of the latest maxReplays. With an age limit it forgets those that are
// stale; without one nothing but their number makes it forget.
type replays struct {
	keep time.Duration // zero is for ever

	mu     sync.Mutex // guards what follows
	bodies map[shortID][sha256.Size]byte
	order  []admission // from the oldest on
}

// shortID stands for a transmission's id, which PayPal makes and signs.
type shortID [16]byte

// admission is when a transmission came first, or was sent if the sender's clock is ahead.
type admission struct {
	id shortID
	at time.Time
}

func newReplays(keep time.Duration) *replays {
	return &replays{keep: keep, bodies: make(map[shortID][sha256.Size]byte)}
}

// admit reports whether the transmission may have this body: it is the first one to come, or came with the same.
func (s *replays) admit(t transmission, body []byte, now time.Time) bool {
	name, sum := sha256.Sum256([]byte(t.id)), sha256.Sum256(body)
	id := shortID(name[:len(shortID{})])
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.bodies[id]; ok {
		return first == sum
	}
	s.forget(now)
	if t.time.After(now) {
		now = t.time
	}
	s.bodies[id] = sum
	s.order = append(s.order, admission{id, now})
	return true
}

// forget makes room for one more.
func (s *replays) forget(now time.Time) {
	for len(s.order) > 0 {
		oldest := s.order[0]
		if len(s.order) < maxReplays && now.Sub(oldest.at) <= s.keep {
			return
		}
		delete(s.bodies, oldest.id)
		s.order = s.order[1:] // append leaves the gone ones behind when it needs room
	}
}
