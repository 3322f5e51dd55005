package hmac_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/format"
	"github.com/tillbell/tillbell/transport/callback/hmac"
)

// The vectors are other providers', read by settings instead of by their adapters.
func TestVectors(t *testing.T) { callbacktest.Vectors(t, hmac.New) }

var at = time.Unix(1795312800, 0)

func throwaway(t testing.TB) hmac.Options {
	t.Helper()
	o, _, err := hmac.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func both(t testing.TB, o hmac.Options) (*hmac.Provider, *hmac.Signer) {
	t.Helper()
	p, err := hmac.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := hmac.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

var paid = callback.Notification{Payment: "order-7", Status: relay.Paid, Amount: "12.30", Currency: "EUR", ID: "e-1"}

func TestRoundTrips(t *testing.T) {
	plain := hmac.Options{Secrets: []string{"s3cret"}, Signature: hmac.Signature{Header: "X-Sig"}}
	for name, o := range map[string]hmac.Options{
		"a list": throwaway(t),
		"plain":  plain,
		"url":    {Secrets: plain.Secrets, Signature: plain.Signature, Signed: "{url}\n{body}", URL: "https://x.example/"},
		"a tail": {Secrets: plain.Secrets, Signature: plain.Signature, Signed: "{body}&key"},
		"a time": {Secrets: plain.Secrets, Signature: plain.Signature, Signed: "{timestamp}{body}", Timestamp: hmac.Timestamp{Header: "X-Time"}},
		"a time in ms": {Secrets: plain.Secrets, Signature: plain.Signature, Signed: "{timestamp}{body}",
			Timestamp: hmac.Timestamp{Header: "X-Time", Unit: "ms"}},
		"headers": {Secrets: plain.Secrets, Signature: plain.Signature, Signed: "{header:X-Id}:{header:X-Other}:{body}", EventID: "header:X-Id"},
		"hex key": {Secrets: []string{"00ff10"}, Signature: hmac.Signature{Header: "X-Sig", Key: "hex", Hash: "sha1", Encoding: "base64", Prefix: "v0="}},
		"base64 key": {Secrets: []string{"AAEC"}, EventID: "meta.id",
			Signature: hmac.Signature{Header: "X-Sig", Key: "base64", Hash: "sha384"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := both(t, o)
			callbacktest.RoundTrips(t, p, s, paid, hmac.About.Statuses...)
			r, err := s.Sign(paid, at)
			if err != nil {
				t.Fatal(err)
			}
			callbacktest.BitFlips(t, p, r, at, o.Signature.Header)
		})
	}
}

// Airwallex signs milliseconds and the body (airwallex.com/docs/developer-tools__listen-for-webhook-events).
func TestMilliseconds(t *testing.T) {
	o := hmac.Options{Secrets: []string{"k"}, Signature: hmac.Signature{Header: "X-Signature"}, Signed: "{timestamp}{body}",
		Timestamp: hmac.Timestamp{Header: "X-Timestamp", Unit: "ms"}}
	p, s := both(t, o)
	r, err := s.Sign(paid, at.Add(7*time.Millisecond))
	if err != nil || r.Header.Get("X-Timestamp") != "1795312800007" {
		t.Fatal(r.Header, err)
	}
	for age, want := range map[time.Duration]callback.Reason{
		300 * time.Second: "", -300 * time.Second: "",
		300*time.Second + time.Millisecond: callback.StaleTimestamp, -300*time.Second - time.Millisecond: callback.FutureTimestamp,
	} {
		_, err := p.Parse(r, at.Add(7*time.Millisecond+age))
		if want == "" && err != nil || want != "" && callbacktest.ReasonOf(t, err) != want {
			t.Errorf("after %s: %v, want %q", age, err, want)
		}
	}
}

// Where a sender has no time that is read, what comes late counts as the latest.
func TestTimeAndTransactionStandAnywhere(t *testing.T) {
	o := throwaway(t)
	o.Fields = callback.Fields{Time: "meta.at", Transaction: "meta.charge"}
	p, s := both(t, o)
	n := paid
	n.Time, n.TransactionID = at.Add(-time.Hour), "ch_1"
	r, err := s.Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	events, err := p.Parse(r, at)
	if err != nil || len(events) != 1 || !events[0].Time.Equal(n.Time) || events[0].TransactionID != "ch_1" ||
		!strings.Contains(string(r.Body), `"meta":{"at":`) {
		t.Errorf("%s: %+v, %v", r.Body, events, err)
	}
}

func TestSignedHeadersCount(t *testing.T) {
	o := hmac.Options{Secrets: []string{"s3cret"}, Signature: hmac.Signature{Header: "X-Sig"}, Signed: "{header:X-Id}.{body}", EventID: "header:X-Id"}
	p, s := both(t, o)
	r, err := s.Sign(paid, at)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Id", "e-2")
	_, err = p.Parse(r, at)
	if reason := callbacktest.ReasonOf(t, err); reason != callback.BadSignature {
		t.Errorf("a changed header: %s", reason)
	}
	r.Header.Del("X-Id")
	_, err = p.Parse(r, at)
	if reason := callbacktest.ReasonOf(t, err); reason != callback.MissingHeader {
		t.Errorf("a header that is missing: %s", reason)
	}
}

// TestUnsignedIDIsDerived: who has seen one callback can post it under any id, and must not take the place of what comes under
// that id later and says something else.
func TestUnsignedIDIsDerived(t *testing.T) {
	o := hmac.Options{Secrets: []string{"s3cret"}, Signature: hmac.Signature{Header: "X-Sig"}, EventID: "header:X-Id"}
	for signed, want := range map[string]bool{"{body}": true, "{header:x-id}.{body}": false} {
		o.Signed = signed
		p, s := both(t, o)
		r, err := s.Sign(paid, at)
		if err != nil {
			t.Fatal(err)
		}
		events, err := p.Parse(r, at)
		if err != nil || len(events) != 1 || events[0].Derived != want {
			t.Errorf("%s: %+v, %v; want derived %v", signed, events, err, want)
		}
	}
}

func TestWithoutAnID(t *testing.T) {
	o := throwaway(t)
	_, s := both(t, o)
	r, err := s.Sign(paid, at)
	if err != nil {
		t.Fatal(err)
	}
	o.EventID = "nowhere"
	p, _ := both(t, o)
	events, err := p.Parse(r, at)
	if err != nil || len(events) != 1 || !events[0].Derived || events[0].ID == "" {
		t.Errorf("%+v, %v; want one event with a derived id", events, err)
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	sig := hmac.Signature{Header: "X-Sig"}
	list := hmac.Signature{Header: "X-Sig", Separator: ",", Item: "v1"}
	stamp := hmac.Timestamp{Header: "X-Time"}
	for want, o := range map[string]hmac.Options{
		"set secrets":              {Signature: sig},
		"secrets: number 1":        {Secrets: []string{" topsecret"}, Signature: sig},
		"number 1 is not hex":      {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Key: "hex"}},
		"number 1 is not base64":   {Secrets: []string{"topsecret!"}, Signature: hmac.Signature{Header: "X-Sig", Key: "base64"}},
		"signature.header":         {Secrets: []string{"topsecret"}},
		"signature.hash is":        {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Hash: "md5"}},
		"signature.encoding is":    {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Encoding: "base32"}},
		"signature.key is":         {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Key: "file"}},
		"one character":            {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Separator: ", ", Item: "v1"}},
		"that no signature has":    {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Separator: "=", Item: "v1"}},
		"has the separator in it":  {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Separator: ",", Item: "v1", Prefix: "a,"}},
		"must be names":            {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Separator: ",", Item: "v1,v2"}},
		"both a separator":         {Secrets: []string{"topsecret"}, Signature: hmac.Signature{Header: "X-Sig", Item: "v1"}},
		"timestamp.item":           {Secrets: []string{"topsecret"}, Signature: sig, Timestamp: hmac.Timestamp{Item: "t"}, Signed: "{timestamp}{body}"},
		"timestamp.unit is":        {Secrets: []string{"topsecret"}, Signature: sig, Timestamp: hmac.Timestamp{Header: "X-Time", Unit: "us"}},
		"not in both":              {Secrets: []string{"topsecret"}, Signature: list, Timestamp: hmac.Timestamp{Item: "t", Header: "X"}},
		"where the signature is":   {Secrets: []string{"topsecret"}, Signature: sig, Timestamp: hmac.Timestamp{Header: "x-sig"}, Signed: "{timestamp}{body}"},
		"it is where the":          {Secrets: []string{"topsecret"}, Signature: list, Timestamp: hmac.Timestamp{Item: "v1"}, Signed: "{timestamp}{body}"},
		"{timestamp} is missing":   {Secrets: []string{"topsecret"}, Signature: sig, Timestamp: stamp},
		"in which header or item":  {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{timestamp}{body}"},
		"{body} must be there":     {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{url}", URL: "https://x"},
		"is not closed":            {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{body"},
		"{bodies} is none":         {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{bodies}"},
		"{header:} is none":        {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{header:}{body}"},
		"url: set it":              {Secrets: []string{"topsecret"}, Signature: sig, Signed: "{url}{body}"},
		"no timestamp that":        {Secrets: []string{"topsecret"}, Signature: sig, Tolerance: time.Second},
		"is negative":              {Secrets: []string{"topsecret"}, Signature: sig, Timestamp: stamp, Signed: "{timestamp}{body}", Tolerance: -1},
		"amount_unit is \"cents\"": {Secrets: []string{"topsecret"}, Signature: sig, Options: format.Options{AmountUnit: "cents"}},
	} {
		_, err := hmac.New(o)
		if err == nil || !strings.HasPrefix(err.Error(), "hmac: ") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	o := throwaway(t)
	o.Answer = "[ok]"
	p, _ := both(t, o)
	if a := p.Answer(nil); a.Status != 200 || a.Body != "[ok]" {
		t.Errorf("%+v", a)
	}
	if a := p.Answer(callback.Refuse(callback.BadSignature, "")); a.Status != 401 || strings.Contains(a.Body, "[ok]") {
		t.Errorf("%+v", a)
	}
}
