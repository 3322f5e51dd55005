package scheme_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// sign returns the body and the headers of the callback that says n.
func sign(t testing.TB, s *scheme.Scheme[settings], o settings, n callback.Notification) (gjson.Result, http.Header) {
	t.Helper()
	r, err := signer(t, s, o).Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != http.MethodPost || r.URL.Host != "" || !json.Valid(r.Body) {
		t.Fatalf("signed %s %s %s", r.Method, r.URL, r.Body)
	}
	return gjson.ParseBytes(r.Body), r.Header
}

var full = callback.Notification{Payment: "order 1001/é <&>", Status: relay.Paid, Amount: "129.50", Currency: "EUR",
	ID: "evt_full", TransactionID: "pay_full", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	s := declare(reading, order())
	statuses := []relay.Status{relay.Paid, relay.Closed, relay.Pending, relay.Failed}
	callbacktest.RoundTrips(t, open(t, s, keyed()), signer(t, s, keyed()), full, statuses...)
	callbacktest.RoundTrips(t, open(t, s, keyed()), signer(t, s, keyed()), callback.Notification{}, statuses...)
	o := keyed()
	o.Fields.Payment = "data.made.up.order"
	callbacktest.RoundTrips(t, open(t, s, o), signer(t, s, o), full, statuses...)
	for currency, amount := range map[string]relay.Amount{"JPY": "1500", "KWD": "1.234", "EUR": "0.01"} {
		n := full
		n.Currency, n.Amount = currency, amount
		callbacktest.RoundTrips(t, open(t, s, keyed()), signer(t, s, keyed()), n, statuses...)
	}
}

func TestSignerChoosesTheWords(t *testing.T) {
	s := declare(reading, order())
	for status, want := range map[relay.Status]string{
		relay.Paid: "order.paid done", relay.Closed: "order.gone gone", relay.Pending: "order.updated open", relay.Failed: "order.updated bad",
	} {
		n := full
		n.Status = status
		if body, _ := sign(t, s, keyed(), n); body.Get("type").Str+" "+body.Get("data.status").Str != want {
			t.Errorf("%s: %s, want %s", status, body.Raw, want)
		}
	}
}

func TestStatusesThatThereAreNot(t *testing.T) {
	for status, kinds := range map[relay.Status][]scheme.Kind{relay.Refunded: {order()}, relay.Paid: nil, "": {order()},
		"nonsense": {order()}} {
		n := full
		n.Status = status
		_, err := signer(t, declare(reading, kinds...), keyed()).Sign(n, at)
		want := "there are some for closed, failed, paid, pending"
		if kinds == nil {
			want = "no callbacks about payments"
		}
		if err == nil || !strings.HasPrefix(err.Error(), "shop: sign: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", status, err, want)
		}
	}
}

// Numbers stay numbers where the provider writes numbers, and texts stay texts.
func TestNumbersStayNumbers(t *testing.T) {
	k := order()
	k.Payment = []string{"data.order"}
	k.Example = `{"id":7,"type":"","created":1,"data":{"id":9007199254740993,"order":820982911946154508,"status":"","amount":1,
		"currency":"EUR","kept":12345678901234567890,"price":1.10}}`
	s := declare(reading, k)
	n := full
	n.Payment, n.ID, n.TransactionID = "18446744073709551615", "9007199254740995", "9007199254740997"
	body, _ := sign(t, s, keyed(), n)
	for path, want := range map[string]string{
		"id": "9007199254740995", "created": "1795312798", "data.id": "9007199254740997",
		"data.order":  "18446744073709551615",
		"data.amount": "12950", "data.kept": "12345678901234567890", "data.price": "1.10",
	} {
		if got := body.Get(path).Raw; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	k.Example = strings.Replace(k.Example, `"amount":1`, `"amount":"1"`, 1)
	if body, _ := sign(t, declare(reading, k), keyed(), n); body.Get("data.amount").Raw != `"12950"` {
		t.Errorf("%s: an amount that was text is none", body.Raw)
	}
	for _, payment := range []string{"order-1", "true", "null", "{}", `"x"`, "[1]", " 1", "1 ", "1\u00a0", "+1", "-",
		"01", "0x1", "1e", ".5"} {
		n.Payment = payment
		if body, _ := sign(t, s, keyed(), n); body.Get("data.order").Type != gjson.String ||
			body.Get("data.order").Str != payment {
			t.Errorf("%q was written as %s", payment, body.Get("data.order").Raw)
		}
	}
	for _, payment := range []string{"-1", "1.50", "1e5", "0"} {
		n.Payment = payment
		if body, _ := sign(t, s, keyed(), n); body.Get("data.order").Raw != payment {
			t.Errorf("%q was written as %s", payment, body.Get("data.order").Raw)
		}
	}
}

func TestAnObjectInPlaceOfAnEmptyArray(t *testing.T) {
	body, _ := sign(t, declare(reading, order()), keyed(), full)
	if got := body.Get("data.meta").Raw; got != `{"order":"order 1001/é <&>"}` {
		t.Errorf("%s, want an object, and characters as they are", got)
	}
}

func TestPathsThatCannotBeWritten(t *testing.T) {
	for _, path := range []string{"data.meta.#.x", "data.*", "@this", "data.id.x", "data.amount.0", "a..b", ".",
		"data.meta|x", "lists.5"} {
		k := order()
		k.Example = strings.Replace(k.Example, "{", `{"lists":[1],`, 1)
		o := keyed()
		o.Fields.Payment = path
		_, err := signer(t, declare(reading, k), o).Sign(full, at)
		if err == nil || !strings.Contains(err.Error(), "shop: sign: fields: ") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSignedAmounts(t *testing.T) {
	s := declare(reading, order())
	for amount, currency := range map[relay.Amount]string{"1.234": "EUR", "0.5": "JPY", "1": "XXX", "x": "EUR",
		"1,50": "EUR"} {
		n := full
		n.Amount, n.Currency = amount, currency
		if r, err := signer(t, s, keyed()).Sign(n, at); err == nil {
			t.Errorf("%s %s: signed %s", amount, currency, r.Body)
		}
	}
	k := order()
	k.Major = true
	n := full
	for _, amount := range []relay.Amount{"x", "1,50", "1e3", " 1"} {
		n.Amount = amount
		if r, err := signer(t, declare(reading, k), keyed()).Sign(n, at); err == nil {
			t.Errorf("%q: signed %s", amount, r.Body)
		}
	}
	n.Amount, n.Currency = "1.2345", "USDC"
	if body, _ := sign(t, declare(reading, k), keyed(), n); body.Get("data.amount").Raw != "1.2345" ||
		body.Get("data.currency").Str != "USDC" {
		t.Errorf("%s", body.Raw)
	}
}

// Some providers' minor units are not those of ISO 4217.
func TestDecimals(t *testing.T) {
	r := reading
	r.Decimals = map[string]int{"CLP": 2, "EUR": 0, "CNH": 2} // ISO 4217 does not know CNH
	s := declare(r, order())
	for _, c := range []struct{ minor, currency, want string }{
		{"129900", "CLP", "1299.00"}, {"5", "clp", "0.05"}, {"12", "EUR", "12"}, {"12", "USD", "0.12"},
		{"12", "CNH", "0.12"},
	} {
		body := `{"id":"e","type":"order.paid","data":{"id":"p","amount":` + c.minor + `,"currency":"` + c.currency + `"}}`
		if e := one(t, s, body); string(e.Amount) != c.want {
			t.Errorf("%s: %q, want %q", body, e.Amount, c.want)
		}
	}
	for _, amount := range []string{`1.5`, `-1`, `"x"`, strings.Repeat("9", 90), `"` + strings.Repeat("9", 80) + `"`} {
		rejected(t, s, `{"id":"e","type":"order.paid","data":{"id":"p","amount":`+amount+`,"currency":"CLP"}}`)
	}
	n := full
	n.Amount, n.Currency = "1299", "CLP"
	callbacktest.RoundTrips(t, open(t, s, keyed()), signer(t, s, keyed()), n, relay.Paid, relay.Closed, relay.Pending,
		relay.Failed)
	if body, _ := sign(t, s, keyed(), n); body.Get("data.amount").Raw != "129900" {
		t.Errorf("%s", body.Raw)
	}
}

func TestSignerSetsHeadersAndAccount(t *testing.T) {
	r := scheme.Reading{
		ID: scheme.In("X-Id"), Type: scheme.At("type"), TypeEcho: "X-Type", Account: scheme.In("X-Account"),
		Headers: map[string]string{"X-Id": "7895a8bd-0e87", "X-Account": "acc_example", "User-Agent": "Shop/1"},
	}
	s := declare(r, order())
	_, h := sign(t, s, keyed(), full)
	for name, want := range map[string]string{"X-Id": "evt_full", "X-Type": "order.paid", "X-Account": "acc_example",
		"User-Agent": "Shop/1",
		header:       token, "Content-Type": "application/json"} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	o := keyed()
	o.Account = callback.List{"acc_mine", "acc_other"}
	if _, h := sign(t, s, o, full); h.Get("X-Account") != "acc_mine" {
		t.Errorf("account %q, want the first that is configured", h.Get("X-Account"))
	}
	r.Account = scheme.At("account.id")
	if body, _ := sign(t, declare(r, order()), o, full); body.Get("account.id").Str != "acc_mine" {
		t.Errorf("%s", body.Raw)
	}
}

// Ids that nobody named look like the provider's: the same for one payment, others for each event.
func TestIDsLookLikeTheExamples(t *testing.T) {
	k := order()
	k.Refund = "data.refund"
	k.Example = strings.Replace(k.Example, `"meta":[]`, `"meta":[],"refund":509562969`, 1)
	s := declare(reading, k)
	n := callback.Notification{Payment: "o-1", Status: relay.Paid}
	a, _ := sign(t, s, keyed(), n)
	b, _ := sign(t, s, keyed(), n)
	n.Payment = "o-2"
	c, _ := sign(t, s, keyed(), n)
	if a.Get("data.id").Str != b.Get("data.id").Str {
		t.Errorf("transactions %s and %s of one payment", a.Get("data.id"), b.Get("data.id"))
	}
	for _, r := range []gjson.Result{a, b, c} {
		for path, shape := range map[string]string{
			"id": `^evt_[1-9][a-f]$`, "data.id": `^pay_[1-9][g-z]$`, "data.refund": `^[1-9]0[1-9]{7}$`,
		} {
			if id := r.Get(path); !regexp.MustCompile(shape).MatchString(id.String()) {
				t.Errorf("%s is %s, which does not look like the example's", path, id.Raw)
			}
		}
	}
}

func TestSignerTakesAnotherKey(t *testing.T) {
	s := declare(reading, order())
	with, err := s.NewSigner(keyed(), "another")
	if err != nil {
		t.Fatal(err)
	}
	r, err := with.Sign(full, at)
	if err != nil || r.Header.Get(header) != "another" {
		t.Errorf("%v, %v", r.Header, err)
	}
	if _, err := open(t, s, keyed()).Parse(r, at); callbacktest.ReasonOf(t, err) != callback.BadSignature {
		t.Errorf("%v", err)
	}
	if _, err := s.NewSigner(settings{KeysName: "tokens"}, ""); err == nil || !strings.Contains(err.Error(), "set tokens") {
		t.Errorf("%v", err)
	}
	if _, err := s.NewSigner(keyed(), " "+token); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("%v", err)
	}
}

func TestFreshSecrets(t *testing.T) {
	a, b := scheme.FreshSecrets("whsec_"), scheme.FreshSecrets("whsec_")
	if len(a) != 2 || a[0] == a[1] || a[0] == b[0] || len(a[0]) < 6+40 || !strings.HasPrefix(a[1], "whsec_") {
		t.Errorf("%d secrets of %d characters, or the same twice", len(a), len(a[0]))
	}
}
