// Package hmac takes callbacks of senders that no adapter is for and that prove themselves by an HMAC, with settings that
// say how: what is signed, where the signature stands and how it is written, how old it may be, and which field is what.
// The proof is the vocabulary of package scheme in a configuration; what is read is that of package format.
//
// A header that is not signed is worth nothing: whoever has one genuine call can post it with other headers. So the
// status, the payment and the amount are fields of the body, and the body must be signed.
package hmac

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/format"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// defaultTolerance is that of most who sign a time.
const defaultTolerance = 300 * time.Second

// Provider verifies and reads the callbacks of one sender.
type Provider struct {
	verifier *scheme.Verifier
	format   *format.Format
	id       scheme.Field
	repeats  *scheme.Repeats // not nil if the id is in a header that is not signed: nothing that says something else may take its place
	headers  []string        // that are signed
	accepted callback.Answer
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("hmac: %w", err)
	}
	return p, nil
}

func build(o Options) (*Provider, error) {
	mac, headers, err := o.mac()
	if err != nil {
		return nil, err
	}
	p := &Provider{headers: headers, accepted: callback.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: o.Answer}}
	p.verifier, err = mac.New(scheme.Settings{
		Keys: o.Secrets, KeysName: "secrets", Tolerance: o.Tolerance, URL: o.URL, URLName: "url",
	})
	if err != nil {
		return nil, err
	}
	if p.format, err = format.New(o.Options); err != nil {
		return nil, err
	}
	p.id = scheme.At("id")
	if name, ok := strings.CutPrefix(o.EventID, "header:"); ok {
		p.id = scheme.In(name)
		if !slices.ContainsFunc(headers, func(h string) bool { return strings.EqualFold(h, name) }) {
			p.repeats = scheme.NewRepeats()
		}
	} else if o.EventID != "" {
		p.id = scheme.At(o.EventID)
	}
	return p, nil
}

// Parse verifies r and returns its event, or none where r is not about a payment's status.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	if refusal := p.verifier.Verify(r, now); refusal != nil {
		return nil, refusal
	}
	e, refusal := p.format.Read(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	if e.Status == "" {
		return nil, nil
	}
	e.Derived = p.repeats != nil
	if e.ID = callback.Printable(p.id.Text(r.Header, gjson.ParseBytes(r.Body))); e.ID == "" {
		e.ID, e.Derived = "callback", true
	} else if p.repeats != nil {
		e.ID = p.repeats.First(r.Body, e.ID)
	}
	return []callback.Event{e}, nil
}

// Answer acknowledges with 200 and the configured body, and refuses with problem+json.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return p.accepted
}
