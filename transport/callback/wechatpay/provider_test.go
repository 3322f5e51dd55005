package wechatpay

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// shop is an account in public-key mode that the tests of this package share, and its platform's private key.
var shop = sync.OnceValues(func() (Options, string) {
	o, key, err := Throwaway()
	if err != nil {
		panic(err)
	}
	return o, key
})

func open(t testing.TB, change func(*Options)) (*Provider, *Signer) {
	t.Helper()
	o, key := shop()
	if change != nil {
		change(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func sign(t testing.TB, s *Signer, n callback.Notification) callback.Request {
	t.Helper()
	r, err := s.Sign(n, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tell signs a callback of the type eventType with the given content, which is JSON.
func tell(t testing.TB, s *Signer, eventType, content string) callback.Request {
	t.Helper()
	var members map[string]any
	d := json.NewDecoder(strings.NewReader(content))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		t.Fatal(err)
	}
	r, err := s.post(message{id: "EV-1", eventType: eventType, original: "transaction", created: now, content: members}, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// refuses checks the reason, and that no more than a genuine content error is told apart.
func refuses(t testing.TB, p *Provider, r callback.Request, at time.Time, want callback.Reason) *callback.Refusal {
	t.Helper()
	events, err := p.Parse(r, at)
	var refusal *callback.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != want || len(events) != 0 {
		t.Fatalf("Parse: %+v, %v; want a refusal as %s", events, err, want)
	}
	return refusal
}

func parse(t testing.TB, p *Provider, r callback.Request) []callback.Event {
	t.Helper()
	events, err := p.Parse(r, now)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	for _, e := range events {
		if err := callbacktest.Wellformed(e); err != nil {
			t.Errorf("%v: %+v", err, e)
		}
	}
	return events
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, New) }

// The console's keys have 32 bytes; the official SDK takes whatever AES does.
func TestSizesOfTheAPIv3Key(t *testing.T) {
	for _, size := range []int{16, 24, 32} {
		p, s := open(t, func(o *Options) { o.APIv3Key = o.APIv3Key[:size] })
		if e := parse(t, p, sign(t, s, callback.Notification{Payment: "o-1"})); len(e) != 1 || e[0].Payment != "o-1" {
			t.Errorf("%d bytes: %+v", size, e)
		}
	}
}

func TestBitFlips(t *testing.T) {
	p, s := open(t, nil)
	r := sign(t, s, callback.Notification{})
	callbacktest.BitFlips(t, p, r, now, headerSerial, headerSignature, headerTimestamp, headerNonce, headerType)
}

func TestAnswers(t *testing.T) {
	p, _ := open(t, nil)
	for _, c := range []struct {
		err    error
		status int
	}{
		{nil, 200},
		{callback.Refuse(callback.BadSignature, "x"), 401},
		{callback.Refuse(callback.Probe, "x"), 401},
		{callback.Refuse(callback.WrongAccount, "x"), 401},
		{callback.Reject("x"), 400},
		{callback.Refuse(callback.MethodNotAllowed, "x"), 405},
		{callback.Refuse(callback.TooLarge, "x"), 413},
		{errors.New("disk: append: no space"), 503},
	} {
		a := p.Answer(c.err)
		if a.Status != c.status {
			t.Errorf("%v: answered %d, want %d", c.err, a.Status, c.status)
		}
		if c.err == nil {
			if a.Body != "" {
				t.Errorf("acknowledged with %q", a.Body)
			}
			continue
		}
		var body struct{ Code, Message string }
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil || body.Code != "FAIL" || a.ContentType != "application/json" {
			t.Errorf("%v: answered %q as %s", c.err, a.Body, a.ContentType)
		}
		if refused := p.Answer(callback.Refuse(callback.BadSignature, "")); c.status != 503 && a.Body != refused.Body {
			t.Errorf("%v: %q tells the reason", c.err, a.Body)
		}
	}
}

func TestOnlyPostIsAllowed(t *testing.T) {
	p, s := open(t, nil)
	r := sign(t, s, callback.Notification{})
	r.Method = http.MethodPut
	refuses(t, p, r, now, callback.MethodNotAllowed)
}

func TestEventHasEverythingWeChatPayTells(t *testing.T) {
	p, s := open(t, nil)
	events := parse(t, p, tell(t, s, "REFUND.SUCCESS", `{"out_trade_no":"o-1","transaction_id":"42","out_refund_no":"r-1",
		"refund_status":"SUCCESS","success_time":"2026-11-22T15:59:58+08:00","amount":{"total":300,"refund":100}}`))
	want := callback.Event{Type: "REFUND.SUCCESS", Event: relay.Event{
		ID: "EV-1", Payment: "o-1", Status: relay.Refunded, Final: true, Time: now.Add(-2 * time.Second), Amount: "1.00",
		Currency: "CNY", TransactionID: "42", ProviderStatus: "SUCCESS", RefundID: "r-1",
	}}
	if len(events) != 1 || events[0] != want {
		t.Errorf("events %+v, want %+v", events, want)
	}
}

func TestRefusalsKeepSecrets(t *testing.T) {
	o, key := shop()
	p, s := open(t, nil)
	good := sign(t, s, callback.Notification{Payment: "secret-order"})
	for _, name := range []string{headerSerial, headerSignature, headerTimestamp, headerNonce, headerType} {
		r := good
		r.Header = good.Header.Clone()
		r.Header.Set(name, "x"+good.Header.Get(name))
		_, err := p.Parse(r, now)
		if err == nil {
			t.Errorf("%s changed: accepted", name)
			continue
		}
		for _, secret := range []string{o.APIv3Key, key, good.Header.Get(headerSignature), "secret-order"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s changed: the refusal repeats a secret: %v", name, err)
			}
		}
	}
}
