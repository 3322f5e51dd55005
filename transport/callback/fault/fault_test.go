package fault_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/alipay"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
)

func open[O any, P callback.Provider, S callback.Signer](t *testing.T, throwaway func() (O, string, error),
	build func(O) (P, error), sign func(O, string) (S, error)) fault.Account {
	t.Helper()
	options, key, err := throwaway()
	if err != nil {
		t.Fatal(err)
	}
	a, err := fault.Open(options, key, build, sign, throwaway)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func accounts(t *testing.T) map[string]fault.Account {
	return map[string]fault.Account{
		"wechatpay": open(t, wechatpay.Throwaway, wechatpay.New, wechatpay.NewSigner),
		"alipay":    open(t, alipay.Throwaway, alipay.New, alipay.NewSigner),
		"stripe":    open(t, stripe.Throwaway, stripe.New, stripe.NewSigner),
		"standard":  open(t, standard.Throwaway, standard.New, standard.NewSigner),
	}
}

// says is what a provider makes of a posting: statuses, or the reason of a refusal.
func says(a fault.Account, p fault.Posting, now time.Time) (text string, events []callback.Event) {
	events, err := a.Provider.Parse(p.Request, now)
	if refusal, ok := errors.AsType[*callback.Refusal](err); ok {
		return string(refusal.Reason), nil
	}
	for _, e := range events {
		text += string(e.Status)
	}
	return text, events
}

// TestCompose has each provider judge what each fault makes of a callback that says paid.
func TestCompose(t *testing.T) {
	const forged, none, other = "bad_signature", "", "wrong_account"
	want := map[string]map[string]string{ // by fault and provider; none: the provider has no such fault
		"":                  {"wechatpay": "paid", "alipay": "paid", "stripe": "paid", "standard": "paid"},
		fault.Duplicate:     {"wechatpay": "paid paid", "alipay": "paid paid", "stripe": "paid paid", "standard": "paid paid"},
		fault.Reorder:       {"wechatpay": "refunded paid", "alipay": "paid pending", "stripe": "paid pending", "standard": "paid pending"},
		fault.Late:          {"wechatpay": "paid", "alipay": "paid", "stripe": "paid", "standard": "paid"},
		fault.BadSignature:  {"wechatpay": forged, "alipay": forged, "stripe": forged, "standard": forged},
		fault.Stale:         {"wechatpay": "stale_timestamp", "alipay": none, "stripe": "stale_timestamp", "standard": "stale_timestamp"},
		fault.Probe:         {"wechatpay": "probe", "alipay": none, "stripe": none, "standard": none},
		fault.WrongKey:      {"wechatpay": forged, "alipay": forged, "stripe": forged, "standard": forged},
		fault.RotatedKey:    {"wechatpay": none, "alipay": none, "stripe": "paid", "standard": "paid"},
		fault.Truncated:     {"wechatpay": forged, "alipay": "refused", "stripe": forged, "standard": forged},
		fault.OtherMerchant: {"wechatpay": other, "alipay": other, "stripe": none, "standard": none},
		fault.WrongAmount:   {"wechatpay": "paid", "alipay": "paid", "stripe": "paid", "standard": "paid"},
	}
	if len(want) != len(fault.Names)+1 {
		t.Errorf("%d faults are tested, there are %d", len(want)-1, len(fault.Names))
	}
	all, now := accounts(t), time.Now()
	n := callback.Notification{Payment: "order-1", Status: relay.Paid, Amount: "1.00", Currency: "CNY"}
	for name, row := range want {
		for provider, want := range row {
			a := all[provider]
			postings, err := fault.Compose(name, a, n, now)
			if (err != nil) != (want == none) {
				t.Errorf("%s of %s: %v", name, provider, err)
			}
			var got []string
			for _, p := range postings {
				text, events := says(a, p, now)
				if want == "refused" && events == nil { // for what, follows from where the cut is
					text = want
				}
				got = append(got, text)
				if genuine := strings.Contains(want, "paid"); p.Forged == genuine {
					t.Errorf("%s of %s: forged is %v", name, provider, p.Forged)
				}
				if p.Disputed != (name == fault.WrongAmount) {
					t.Errorf("%s of %s: disputed is %v", name, provider, p.Disputed)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s of %s: %q, want %q", name, provider, got, want)
			}
		}
	}
}

// TestTimes: late is about long ago and signed at the time; what overtakes is the younger one.
func TestTimes(t *testing.T) {
	a, now := accounts(t)["stripe"], time.Now()
	n := callback.Notification{Payment: "order-1", Status: relay.Paid, Amount: "1.00", Currency: "USD"}
	times := func(name string) (list []time.Time) {
		postings, err := fault.Compose(name, a, n, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range postings {
			_, events := says(a, p, now)
			if len(events) != 1 {
				t.Fatalf("%s: %d events", name, len(events))
			}
			list = append(list, events[0].Time)
		}
		return list
	}
	second := func(t time.Time) int64 { return t.Unix() }
	if got := times("")[0]; second(got) != second(now) {
		t.Errorf("without a fault the event is of %s, want %s", got, now)
	}
	if got := times(fault.Late)[0]; second(got) != second(now.Add(-time.Hour)) {
		t.Errorf("late is of %s, want an hour before %s", got, now)
	}
	if got := times(fault.Reorder); !got[0].After(got[1]) {
		t.Errorf("overtook is of %s, overtaken of %s", got[0], got[1])
	}
}

// TestDuplicate: both are the same, and of the same id.
func TestDuplicate(t *testing.T) {
	a, now := accounts(t)["standard"], time.Now()
	twice, err := fault.Compose(fault.Duplicate, a, callback.Notification{Payment: "p", Status: relay.Paid, Amount: "1.00", Currency: "EUR"}, now)
	if err != nil || len(twice) != 2 {
		t.Fatalf("%d postings, %v", len(twice), err)
	}
	_, first := says(a, twice[0], now)
	_, second := says(a, twice[1], now)
	if first[0].ID != second[0].ID || !bytes.Equal(twice[0].Request.Body, twice[1].Request.Body) {
		t.Errorf("%q and %q", twice[0].Request.Body, twice[1].Request.Body)
	}
	if twice[0].Note != "" || twice[1].Note == "" {
		t.Errorf("notes %q and %q", twice[0].Note, twice[1].Note)
	}
}

// TestWrongAmount: it is one minor unit more, whatever the currency's are, and all is signed.
func TestWrongAmount(t *testing.T) {
	a, now := accounts(t)["standard"], time.Now()
	for amount, want := range map[string]string{"1.00 EUR": "1.01", "129.99 USD": "130.00", "9.99 EUR": "10.00", "0 JPY": "1", "1.999 KWD": "2.000"} {
		value, currency, _ := strings.Cut(amount, " ")
		n := callback.Notification{Payment: "p", Status: relay.Paid, Amount: relay.Amount(value), Currency: currency}
		list, err := fault.Compose(fault.WrongAmount, a, n, now)
		if err != nil || len(list) != 1 || string(list[0].Says.Amount) != want {
			t.Errorf("%s: %+v, %v; want %s", amount, list, err, want)
			continue
		}
		if _, events := says(a, list[0], now); len(events) != 1 || !events[0].Amount.Equal(relay.Amount(want)) {
			t.Errorf("%s: signed is %+v, want %s", amount, events, want)
		}
	}
}

func TestComposeErrors(t *testing.T) {
	all, now := accounts(t), time.Now()
	for _, c := range []struct {
		fault, provider string
		status          relay.Status
		want            string
	}{
		{"lost", "stripe", relay.Paid, `"lost" is none of duplicate`},
		{"", "wechatpay", relay.Closed, "closed"}, // in the provider's own words
		{fault.Stale, "wechatpay", relay.Closed, "closed"},
		{fault.Stale, "alipay", relay.Paid, "no time limit"},
		{fault.Probe, "alipay", relay.Paid, "no signature probes"},
		{fault.RotatedKey, "alipay", relay.Paid, "there is no older one"},
		{fault.OtherMerchant, "stripe", relay.Paid, "no account that is compared"},
		{fault.WrongAmount, "stripe", relay.Refunded, "try this fault with the status paid"},
	} {
		n := callback.Notification{Payment: "p", Status: c.status, Amount: "1.00", Currency: "CNY"}
		if postings, err := fault.Compose(c.fault, all[c.provider], n, now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s: %d postings, %v; want %q", c.fault, c.provider, len(postings), err, c.want)
		}
	}
}
