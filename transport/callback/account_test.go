package callback_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/alipay"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
)

// account is a provider's account that exists nowhere.
type account struct {
	callback.Provider
	callback.Signer
	key     string // the provider's private key, if it has one
	secrets []string
}

// accounts are one of each adapter, by the name that their source has. Making RSA keys takes long.
var accounts = sync.OnceValue(func() map[string]account {
	return map[string]account{
		"wechat": open(wechatpay.New, wechatpay.NewSigner, wechatpay.Throwaway,
			func(o wechatpay.Options) []string { return []string{o.APIv3Key} }),
		"alipay": open(alipay.New, alipay.NewSigner, alipay.Throwaway,
			func(alipay.Options) []string { return nil }),
		"stripe": open(stripe.New, stripe.NewSigner, stripe.Throwaway,
			func(o stripe.Options) []string { return o.Secrets }),
		"erp": open(standard.New, standard.NewSigner, standard.Throwaway,
			func(o standard.Options) []string { return o.Secrets }),
	}
})

func open[O any, P callback.Provider, S callback.Signer](build func(O) (P, error), sign func(O, string) (S, error),
	throwaway func() (O, string, error), secrets func(O) []string,
) account {
	o, key, err := throwaway()
	must(err)
	p, err := build(o)
	must(err)
	s, err := sign(o, key)
	must(err)
	a := account{Provider: p, Signer: s, key: key, secrets: secrets(o)}
	if key != "" {
		a.secrets = append(a.secrets, key)
	}
	return a
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// each runs a test for every adapter.
func each(t *testing.T, f func(t *testing.T, name string, a account)) {
	for _, name := range slices.Sorted(maps.Keys(accounts())) {
		t.Run(name, func(t *testing.T) { f(t, name, accounts()[name]) })
	}
}

func (a account) sign(t testing.TB, n callback.Notification) callback.Request {
	t.Helper()
	if n.Currency == "" {
		n.Currency = "CNY" // Alipay has no other
	}
	r, err := a.Sign(n, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// notice signs Alipay's ordinary paid notice with some parameters changed; those set to "" are removed.
func notice(t testing.TB, changes map[string]string) callback.Request {
	t.Helper()
	a := accounts()["alipay"]
	r := a.sign(t, callback.Notification{Status: relay.Paid, Payment: "A-1", Amount: "88.88", TransactionID: "T-1"})
	form, err := url.ParseQuery(string(r.Body))
	must(err)
	form.Del("sign")
	form.Del("sign_type")
	for name, value := range changes {
		form.Set(name, value)
		if value == "" {
			form.Del(name)
		}
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		pairs = append(pairs, name+"="+form.Get(name))
	}
	block, _ := pem.Decode([]byte(a.key))
	key, err := callback.ParseRSAPrivate(block.Bytes)
	must(err)
	digest := sha256.Sum256([]byte(strings.Join(pairs, "&")))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	must(err)
	form.Set("sign", base64.StdEncoding.EncodeToString(signature))
	form.Set("sign_type", "RSA2")
	r.Body = []byte(form.Encode())
	return r
}
