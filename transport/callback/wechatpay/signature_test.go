package wechatpay

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestHeadersMustBeThereOnce(t *testing.T) {
	p, s := open(t, nil)
	for _, name := range []string{headerSerial, headerSignature, headerTimestamp, headerNonce, headerType} {
		r := sign(t, s, callback.Notification{})
		r.Header.Add(name, r.Header.Get(name))
		refuses(t, p, r, now, callback.DuplicateHeader)
		r.Header.Del(name)
		if name == headerType {
			parse(t, p, r) // absent, it is the only type supported
			continue
		}
		refuses(t, p, r, now, callback.MissingHeader)
	}
}

func TestOtherSignatureTypesAreUnsupported(t *testing.T) {
	p, s := open(t, nil)
	for _, kind := range []string{"WECHATPAY2-SM2-WITH-SM3", "WECHATPAY-BRAND-SHA256-RSA2048", "wechatpay2-sha256-rsa2048"} {
		r := sign(t, s, callback.Notification{})
		r.Header.Set(headerType, kind)
		refuses(t, p, r, now, callback.UnsupportedAlgorithm)
	}
}

func TestWindowIsOpenOnBothSides(t *testing.T) {
	for _, c := range []struct {
		tolerance, off time.Duration
		ok             bool
	}{
		{0, 299 * time.Second, true},
		{0, -299 * time.Second, true},
		{0, 300 * time.Second, false},
		{0, -300 * time.Second, false},
		{time.Hour, 59 * time.Minute, true},
		{time.Second, time.Second, false},
	} {
		p, s := open(t, func(o *Options) { o.Tolerance = c.tolerance })
		r := sign(t, s, callback.Notification{})
		if c.ok {
			if _, err := p.Parse(r, now.Add(c.off)); err != nil {
				t.Errorf("tolerance %v, %v off: %v", c.tolerance, c.off, err)
			}
			continue
		}
		refuses(t, p, r, now.Add(c.off), callback.StaleTimestamp)
	}
}

func TestForgedAndStaleIsForged(t *testing.T) {
	p, s := open(t, nil)
	r := sign(t, s, callback.Notification{})
	r.Body = append(r.Body, ' ')
	refuses(t, p, r, now.Add(time.Hour), callback.BadSignature)
}

func TestTimestampsAtTheEndsOfTime(t *testing.T) {
	p, s := open(t, nil)
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(1<<40, 0)} {
		r, err := s.Sign(callback.Notification{}, at)
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, p, r, now, callback.StaleTimestamp)
	}
	r, err := s.Sign(callback.Notification{}, time.Unix(1<<41, 0))
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, p, r, now, callback.Malformed)
}

// WeChat Pay must see its probes refused like any forgery.
func TestProbeIsRefused(t *testing.T) {
	p, s := open(t, nil)
	r, err := s.Probe(callback.Notification{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Header.Get(headerSignature), "WECHATPAY/SIGNTEST/") {
		t.Fatal("a probe without its mark")
	}
	refusal := refuses(t, p, r, now, callback.Probe)
	if p.Answer(refusal) != p.Answer(callback.Refuse(callback.BadSignature, "")) {
		t.Error("a probe is answered otherwise than a forgery")
	}
}

func TestReserialisedBodyIsRefused(t *testing.T) {
	p, s := open(t, nil)
	r, err := s.sign([]byte("{\n \"event_type\": \"PAYSCORE.USER_PAID\" }\r\n"), now)
	if err != nil {
		t.Fatal(err)
	}
	parse(t, p, r)
	var compact bytes.Buffer
	if err := json.Compact(&compact, r.Body); err != nil {
		t.Fatal(err)
	}
	r.Body = compact.Bytes()
	refuses(t, p, r, now, callback.BadSignature)
}

// The APIv3 key opens, it does not prove: what another key signed is refused although it opens.
func TestSealedByAForgerIsRefused(t *testing.T) {
	p, s := open(t, nil)
	o, key, err := Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	o.APIv3Key = s.options.APIv3Key
	forger, err := NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, p, sign(t, forger, callback.Notification{}), now, callback.UnknownKey)
	forger.serial = s.serial
	refuses(t, p, sign(t, forger, callback.Notification{}), now, callback.BadSignature)
}

func TestBytesCannotMoveBetweenNonceAndBody(t *testing.T) {
	p, s := open(t, nil)
	whole := sign(t, s, callback.Notification{}).Body
	r, err := s.sign(append([]byte("x\n"), whole...), now)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(headerNonce, r.Header.Get(headerNonce)+"\nx")
	r.Body = whole
	refuses(t, p, r, now, callback.Malformed)
}
