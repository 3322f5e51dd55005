package alipay

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"net/url"
	"testing"

	official "github.com/smartwalle/alipay/v3"
	"github.com/smartwalle/nsign"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// client returns smartwalle's client, outside production: there it would download unknown certificates.
func client(t *testing.T) *official.Client {
	t.Helper()
	o, _ := throwaway()
	c, err := official.New(o.AppID[0], privatePEM(privateKey(t)), false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOfficialVerifierAcceptsOurs(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	public, certificates := client(t), client(t)
	if err := public.LoadAliPayPublicKey(o.PublicKey[0]); err != nil {
		t.Fatal(err)
	}
	if err := certificates.LoadAlipayCertPublicKey(certificate(t, 4711)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*official.Client{"public key": public, "certificate": certificates} {
		for status, want := range map[relay.Status]official.TradeStatus{
			relay.Pending:  official.TradeStatusWaitBuyerPay,
			relay.Paid:     official.TradeStatusSuccess,
			relay.Closed:   official.TradeStatusClosed,
			relay.Refunded: official.TradeStatusClosed,
		} {
			r, err := s.Sign(callback.Notification{Payment: "礼品和贺卡+%=", Status: status, Amount: "88.88"}, testNow)
			if err != nil {
				t.Fatal(err)
			}
			form, err := url.ParseQuery(string(r.Body))
			if err != nil {
				t.Fatal(err)
			}
			n, err := c.DecodeNotification(form)
			if err != nil || n.OutTradeNo != "礼品和贺卡+%=" || n.TradeStatus != want || n.TotalAmount != "88.88" {
				t.Errorf("%s, %s: %+v, %v", name, status, n, err)
			}
			form.Set("total_amount", "0.01")
			if _, err := c.DecodeNotification(form); err == nil {
				t.Errorf("%s, %s: the verifier verifies nothing", name, status)
			}
		}
	}
}

// TestOfficialVerifierKnowsOurSerial: it finds the certificate by the serial number that we compute.
func TestOfficialVerifierKnowsOurSerial(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	c := client(t)
	certificate := certificate(t, 4711)
	if err := c.LoadAlipayCertPublicKey(certificate); err != nil {
		t.Fatal(err)
	}
	serial, _, err := parseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(with(t, s, nil))
	if err != nil {
		t.Fatal(err)
	}
	form.Set("alipay_cert_sn", serial)
	if err := c.VerifySign(form); err != nil {
		t.Errorf("%s: %v", serial, err)
	}
	form.Set("alipay_cert_sn", "x"+serial)
	if err := c.VerifySign(form); err == nil {
		t.Error("the verifier does not look at the serial")
	}
}

func TestOfficialSignaturesAreAccepted(t *testing.T) {
	o, key := throwaway()
	private, s := privateKey(t), mustSigner(t, o, key)
	o.Certificates = callback.List{certificate(t, 4711)}
	o.SignTypes = callback.List{"RSA2", "RSA"}
	serial, _, err := parseCertificate(o.Certificates[0])
	if err != nil {
		t.Fatal(err)
	}
	p := mustNew(t, o)
	for signType, hash := range map[string]crypto.Hash{"RSA2": crypto.SHA256, "RSA": crypto.SHA1} {
		for name, extra := range map[string]map[string]string{
			"plain":         nil,
			"characters":    {"subject": "会员充值 100% + 礼品&贺卡 = 开心", "passback_params": "a%3d1%26b"},
			"empty":         {"body": "", "refund_fee": ""},
			"serial":        {"alipay_cert_sn": serial},
			"serial, empty": {"alipay_cert_sn": serial, "body": ""},
		} {
			form := url.Values{}
			for k, v := range values(t, s, callback.Notification{Payment: "A-1"}) {
				form.Set(k, v)
			}
			for k, v := range extra {
				form.Set(k, v)
			}
			form.Set("sign_type", signType)
			form.Set("sign", officialSignature(t, private, hash, form))
			if e := accepted(t, p, form.Encode()); e.Payment != "A-1" || e.Status != relay.Paid {
				t.Errorf("%s, %s: %+v", signType, name, e)
			}
		}
	}
}

func officialSignature(t *testing.T, key *rsa.PrivateKey, hash crypto.Hash, form url.Values) string {
	t.Helper()
	signer := nsign.New(nsign.WithMethod(nsign.NewRSAMethod(hash, key, nil)), nsign.WithEncoder(&official.Encoder{}))
	signature, err := signer.SignValues(form, nsign.WithIgnore("sign", "sign_type", "alipay_cert_sn"))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}
