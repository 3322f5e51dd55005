package scheme_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// reading and order are declarations that use most of the words.
var reading = scheme.Reading{ID: scheme.At("id"), Type: scheme.At("type"), Time: scheme.At("created")}

func order() scheme.Kind {
	return scheme.Kind{
		Types: []scheme.Meaning{
			{Name: "order.paid", Status: relay.Paid, Word: "done"},
			{Name: "order.gone", Status: relay.Closed, Word: "gone", Ends: true},
			{Name: "order.updated"},
		},
		Word: "data.status",
		Words: []scheme.Meaning{
			{Name: "open", Status: relay.Pending},
			{Name: "done", Status: relay.Paid},
			{Name: "bad", Status: relay.Failed},
		},
		Payment:     []string{"data.meta.order", "data.id"},
		Transaction: "data.id",
		Amount:      "data.amount",
		Currency:    "data.currency",
		Example: `{"id":"evt_1a","type":"order.paid","created":"2026-11-22T02:00:00Z",
			"data":{"id":"pay_9z","status":"done","amount":100,"currency":"EUR","meta":[]}}`,
	}
}

func TestWholeEvent(t *testing.T) {
	r := reading
	r.TypePrefix, r.Derived = "v1.", true
	k := order()
	k.Refund, k.Cumulative = "data.refund", true
	e := one(t, declare(r, k),
		`{"id":"evt_1","type":"order.paid","created":"2026-11-22T10:00:00+08:00","data":{"id":"pay_1",`+
			`"status":"done","amount":1250,"currency":"usd","refund":"re_1","meta":{"order":"o-1"}}}`)
	want := callback.Event{Type: "v1.order.paid", Derived: true, Event: relay.Event{
		ID: "evt_1", Payment: "o-1", Status: relay.Paid, Final: true, Time: at, Amount: "12.50", Currency: "USD",
		TransactionID: "pay_1", RefundID: "re_1", ProviderStatus: "done", Cumulative: true,
	}}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

func TestStatusByTypeOrWord(t *testing.T) {
	s := declare(reading, order())
	for name, c := range map[string]struct {
		kind, status string
		want         relay.Status
	}{
		"the type decides":               {"order.paid", "open", relay.Paid},
		"the word decides":               {"order.updated", "open", relay.Pending},
		"another word":                   {"order.updated", "bad", relay.Failed},
		"a word that only a type says":   {"order.updated", "gone", ""},
		"a word of another case":         {"order.updated", "DONE", ""},
		"an unknown word":                {"order.updated", "??", ""},
		"no word":                        {"order.updated", "", ""},
		"an unknown type with a word":    {"order.other", "done", ""},
		"no type":                        {"", "done", ""},
		"a type of another case":         {"Order.Paid", "done", ""},
		"a type with white space":        {"order.paid ", "done", ""},
		"a type with something in front": {"x.order.paid", "done", ""},
	} {
		body := `{"id":"e","type":"` + c.kind + `","data":{"id":"p","status":"` + c.status + `"}}`
		if c.want == "" {
			t.Run(name, func(t *testing.T) { none(t, s, body) })
			continue
		}
		if e := one(t, s, body); e.Status != c.want || e.ProviderStatus != c.status || e.Type != c.kind {
			t.Errorf("%s: %+v, want %s", name, e, c.want)
		}
	}
}

func TestCondition(t *testing.T) {
	first, second := order(), order()
	first.If, first.Payment = scheme.Condition{Path: "a", Word: "x"}, []string{"p1"}
	second.If, second.Payment = scheme.Condition{Path: "b"}, []string{"p2"}
	s := declare(reading, first, second)
	for body, want := range map[string]string{
		`"a":"x"`: "one", `"a":"x","b":"y"`: "one", `"a":"y","b":"y"`: "two", `"b":1`: "two",
		`"b":0`: "two", `"a":"y"`: "", `"b":""`: "", `"b":null`: "", `"b":{}`: "", `"c":1`: "",
	} {
		body = `{"id":"e","type":"order.paid","p1":"one","p2":"two",` + body + `}`
		if want == "" {
			none(t, s, body)
		} else if e := one(t, s, body); e.Payment != want {
			t.Errorf("%s: payment %q, want %q", body, e.Payment, want)
		}
	}
}

func TestTypeEcho(t *testing.T) {
	r := reading
	r.TypeEcho = "X-Type"
	s := declare(r, order())
	body := `{"id":"e","type":"order.paid","data":{"id":"p"}}`
	one(t, s, body)
	one(t, s, body, "X-Type", "order.paid")
	rejected(t, s, body, "X-Type", "order.gone")
	rejected(t, s, body, "X-Type", "ORDER.PAID")
	rejected(t, s, `{"id":"e","type":"order.other"}`, "X-Type", "order.paid") // also where the body is of no interest
}

// What is known by the transaction's id is over with the transaction; an order that the merchant numbers is not.
func TestEnds(t *testing.T) {
	s := declare(reading, order())
	for body, want := range map[string]bool{
		`{"id":"p"}`:                        true,
		`{"id":"p","meta":{"order":"p"}}`:   true,
		`{"id":"p","meta":{"order":"o-1"}}`: false,
		`{"id":77}`:                         true,
	} {
		if e := one(t, s, `{"id":"e","type":"order.gone","data":`+body+`}`); e.Final != want {
			t.Errorf("%s: final %v", body, e.Final)
		}
	}
	events, err := parse(t, s, `{"id":"e","type":"order.gone","data":{}}`)
	callbacktest.Unusable(t, events, err) // two empty ids are not the same
	if events[0].Final {
		t.Error("final without an id")
	}
}

func TestFinal(t *testing.T) {
	for _, status := range []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded,
		relay.RefundFailed} {
		k := order()
		k.Types = []scheme.Meaning{{Name: "x", Status: status}}
		want := status == relay.Paid || status == relay.Refunded || status == relay.RefundFailed
		if e := one(t, declare(reading, k), `{"id":"e","type":"x","data":{"id":"p"}}`); e.Final != want {
			t.Errorf("%s: final %v", status, e.Final)
		}
	}
}

func TestAccount(t *testing.T) {
	for name, field := range map[string]scheme.Field{"in the body": scheme.At("account"),
		"in a header": scheme.In("X-Account")} {
		r := reading
		r.Account = field
		s := declare(r, order())
		o := keyed()
		o.Account = callback.List{"acc_1", "acc_2"}
		for account, want := range map[string]callback.Reason{"acc_1": "", "acc_2": "", "": "",
			"acc_3": callback.WrongAccount, "acc_": callback.WrongAccount} {
			h := http.Header{header: {token}, "X-Account": {account}}
			body := `{"id":"e","type":"order.paid","account":"` + account + `","data":{"id":"p"}}`
			_, err := open(t, s, o).Parse(callback.NewPost(h, []byte(body)), at)
			if err == nil != (want == "") || err != nil && callbacktest.ReasonOf(t, err) != want {
				t.Errorf("%s %q: %v, want %q", name, account, err, want)
			}
			if _, err := open(t, s, keyed()).Parse(callback.NewPost(h, []byte(body)), at); err != nil {
				t.Errorf("%s %q: %v, though no account is configured", name, account, err)
			}
		}
	}
}

func TestRead(t *testing.T) {
	k := order()
	k.Read = func(root gjson.Result, e *callback.Event) *callback.Refusal {
		switch callback.Text(root.Get("read")) {
		case "drop":
			e.Status = ""
		case "refuse":
			return callback.Reject("no")
		default:
			e.Amount = e.Amount.Plus("1")
		}
		return nil
	}
	s := declare(reading, k)
	const rest = `"id":"e","type":"order.paid","data":{"id":"p","amount":1250,"currency":"EUR"}}`
	if e := one(t, s, `{`+rest); e.Amount != "13.50" {
		t.Errorf("amount %q", e.Amount)
	}
	none(t, s, `{"read":"drop",`+rest)
	rejected(t, s, `{"read":"refuse",`+rest)
}

func TestMalformedAfterAGoodProof(t *testing.T) {
	s := declare(reading, order())
	for _, body := range []string{
		``, ` `, `[]`, `null`, `"x"`, `1`, `{`, `{}x`, `{"id":"e",}`, "\xef\xbb\xbf{}", `{"type":"order.paid"}`,
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	} {
		rejected(t, s, body)
	}
}

// A provider that is about no payments reads nothing: a webhook may be a form, too.
func TestNoKinds(t *testing.T) {
	for _, body := range []string{``, `{}`, `payload=%7B%7D`, "\xff"} {
		none(t, declare(reading), body)
	}
}

func TestNothingIsReadBeforeTheProof(t *testing.T) {
	s := declare(reading, order())
	for _, body := range []string{``, `{`,
		`{"id":"e","type":"order.paid","data":{"id":"p","amount":-1,"currency":"EUR"}}`} {
		_, err := open(t, s, keyed()).Parse(callback.NewPost(http.Header{header: {"wrong"}}, []byte(body)), at)
		if r := err.(*callback.Refusal); r.Reason != callback.BadSignature || r.Genuine {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

func TestOnlyPost(t *testing.T) {
	p := open(t, declare(reading, order()), keyed())
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead, "post", ""} {
		r := callback.NewPost(http.Header{header: {token}}, []byte(`{"id":"e","type":"order.paid","data":{"id":"p"}}`))
		r.Method = method
		if _, err := p.Parse(r, at); err == nil || callbacktest.ReasonOf(t, err) != callback.MethodNotAllowed {
			t.Errorf("%q: %v", method, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	s := declare(reading, order())
	p := open(t, s, keyed())
	if a := p.Answer(nil); a != (callback.Answer{Status: http.StatusOK}) {
		t.Errorf("%+v", a)
	}
	refusal := callback.Refuse(callback.BadSignature, "detail")
	if a := p.Answer(refusal); a != callback.ProblemAnswer(refusal) || strings.Contains(a.Body, "detail") {
		t.Errorf("%+v", a)
	}
	s.Acknowledgement = callback.Answer{Status: 202, ContentType: "text/plain", Body: "[accepted]"}
	if a := open(t, s, keyed()).Answer(nil); a != s.Acknowledgement {
		t.Errorf("%+v", a)
	}
}

func TestFieldsTakePaymentAlone(t *testing.T) {
	o := keyed()
	o.Fields = callback.Fields{Payment: "id", Amount: "data.total"}
	if _, err := declare(reading, order()).New(o); err == nil ||
		!strings.Contains(err.Error(), "shop: fields: only payment") {
		t.Errorf("%v", err)
	}
}

// What Parse returns outlives the body, whose room the next callback gets.
func TestEventsKeepNothingOfTheBody(t *testing.T) {
	p := open(t, declare(reading, order()), keyed())
	r := callback.NewPost(http.Header{header: {token}}, []byte(`{"id":"evt_1","type":"order.paid","data":{"id":"pay_1",`+
		`"status":"done","amount":1250,"currency":"EUR","meta":{"order":"o-1"}}}`))
	events, err := p.Parse(r, at)
	if err != nil {
		t.Fatal(err)
	}
	before := events[0]
	clear(r.Body)
	want := relay.Event{ID: "evt_1", Payment: "o-1", Status: relay.Paid, Final: true, Amount: "12.50", Currency: "EUR",
		TransactionID: "pay_1", ProviderStatus: "done"}
	if before.Event != want || before.Type != "order.paid" {
		t.Errorf("%+v, want %+v", before, want)
	}
}
