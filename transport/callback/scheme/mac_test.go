package scheme_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

const body = `{"amount":1.50,"note":"ü"}`

// form is a MAC, and the headers that prove body in it under the key "k", computed without it.
type form struct {
	mac     scheme.MAC
	headers []string // name and value in turn; the signature is in the last
	free    bool     // the body is not signed
}

func forms() map[string]form {
	b64 := base64.StdEncoding.EncodeToString
	return map[string]form{
		"nothing but a header": {mac: scheme.MAC{Header: "X-Sig"},
			headers: []string{"X-Sig", hexMAC(sha256.New, "k", body)}},
		"base64": {mac: scheme.MAC{Header: "X-Sig", Encoding: scheme.Base64},
			headers: []string{"X-Sig", b64(mac(sha256.New, "k", body))}},
		"SHA-512": {mac: scheme.MAC{Header: "X-Sig", Hash: sha512.New},
			headers: []string{"X-Sig", hexMAC(sha512.New, "k", body)}},
		"SHA-512 in base64": {mac: scheme.MAC{Header: "X-Sig", Hash: sha512.New, Encoding: scheme.Base64},
			headers: []string{"X-Sig", b64(mac(sha512.New, "k", body))}},
		"SHA-1": {mac: scheme.MAC{Header: "X-Sig", Hash: sha1.New},
			headers: []string{"X-Sig", hexMAC(sha1.New, "k", body)}},
		"prefix": {mac: scheme.MAC{Header: "X-Sig", Prefix: "sha256="},
			headers: []string{"X-Sig", "sha256=" + hexMAC(sha256.New, "k", body)}},
		"URL in front of the body": {
			mac:     scheme.MAC{Header: "X-Sig", Signed: []scheme.Part{scheme.URL, scheme.Body}},
			headers: []string{"X-Sig", hexMAC(sha256.New, "k", notified+body)}},
		"text behind the body": {
			mac: scheme.MAC{Header: "X-Sig", Signed: []scheme.Part{scheme.Text("<"), scheme.Body, scheme.Text(">"),
				scheme.URL}},
			headers: []string{"X-Sig", hexMAC(sha256.New, "k", "<"+body+">"+notified)}},
		"items": {
			mac: scheme.MAC{Header: "X-Sig", Items: scheme.Items{Separator: ";", Time: "ts", Signature: "h1"},
				Signed: []scheme.Part{scheme.Timestamp, scheme.Text(":"), scheme.Body}},
			headers: []string{"X-Sig", "ts=" + stamp + ";h1=" + hexMAC(sha256.New, "k", stamp+":"+body)}},
		"items without a time": {
			mac:     scheme.MAC{Header: "X-Sig", Items: scheme.Items{Separator: ",", Signature: "v1"}},
			headers: []string{"X-Sig", "v1=" + hexMAC(sha256.New, "k", body)}},
		"items with a prefix": {
			mac: scheme.MAC{Header: "X-Sig", Prefix: "0x", Items: scheme.Items{Separator: ",", Time: "t", Signature: "v1"},
				Signed: []scheme.Part{scheme.Timestamp, scheme.Body}},
			headers: []string{"X-Sig", "t=" + stamp + ",v1=0x" + hexMAC(sha256.New, "k", stamp+body)}},
		"a header with the time": {
			mac: scheme.MAC{Header: "X-Sig", TimeHeader: "X-Time",
				Signed: []scheme.Part{scheme.Timestamp, scheme.Text("."), scheme.Body}},
			headers: []string{"X-Time", stamp, "X-Sig", hexMAC(sha256.New, "k", stamp+"."+body)}},
		"a header that is signed": {
			mac: scheme.MAC{Header: "X-Sig", Signed: []scheme.Part{scheme.HeaderValue("X-Id"), scheme.Text("|"),
				scheme.Body}},
			headers: []string{"X-Id", "evt 1", "X-Sig", hexMAC(sha256.New, "k", "evt 1|"+body)}},
		"headers alone": {
			mac:     scheme.MAC{Header: "X-Sig", Signed: []scheme.Part{scheme.Text("id:"), scheme.HeaderValue("X-Id")}},
			headers: []string{"X-Id", "evt 1", "X-Sig", hexMAC(sha256.New, "k", "id:evt 1")}, free: true},
	}
}

func TestMAC(t *testing.T) {
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, f.mac, "k")
			r := post(body, f.headers...)
			if refusal := v.Verify(r, at); refusal != nil {
				t.Fatalf("refused: %v", refusal)
			}
			if refusal := v.Verify(r, at); refusal != nil {
				t.Errorf("refused when it is posted again: %v", refusal)
			}
			if got := reason(verifier(t, f.mac, "K").Verify(r, at)); got != callback.BadSignature {
				t.Errorf("with another key: %q", got)
			}
			changed := r
			changed.Body = []byte(body + " ")
			if got := reason(v.Verify(changed, at)); f.free == (got != "") {
				t.Errorf("with another body: %q", got)
			}
			h := make(http.Header)
			for i := 0; i < len(f.headers)-2; i += 2 {
				h.Set(f.headers[i], f.headers[i+1])
			}
			if err := v.Sign(h, []byte(body), at); err != nil {
				t.Fatal(err)
			}
			if len(h) != len(r.Header) {
				t.Errorf("Sign: %v", h)
			}
			for name := range r.Header {
				if h.Get(name) != r.Header.Get(name) {
					t.Errorf("Sign: %s: %s, want %s", name, h.Get(name), r.Header.Get(name))
				}
			}
		})
	}
}

// Every other way to write the same bytes is refused: a proxy or a person that respells a signature has touched the call.
func TestASignatureHasOneSpelling(t *testing.T) {
	for name, f := range forms() {
		good := f.headers[len(f.headers)-1]
		cut := strings.LastIndexByte(strings.TrimRight(good, "="), '=') + 1
		front, signature := good[:cut], good[cut:]
		for what, spelling := range map[string]string{
			"upper case":        front + strings.ToUpper(signature),
			"lower case":        front + strings.ToLower(signature),
			"space in front":    " " + good,
			"space behind":      good + " ",
			"tab behind":        good + "\t",
			"line end behind":   good + "\n",
			"line end inside":   good[:len(good)-8] + "\r\n" + good[len(good)-8:],
			"no padding":        strings.TrimRight(good, "="),
			"more padding":      good + "=",
			"much padding":      good + "====",
			"URL alphabet":      front + strings.NewReplacer("+", "-", "/", "_").Replace(signature),
			"0x":                front + "0x" + signature,
			"a byte more":       good + "00",
			"a digit less":      good[:len(good)-1],
			"half":              front + signature[:len(signature)/2],
			"quotes":            front + `"` + signature + `"`,
			"front in capitals": strings.ToUpper(front) + signature,
			"prefix twice":      front + f.mac.Prefix + signature,
			"no front":          signature,
			"space in between":  front + " " + signature,
			"empty":             front,
			"a comma behind":    good + ",",
		} {
			if spelling == good {
				continue
			}
			r := post(body, f.headers...)
			r.Header.Set("X-Sig", spelling)
			if refusal := verifier(t, f.mac, "k").Verify(r, at); refusal == nil {
				t.Errorf("%s: accepted with %s: %q", name, what, spelling)
			}
		}
	}
}

// The last character of base64 without a remainder has bits that belong to no byte.
func TestBase64HasNoSpareBits(t *testing.T) {
	m := scheme.MAC{Header: "X-Sig", Encoding: scheme.Base64}
	good := base64.StdEncoding.EncodeToString(mac(sha256.New, "k", body))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	same := 0
	for _, c := range alphabet {
		other := good[:42] + string(c) + "="
		if other == good {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(other)
		if err == nil && string(sum) == string(mac(sha256.New, "k", body)) {
			same++
		}
		if verifier(t, m, "k").Verify(post(body, "X-Sig", other), at) == nil {
			t.Errorf("accepted %s for %s", other, good)
		}
	}
	if same != 3 {
		t.Errorf("%d other texts decode to the same bytes, want 3: the test shows nothing", same)
	}
}

func TestHeadersAreThereOnce(t *testing.T) {
	for name, f := range forms() {
		for i := 0; i < len(f.headers); i += 2 {
			missing := post(body, f.headers...)
			missing.Header.Del(f.headers[i])
			empty := post(body, f.headers...)
			empty.Header.Set(f.headers[i], "")
			twice := post(body, f.headers...)
			twice.Header.Add(f.headers[i], f.headers[i+1])
			v := verifier(t, f.mac, "k")
			for _, c := range []struct {
				what string
				r    callback.Request
				want callback.Reason
			}{
				{"missing", missing, callback.MissingHeader},
				{"empty", empty, callback.MissingHeader},
				{"twice", twice, callback.DuplicateHeader},
			} {
				if got := reason(v.Verify(c.r, at)); got != c.want {
					t.Errorf("%s: %s %s: %q, want %q", name, f.headers[i], c.what, got, c.want)
				}
			}
		}
	}
	f := forms()["a header that is signed"]
	if err := verifier(t, f.mac, "k").Sign(make(http.Header), []byte(body), at); err == nil {
		t.Error("signed without the header that is signed")
	}
}

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		key  func(string) ([]byte, error)
		text string
	}{
		"as it is": {nil, "\x00\xffk"},
		"hex":      {scheme.HexKey, hex.EncodeToString([]byte("\x00\xffk"))},
		"base64":   {scheme.Base64Key, base64.StdEncoding.EncodeToString([]byte("\x00\xffk"))},
	} {
		v := verifier(t, scheme.MAC{Header: "X-Sig", Key: c.key}, c.text)
		if refusal := v.Verify(post(body, "X-Sig", hexMAC(sha256.New, "\x00\xffk", body)), at); refusal != nil {
			t.Errorf("%s: %v", name, refusal)
		}
	}
}

// While a secret is replaced, callbacks of either are taken, and the Signer signs with the first.
func TestRotation(t *testing.T) {
	m := scheme.MAC{Header: "X-Sig"}
	v := verifier(t, m, "fresh", "old")
	for _, key := range []string{"fresh", "old"} {
		if refusal := v.Verify(post(body, "X-Sig", hexMAC(sha256.New, key, body)), at); refusal != nil {
			t.Errorf("%s: %v", key, refusal)
		}
	}
	if got := reason(v.Verify(post(body, "X-Sig", hexMAC(sha256.New, "older", body)), at)); got != callback.BadSignature {
		t.Errorf("a key that is not listed: %q", got)
	}
	h := make(http.Header)
	if err := v.Sign(h, []byte(body), at); err != nil || h.Get("X-Sig") != hexMAC(sha256.New, "fresh", body) {
		t.Errorf("Sign: %v, %v", h, err)
	}
}

func TestMACNamesTheSetting(t *testing.T) {
	const secret = "topsecret"
	for name, c := range map[string]struct {
		mac  scheme.MAC
		set  scheme.Settings
		want string
	}{
		"no key":       {scheme.MAC{}, scheme.Settings{}, "set secrets to"},
		"an empty key": {scheme.MAC{}, scheme.Settings{Keys: []string{secret, ""}}, "secrets: number 2 is empty"},
		"white space": {scheme.MAC{}, scheme.Settings{Keys: []string{secret + "\n"}},
			"secrets: number 1 is empty or has white space"},
		"no hex": {scheme.MAC{Key: scheme.HexKey}, scheme.Settings{Keys: []string{"00", secret}},
			"secrets: number 2 is not hex"},
		"odd hex": {scheme.MAC{Key: scheme.HexKey}, scheme.Settings{Keys: []string{"0"}},
			"secrets: number 1 is not hex"},
		"no base64": {scheme.MAC{Key: scheme.Base64Key}, scheme.Settings{Keys: []string{secret}},
			"secrets: number 1 is not base64"},
		"padding": {scheme.MAC{Key: scheme.Base64Key}, scheme.Settings{Keys: []string{"AAA"}},
			"secrets: number 1 is not base64"},
		"no URL": {scheme.MAC{Signed: []scheme.Part{scheme.URL}}, scheme.Settings{Keys: []string{secret}},
			"notification_url: set it"},
		"tolerance": {scheme.MAC{}, scheme.Settings{Keys: []string{secret}, Tolerance: -1},
			"tolerance: -1ns is negative"},
		"a wide space": {scheme.MAC{}, scheme.Settings{Keys: []string{"\u00a0" + secret}},
			"number 1 is empty or has white space"},
	} {
		c.set.KeysName, c.set.URLName = "secrets", "notification_url"
		_, err := c.mac.New(c.set)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %q and no secret", name, err, c.want)
		}
	}
}

func TestRefusalsRepeatNoSecret(t *testing.T) {
	for name, f := range forms() {
		v := verifier(t, f.mac, "topsecret")
		for _, value := range []string{f.headers[len(f.headers)-1], "ts=1;h1=forgery", "forgery",
			strings.Repeat("forgery,", 30)} {
			r := post(body, f.headers...)
			r.Header.Set("X-Sig", value)
			refusal := v.Verify(r, at)
			if refusal == nil {
				t.Errorf("%s: accepted %s", name, value)
				continue
			}
			for _, secret := range []string{"topsecret", "forgery", hexMAC(sha256.New, "topsecret", body)} {
				if strings.Contains(refusal.Error(), secret) {
					t.Errorf("%s: %v repeats %s", name, refusal, secret)
				}
			}
		}
	}
}
