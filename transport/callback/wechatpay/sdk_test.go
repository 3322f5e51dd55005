package wechatpay

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// official returns WeChat Pay's own handlers: by public key, by certificate, and by both.
func official(t *testing.T, o Options) map[string]auth.Verifier {
	t.Helper()
	id := onlyID(o)
	key, err := utils.LoadPublicKey(o.PublicKeys[id])
	if err != nil {
		t.Fatal(err)
	}
	cert, err := utils.LoadCertificate(o.Certificates[0])
	if err != nil {
		t.Fatal(err)
	}
	certs := core.NewCertificateMapWithList([]*x509.Certificate{cert})
	return map[string]auth.Verifier{
		"public key":  verifiers.NewSHA256WithRSAPubkeyVerifier(id, *key),
		"certificate": verifiers.NewSHA256WithRSAVerifier(certs),
		"combined":    verifiers.NewSHA256WithRSACombinedVerifier(certs, id, *key),
	}
}

// The SDK's validator uses the real clock.
func TestOfficialSDKAcceptsOurCallbacks(t *testing.T) {
	at := time.Now()
	o, key := shop()
	o.Certificates = callback.List{certificate(t, 0x5A, platform, at.Add(-time.Hour), at.Add(time.Hour))}
	s, err := NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	serials := map[string][]string{
		"public key":  {onlyID(o)},
		"certificate": {"5A"},
		"combined":    {onlyID(o), "5A"},
	}
	for name, verifier := range official(t, o) {
		handler, err := notify.NewRSANotifyHandler(o.APIv3Key, verifier)
		if err != nil {
			t.Fatal(err)
		}
		for _, serial := range serials[name] {
			s.serial = serial
			for _, status := range []relay.Status{relay.Paid, relay.Failed, relay.Refunded, relay.RefundFailed} {
				n := callback.Notification{Payment: "o-1", Status: status, ID: "EV-1", TransactionID: "42", Amount: "12.34"}
				r, err := s.Sign(n, at)
				if err != nil {
					t.Fatal(err)
				}
				accepted(t, handler, r)
				probe, err := s.Probe(n, at)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := handler.ParseNotifyRequest(context.Background(), httpRequest(t, probe), new(notify.ContentMap)); err == nil {
					t.Errorf("%s: the SDK accepts a probe", name)
				}
			}
			r, err := s.SignCombined([]callback.Notification{{ID: "EV-1"}, {}}, at)
			if err != nil {
				t.Fatal(err)
			}
			if content := accepted(t, handler, r); len(content["sub_orders"].([]any)) != 2 {
				t.Errorf("%s: combined %v", name, content)
			}
		}
	}
}

func accepted(t *testing.T, handler *notify.Handler, r callback.Request) notify.ContentMap {
	t.Helper()
	content := make(notify.ContentMap)
	got, err := handler.ParseNotifyRequest(context.Background(), httpRequest(t, r), &content)
	if err != nil {
		t.Fatalf("the SDK refuses: %v", err)
	}
	if got.ID != "EV-1" || got.EventType == "" || got.CreateTime == nil {
		t.Errorf("the SDK reads %+v", got)
	}
	return content
}

func httpRequest(t *testing.T, r callback.Request) *http.Request {
	t.Helper()
	h, err := http.NewRequest(r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	h.Header = r.Header
	return h
}

func TestWeAcceptTheOfficialSigner(t *testing.T) {
	p, s := open(t, nil)
	r := sign(t, s, callback.Notification{Payment: "o-1"})
	private := loadOfficially(t)
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
	signature, err := utils.SignSHA256WithRSA(timestamp+"\n"+nonce+"\n"+string(r.Body)+"\n", private)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(headerTimestamp, timestamp)
	r.Header.Set(headerNonce, nonce)
	r.Header.Set(headerSignature, signature)
	if e := parse(t, p, r); len(e) != 1 || e[0].Payment != "o-1" {
		t.Errorf("events %+v", e)
	}
}

func loadOfficially(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	_, key := shop()
	private, err := utils.LoadPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return private
}
