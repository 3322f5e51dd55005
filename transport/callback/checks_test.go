package callback_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestHeaderMustBeThereOnce(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   callback.Reason
	}{
		{[]string{"v"}, ""},
		{nil, callback.MissingHeader},
		{[]string{""}, callback.MissingHeader},
		{[]string{"v", "v"}, callback.DuplicateHeader},
		{[]string{"v", ""}, callback.DuplicateHeader},
	} {
		got, refusal := callback.Header(http.Header{"X-Signature": c.values}, "x-signature")
		if c.want == "" && (refusal != nil || got != "v") || c.want != "" && (refusal == nil || refusal.Reason != c.want) {
			t.Errorf("%q: %q, %v; want %q", c.values, got, refusal, c.want)
		}
	}
}

func TestTimestampIsDigits(t *testing.T) {
	if at, refusal := callback.Timestamp("1795312800"); refusal != nil || at.Unix() != 1795312800 {
		t.Errorf("%v, %v", at, refusal)
	}
	for _, text := range []string{"", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x1", "１", strings.Repeat("9", 19), strings.Repeat("9", 30)} {
		if at, refusal := callback.Timestamp(text); refusal == nil || refusal.Reason != callback.Malformed {
			t.Errorf("%q: %v, %v", text, at, refusal)
		}
	}
	now := time.Unix(1795312800, 0)
	if got := callback.Age(now, now.Add(-90*time.Second)); got != "signed 1m30s before this clock" {
		t.Error(got)
	}
}

func TestWindow(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: 300 * time.Second, time.Minute: time.Minute} {
		if got, err := callback.Window(configured, 300*time.Second); err != nil || got != want {
			t.Errorf("%s: %s, %v", configured, got, err)
		}
	}
	if _, err := callback.Window(-1, time.Minute); err == nil {
		t.Error("a negative tolerance")
	}
}

func TestList(t *testing.T) {
	for text, want := range map[string]callback.List{
		"a": {"a"}, "[a, b]": {"a", "b"}, "[]": {}, `"0123"`: {"0123"}, "0123": {"0123"},
	} {
		var l callback.List
		if err := yaml.Unmarshal([]byte(text), &l); err != nil || !slices.Equal(l, want) {
			t.Errorf("%s: %q, %v", text, l, err)
		}
	}
	var l callback.List
	if err := yaml.Unmarshal([]byte("{a: b}"), &l); err == nil {
		t.Error("a map is a list")
	}
	l = callback.List{"a", "b"}
	for got, want := range map[string]bool{"a": true, "b": true, "c": false, "": true, "A": false} {
		if l.Allows(got) != want {
			t.Errorf("%q: %v", got, !want)
		}
	}
	if !callback.List(nil).Allows("x") || l.First("x") != "a" || callback.List(nil).First("x") != "x" {
		t.Error("what is not configured allows everything, and has no first")
	}
}

func TestPaymentOnly(t *testing.T) {
	for _, f := range []callback.Fields{{}, {Payment: "a"}} {
		if err := f.PaymentOnly(); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, f := range []callback.Fields{{Status: "a"}, {Payment: "a", Amount: "b"}, {Currency: "a"}} {
		if f.PaymentOnly() == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

func TestRefusalsSayTheirReason(t *testing.T) {
	for want, r := range map[string]*callback.Refusal{
		"callback: probe":                  callback.Refuse(callback.Probe, ""),
		"callback: unknown_key: not there": callback.Refuse(callback.UnknownKey, "not there"),
		"callback: malformed: no id":       callback.Reject("no id"),
	} {
		if r.Error() != want {
			t.Errorf("%v, want %s", r, want)
		}
	}
}

// A refusal is told by what it is, however it is wrapped.
func TestFailureStatus(t *testing.T) {
	for status, err := range map[int]error{
		400: callback.Reject("x"),
		401: callback.Refuse(callback.BadSignature, "x"),
		405: callback.Refuse(callback.MethodNotAllowed, "x"),
		413: fmt.Errorf("wrapped: %w", callback.Refuse(callback.TooLarge, "x")),
		503: errors.New("disk: append: no space"),
	} {
		if got := callback.FailureStatus(err); got != status {
			t.Errorf("%v: %d, want %d", err, got, status)
		}
	}
}

func TestBase64HasOneSpelling(t *testing.T) {
	if b, err := callback.Base64("aGk="); err != nil || string(b) != "hi" {
		t.Errorf("%q, %v", b, err)
	}
	for _, text := range []string{"aGk", "aGl=", "aG\nk=", "aGk=\r\n", " aGk=", "aGk=="} {
		if b, err := callback.Base64(text); err == nil {
			t.Errorf("%q decodes as %q", text, b)
		}
	}
}
