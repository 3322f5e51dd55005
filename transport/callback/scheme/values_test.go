package scheme_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

func TestFields(t *testing.T) {
	for name, c := range map[string]struct {
		field scheme.Field
		body  string
		want  string // empty: the event is refused for want of an id
	}{
		"a path":                 {scheme.At("a.b"), `{"a":{"b":"x"}}`, "x"},
		"an index":               {scheme.At("a.1.b"), `{"a":[{},{"b":"x"}]}`, "x"},
		"a number as written":    {scheme.At("a"), `{"a":820982911946154508}`, "820982911946154508"},
		"a number beyond floats": {scheme.At("a"), `{"a":9007199254740993}`, "9007199254740993"},
		"a float as written":     {scheme.At("a"), `{"a":1.10}`, "1.10"},
		"true":                   {scheme.At("a"), `{"a":true}`, ""},
		"an object":              {scheme.At("a"), `{"a":{}}`, ""},
		"nowhere":                {scheme.Field{}, `{"a":"x"}`, ""},
		"a header":               {scheme.In("x-id"), `{}`, "from the header"},
		"the first path":         {scheme.At("a", "b"), `{"a":"x","b":"y"}`, "x"},
		"the second path":        {scheme.At("a", "b"), `{"a":"","b":"y"}`, "y"},
		"null before it":         {scheme.At("a", "b"), `{"a":null,"b":"y"}`, "y"},
		"an array before it":     {scheme.At("a.x", "b"), `{"a":[],"b":"y"}`, "y"},
		"none of the paths":      {scheme.At("a", "b"), `{}`, ""},
		"the first field":        {scheme.First(scheme.At("a"), scheme.In("X-Id")), `{"a":"x"}`, "x"},
		"the second field":       {scheme.First(scheme.At("a"), scheme.In("X-Id")), `{}`, "from the header"},
		"the third field":        {scheme.First(scheme.In("X-No"), scheme.At("a"), scheme.At("b")), `{"b":"y"}`, "y"},
		"joined": {scheme.Joined(scheme.At("a"), scheme.In("X-Id"), scheme.At("b", "c")),
			`{"a":1,"c":"y"}`, "1:from the header:y"},
		"joined without one": {scheme.Joined(scheme.At("a"), scheme.At("b")), `{"a":"x"}`, ""},
		"joined or not": {scheme.First(scheme.Joined(scheme.At("a"), scheme.At("b")), scheme.At("a")),
			`{"a":"x"}`, "x"},
		"a control character": {scheme.At("a"), `{"a":"x\u0007"}`, ""},
		"no UTF-8":            {scheme.At("a"), "{\"a\":\"\xff\"}", ""},
		"too long":            {scheme.At("a"), `{"a":"` + strings.Repeat("x", 129) + `"}`, ""},
	} {
		s := declare(scheme.Reading{ID: c.field, Type: scheme.In("X-Type")}, order())
		if c.want == "" {
			t.Run(name, func(t *testing.T) { rejected(t, s, c.body, "X-Type", "order.paid", "X-Id", "from the header") })
			continue
		}
		if e := one(t, s, c.body, "X-Type", "order.paid", "X-Id", "from the header"); e.ID != c.want {
			t.Errorf("%s: %q, want %q", name, e.ID, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		major            bool
		amount, currency string // JSON
		want             string // "refused" for a refusal
	}{
		{false, `1250`, `"EUR"`, "12.50"},
		{false, `"1250"`, `"eur"`, "12.50"},
		{false, `0`, `"EUR"`, "0.00"},
		{false, `1250`, `"JPY"`, "1250"},
		{false, `1250`, `"KWD"`, "1.250"},
		{false, `9007199254740993`, `"EUR"`, "90071992547409.93"},
		{false, `null`, `"EUR"`, ""},
		{false, `1250`, `"XXX"`, ""},
		{false, `1250`, `null`, ""},
		{false, `1250`, `"USDC"`, ""},
		{false, `12.5`, `"EUR"`, "refused"},
		{false, `12.0`, `"EUR"`, "refused"},
		{false, `1e3`, `"EUR"`, "refused"},
		{false, `-1`, `"EUR"`, "refused"},
		{false, `-1`, `"XXX"`, "refused"},
		{false, `"+1"`, `"EUR"`, "refused"},
		{false, `" 1"`, `"EUR"`, "refused"},
		{false, `""`, `"EUR"`, "refused"},
		{false, `"1,250"`, `"EUR"`, "refused"},
		{false, `"١"`, `"EUR"`, "refused"},
		{false, `true`, `"EUR"`, "refused"},
		{false, `{}`, `"EUR"`, "refused"},
		{false, `[1]`, `"EUR"`, "refused"},
		{false, strings.Repeat("9", 200), `"EUR"`, "refused"},
		{false, `1250`, `"euro"`, ""},
		{false, `1250`, `"E R"`, "refused"},
		{false, `1250`, `""`, "refused"},
		{false, `1250`, `{}`, "refused"},
		{false, `1250`, `"` + strings.Repeat("A", 13) + `"`, "refused"},
		{true, `12.5`, `"EUR"`, "12.5"},
		{true, `"12.50"`, `"EUR"`, "12.50"},
		{true, `50000`, `"IDR"`, "50000"},
		{true, `12.5`, `null`, "12.5"},
		{true, `12.5`, `"USDC"`, "12.5"},
		{true, `null`, `"EUR"`, ""},
		{true, `1e3`, `"EUR"`, "refused"},
		{true, `-12.5`, `"EUR"`, "refused"},
		{true, `"-0"`, `"EUR"`, "refused"},
		{true, `".5"`, `"EUR"`, "refused"},
		{true, `"1."`, `"EUR"`, "refused"},
		{true, `"NaN"`, `"EUR"`, "refused"},
		{true, `"1.000,00"`, `"EUR"`, "refused"},
		{true, strings.Repeat("9", 200), `"EUR"`, "refused"},
		{true, `false`, `"EUR"`, "refused"},
	} {
		k := order()
		k.Major = c.major
		s := declare(reading, k)
		body := `{"id":"e","type":"order.paid","data":{"id":"p","amount":` + c.amount + `,"currency":` + c.currency + `}}`
		if c.want == "refused" {
			rejected(t, s, body)
		} else if e := one(t, s, body); string(e.Amount) != c.want {
			t.Errorf("%s: %q, want %q", body, e.Amount, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	s := declare(reading, order())
	for text, want := range map[string]time.Time{
		`"2026-11-22T02:00:00Z"`:          at,
		`"2026-11-22T10:00:00+08:00"`:     at,
		`"2026-11-22T02:00:00.123456Z"`:   at.Add(123456 * time.Microsecond),
		`1795312800`:                      at,
		`"1795312800"`:                    at,
		`"2026-11-22T02:00:00"`:           {}, // of which zone?
		`"2026-11-22 02:00:00"`:           {},
		`1795312800.5`:                    {},
		`1795312800000`:                   {}, // milliseconds would be in the year 58861
		`-1`:                              {},
		`""`:                              {},
		`null`:                            {},
		`{}`:                              {},
		`"Sun, 22 Nov 2026 02:00:00 GMT"`: {},
	} {
		if e := one(t, s, `{"id":"e","type":"order.paid","created":`+text+`,"data":{"id":"p"}}`); !e.Time.Equal(want) {
			t.Errorf("%s: %v, want %v", text, e.Time, want)
		}
	}
}

func TestPaymentField(t *testing.T) {
	s := declare(reading, order())
	o := keyed()
	o.Fields.Payment = "data.cart"
	parsed := func(data string) ([]callback.Event, error) {
		return open(t, s, o).Parse(callback.NewPost(http.Header{header: {token}},
			[]byte(`{"id":"e","type":"order.paid","data":`+data+`}`)), at)
	}
	if events, err := parsed(`{"id":"p","cart":9007199254740993}`); err != nil || len(events) != 1 ||
		events[0].Payment != "9007199254740993" {
		t.Errorf("%+v, %v", events, err)
	}
	events, err := parsed(`{"id":"p","meta":{"order":"o-1"}}`)
	callbacktest.Unusable(t, events, err) // another field would be another payment
}

func TestUnusablePayments(t *testing.T) {
	s := declare(reading, order())
	for _, data := range []string{`{}`, `{"id":""}`, `{"id":"a\u0000"}`, `{"id":".."}`,
		`{"id":"` + strings.Repeat("a", 129) + `"}`} {
		t.Run(data, func(t *testing.T) {
			events, err := parse(t, s, `{"id":"e","type":"order.paid","data":`+data+`}`)
			callbacktest.Unusable(t, events, err)
		})
	}
}
