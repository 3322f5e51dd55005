package fault

import (
	"errors"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// forgery is a fault whose callback must be refused.
type forgery struct {
	// signer returns who signs; nil is the account's own Signer.
	signer func(Account) (callback.Signer, error)
	// forge returns the callbacks to try, of which the first counts that the account's own Provider refuses: what one
	// provider signs, another does not. Nil is the one that is signed.
	forge func(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error)
	// asked says that a callback that has to be asked back counts too: what the API then says is refused.
	asked bool
	// passes says why none is refused.
	passes string
}

var forgeries = map[string]forgery{
	BadSignature: {
		forge:  changed,
		passes: "nothing in this provider's callbacks is signed: a changed one passes",
	},
	WrongKey: {
		signer: func(a Account) (callback.Signer, error) { return a.wrongKey() },
		passes: "this provider's callbacks are signed with no key",
	},
	Truncated: {
		forge:  cut,
		passes: "the body of this provider's callbacks is not signed: one that is cut passes",
	},
	OtherMerchant: {
		signer: func(a Account) (callback.Signer, error) { return a.otherMerchant() },
		asked:  true,
		passes: "this callback names no account that is compared",
	},
	Stale: {
		forge:  old,
		passes: "this source's signatures have no time limit: a stale one is valid; set tolerance if the provider has it, or try the fault late",
	},
	Probe: {
		forge:  probing,
		passes: "this source takes the provider's probes for genuine",
	},
}

func (f forgery) compose(name string, a Account, n callback.Notification, now time.Time) ([]Posting, error) {
	signer := a.Signer
	if f.signer != nil {
		var err error
		if signer, err = f.signer(a); err != nil {
			return nil, err
		}
	}
	knows := a.Signer
	if f.asked {
		knows = signer
	}
	forge := f.forge
	if forge == nil {
		forge = signed
	}
	requests, err := forge(signer, n, now)
	if err != nil {
		return nil, err
	}
	for r := range requests {
		events, err := a.Provider.Parse(r, now)
		if err != nil || f.asked && len(events) > 0 && events[0].Fetch {
			return []Posting{{Request: r, Says: n, Note: name, Forged: true, Signer: knows}}, nil
		}
	}
	return nil, errors.New(f.passes)
}

func only(r callback.Request, err error) (iter.Seq[callback.Request], error) {
	return func(yield func(callback.Request) bool) { yield(r) }, err
}

func signed(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error) {
	return only(s.Sign(n, now))
}

func old(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error) {
	r, err := s.Sign(n, now.Add(-long))
	if err != nil {
		return nil, err
	}
	older, err := s.Sign(n, now.Add(-veryLong))
	return func(yield func(callback.Request) bool) { _ = yield(r) && yield(older) }, err
}

func cut(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error) {
	r, err := s.Sign(n, now)
	r.Body = r.Body[:len(r.Body)/2]
	return only(r, err)
}

func probing(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error) {
	prober, ok := s.(callback.Prober)
	if !ok {
		return nil, errors.New("this provider sends no signature probes; WeChat Pay does")
	}
	return only(prober.Probe(n, now))
}

func changed(s callback.Signer, n callback.Notification, now time.Time) (iter.Seq[callback.Request], error) {
	r, err := s.Sign(n, now)
	return changes(r, n.Payment), err
}

// changes returns a signed callback changed in several ways: by an addition, which no signature over the exact bytes or
// over all form parameters bears; by another payment's id, for signatures over chosen fields; by another query; and by one
// character in the middle, for what is sealed.
func changes(r callback.Request, payment string) iter.Seq[callback.Request] {
	return func(yield func(callback.Request) bool) {
		body := string(r.Body)
		addition := " "
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			addition = "&tampered=1"
		}
		bodies := []string{body + addition}
		if payment != "" && strings.Contains(body, payment) {
			bodies = append(bodies, strings.ReplaceAll(body, payment, another(payment)))
		}
		half := len(body) / 2
		for _, changed := range append(bodies, body[:half]+another(body[half:])) {
			r := r
			r.Body = []byte(changed)
			if !yield(r) {
				return
			}
		}
		if r.URL.RawQuery != "" {
			r.URL = &url.URL{Path: r.URL.Path, RawQuery: another(r.URL.RawQuery)}
			yield(r)
		}
	}
}

// another returns a text of the same length and kind: with another last digit, or if it has none another first letter.
func another(text string) string {
	b := []byte(text)
	if i := strings.LastIndexAny(text, "0123456789"); i >= 0 {
		b[i] = '0' + (b[i]-'0'+1)%10
		return string(b)
	}
	i := slices.IndexFunc(b, func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' })
	if i < 0 {
		return text + "0"
	}
	b[i] = b[i]&^0x1f | (b[i]&0x1f)%26 + 1
	return string(b)
}
