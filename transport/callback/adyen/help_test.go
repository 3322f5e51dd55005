package adyen_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/adyen"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) adyen.Options {
	t.Helper()
	o, key, err := adyen.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	o.MerchantAccount = callback.List{"Shop"}
	return o
}

func provider(t testing.TB, o adyen.Options) *adyen.Provider {
	t.Helper()
	p, err := adyen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, o adyen.Options) *adyen.Signer {
	t.Helper()
	s, err := adyen.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mac is Adyen's rule written down a second time: the key from hex, the result in base64.
func mac(t testing.TB, key, text string) string {
	t.Helper()
	secret, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// eight are the signed fields of an item, in their order: pspReference, originalReference, merchantAccountCode,
// merchantReference, amount.value, amount.currency, eventCode, success.
type eight [8]string

// paid is an authorised payment.
var paid = eight{"PSP1", "", "Shop", "order-1", "1130", "EUR", "AUTHORISATION", "true"}

// with returns f with the field at i changed.
func (f eight) with(i int, value string) eight {
	f[i] = value
	return f
}

// object is an item with a signature, with fields that are not signed as other says.
func (f eight) object(signature string, other map[string]any) map[string]any {
	o := map[string]any{
		"additionalData":      map[string]any{"hmacSignature": signature},
		"amount":              map[string]any{"value": f[4], "currency": f[5]},
		"eventCode":           f[6],
		"merchantAccountCode": f[2],
		"merchantReference":   f[3],
		"originalReference":   f[1],
		"pspReference":        f[0],
		"success":             f[7],
	}
	for name, value := range other {
		o[name] = value
	}
	return o
}

// signed is f as an item that the first of o's keys signed.
func (f eight) signed(t testing.TB, o adyen.Options) map[string]any {
	t.Helper()
	return f.object(mac(t, o.HMACKeys[0], strings.Join(f[:], ":")), nil)
}

// post is the call of the items.
func post(t testing.TB, items ...map[string]any) callback.Request {
	t.Helper()
	wrapped := make([]any, len(items))
	for i, item := range items {
		wrapped[i] = map[string]any{"NotificationRequestItem": item}
	}
	body, err := json.Marshal(map[string]any{"live": "false", "notificationItems": wrapped})
	if err != nil {
		t.Fatal(err)
	}
	return callback.Request{Method: http.MethodPost, Header: http.Header{}, Body: body}
}

// one parses a call of one item and returns its event.
func one(t testing.TB, o adyen.Options, f eight) callback.Event {
	t.Helper()
	events, err := provider(t, o).Parse(post(t, f.signed(t, o)), at)
	if err != nil || len(events) != 1 {
		t.Fatalf("%q: %+v, %v; want one event", f, events, err)
	}
	return events[0]
}

// refused checks that the call is refused for the reason.
func refused(t testing.TB, what string, o adyen.Options, r callback.Request, want callback.Reason) {
	t.Helper()
	events, err := provider(t, o).Parse(r, at)
	if err == nil || len(events) != 0 || callbacktest.ReasonOf(t, err) != want {
		t.Errorf("%s: %+v, %v; want %s", what, events, err, want)
		return
	}
	for _, key := range append([]string{o.Password}, o.HMACKeys...) {
		if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%s: the refusal repeats a secret: %v", what, err)
		}
	}
}
