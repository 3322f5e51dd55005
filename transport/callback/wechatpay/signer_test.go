package wechatpay

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var _ callback.Prober = (*Signer)(nil)

func TestRoundTrips(t *testing.T) {
	statuses := []relay.Status{relay.Paid, relay.Failed, relay.Refunded, relay.RefundFailed}
	full := callback.Notification{Payment: "订单 <1>&2", Amount: "129.00", Currency: "CNY", ID: "EV-7", TransactionID: "42",
		Time: now.Add(-time.Minute)}
	for _, c := range []struct {
		change func(*Options)
		n      callback.Notification
	}{
		{nil, callback.Notification{}},
		{nil, full},
		{nil, callback.Notification{Payment: "p", Amount: "500", Currency: "JPY"}},
		{func(o *Options) { o.MchID, o.AppID = nil, nil }, full},
		{func(o *Options) { o.Fields.Payment = "attach" }, full},
		{func(o *Options) { o.Fields.Payment = "scene_info.device.id" }, full},
	} {
		p, s := open(t, c.change)
		callbacktest.RoundTrips(t, p, s, c.n, statuses...)
	}
}

func TestSignedEventsOfAPaymentBelongTogether(t *testing.T) {
	p, s := open(t, nil)
	one := parse(t, p, sign(t, s, callback.Notification{Payment: "o-1", Status: relay.Paid}))[0]
	two := parse(t, p, sign(t, s, callback.Notification{Payment: "o-1", Status: relay.Refunded}))[0]
	three := parse(t, p, sign(t, s, callback.Notification{Payment: "o-1", Status: relay.Refunded}))[0]
	if one.TransactionID != two.TransactionID || len(one.TransactionID) != 28 {
		t.Errorf("transactions %q and %q", one.TransactionID, two.TransactionID)
	}
	if one.ID == two.ID || two.ID == three.ID || two.RefundID == three.RefundID {
		t.Errorf("ids %q, %q, %q, refunds %q, %q", one.ID, two.ID, three.ID, two.RefundID, three.RefundID)
	}
}

func TestSignCombined(t *testing.T) {
	p, s := open(t, nil)
	r, err := s.SignCombined([]callback.Notification{{Payment: "a", Amount: "12.00", ID: "EV-9"}, {Payment: "b", Amount: "34.00"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	e := parse(t, p, r)
	if len(e) != 2 || e[0].Payment != "a" || e[0].Amount != "12.00" || e[1].Payment != "b" || e[1].Amount != "34.00" ||
		e[0].ID != "EV-9" || e[1].ID != "EV-9" {
		t.Errorf("events %+v", e)
	}
	for _, bad := range [][]callback.Notification{nil, {{Status: relay.Refunded}}, {{Amount: "x"}}} {
		if _, err := s.SignCombined(bad, now); err == nil {
			t.Errorf("signed %+v", bad)
		}
	}
}

func TestSignErrors(t *testing.T) {
	_, s := open(t, nil)
	for _, c := range []struct {
		n    callback.Notification
		want string
	}{
		{callback.Notification{Status: relay.Closed}, "only for paid, failed, refunded and refund_failed"},
		{callback.Notification{Status: relay.Pending}, "only for paid, failed, refunded and refund_failed"},
		{callback.Notification{Amount: "0.001"}, "more than 2 decimals"},
		{callback.Notification{Amount: "-1"}, "is negative"},
		{callback.Notification{Currency: "XYZ"}, "not a currency"},
	} {
		if _, err := s.Sign(c.n, now); err == nil || !strings.HasPrefix(err.Error(), "wechatpay: sign: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.n, err, c.want)
		}
		if _, err := s.Probe(c.n, now); err == nil {
			t.Errorf("%+v: probed", c.n)
		}
	}
	_, s = open(t, func(o *Options) { o.Fields.Payment = "list.#.id" })
	if _, err := s.Sign(callback.Notification{}, now); err == nil || !strings.Contains(err.Error(), `fields: cannot write to the path "list.#.id"`) {
		t.Errorf("Sign: %v", err)
	}
}

func TestSigningKeyMustFit(t *testing.T) {
	o, key := shop()
	_, foreign, err := Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                    "is not PEM",
		foreign:                               "belongs to none of the configured public_keys and certificates",
		encodePEM("PRIVATE KEY", []byte("x")): "is not a private key",
	} {
		_, err := NewSigner(o, text)
		if err == nil || !strings.HasPrefix(err.Error(), "wechatpay: signing key: "+want) {
			t.Errorf("NewSigner: %v, want %s", err, want)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
	private, err := parsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	if _, err := NewSigner(o, string(old)); err != nil {
		t.Errorf("NewSigner with PKCS #1: %v", err)
	}
	o.APIv3Key = ""
	if _, err := NewSigner(o, key); err == nil {
		t.Error("NewSigner took settings that New refuses")
	}
}
