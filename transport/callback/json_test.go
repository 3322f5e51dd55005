package callback_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestParseObject(t *testing.T) {
	object, refusal := callback.ParseObject([]byte(` {"a":{"b":"c"}} `), "the body")
	if refusal != nil || object.Get("a.b").Str != "c" {
		t.Errorf("%v, %v", object, refusal)
	}
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	for text, want := range map[string]string{
		"": "is not JSON", "{": "is not JSON", "{} {}": "is not JSON", "\xef\xbb\xbf{}": "is not JSON", deep: "is not JSON",
		"[]": "is not a JSON object", "null": "is not a JSON object", `"{}"`: "is not a JSON object", "7": "is not a JSON object",
	} {
		_, refusal := callback.ParseObject([]byte(text), "the body")
		if refusal == nil || !refusal.Genuine || refusal.Reason != callback.Malformed || refusal.Detail != "the body "+want {
			t.Errorf("%.20q: %v, want %s", text, refusal, want)
		}
	}
}

func TestTextIsAsWritten(t *testing.T) {
	for json, want := range map[string]string{
		`"订单\u0031"`: "订单1", `""`: "", `12345678901234567890.10`: "12345678901234567890.10", `1e3`: "1e3", `-0`: "-0",
		`null`: "", `true`: "", `{"a":1}`: "", `["a"]`: "",
	} {
		if got := callback.Text(gjson.Parse(json)); got != want {
			t.Errorf("%s: %q, want %q", json, got, want)
		}
	}
	if got := callback.Text(gjson.Get(`{}`, "a")); got != "" {
		t.Errorf("absent: %q", got)
	}
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"pi_1": "pi_1", "订单 1": "订单 1", "": "", "a\x1b[2J": "", "\xff": "", strings.Repeat("a", 129): "",
	} {
		if got := callback.Printable(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
