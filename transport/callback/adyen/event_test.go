package adyen_test

import (
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

func TestWholeEvent(t *testing.T) {
	o := throwaway(t)
	e := one(t, o, eight{"REF2", "PSP1", "Shop", "order 1/é", "10999", "EUR", "REFUND", "true"})
	want := callback.Event{Type: "REFUND", Event: relay.Event{ID: "REFUND:REF2:true", Payment: "order 1/é",
		Status: relay.Refunded, Final: true, Amount: "109.99", Currency: "EUR", TransactionID: "PSP1",
		ProviderStatus: "REFUND", RefundID: "REF2"}}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

// A reference can be tried again, so that of what ended unpaid only a failed capture is final.
func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		code, success string
		auto, manual  relay.Status // empty for no event
		final         bool
	}{
		{"AUTHORISATION", "true", relay.Paid, relay.Pending, true},
		{"AUTHORISATION", "false", relay.Failed, relay.Failed, false},
		{"PENDING", "true", relay.Pending, relay.Pending, false},
		{"PENDING", "false", "", "", false},
		{"CAPTURE", "true", relay.Paid, relay.Paid, true},
		{"CAPTURE", "false", "", "", false},
		{"CAPTURE_FAILED", "true", relay.Failed, relay.Failed, true},
		{"CANCELLATION", "true", relay.Closed, relay.Closed, false},
		{"CANCELLATION", "false", "", "", false},
		{"TECHNICAL_CANCEL", "true", relay.Closed, relay.Closed, false},
		{"OFFER_CLOSED", "true", relay.Closed, relay.Closed, false},
		{"EXPIRE", "true", relay.Closed, relay.Closed, false},
		{"REFUND", "true", relay.Refunded, relay.Refunded, true},
		{"REFUND", "false", "", "", false},
		{"REFUND_FAILED", "true", relay.RefundFailed, relay.RefundFailed, true},
		{"REFUNDED_REVERSED", "true", relay.RefundFailed, relay.RefundFailed, true},
		{"CANCEL_OR_REFUND", "true", "", "", false},
		{"CHARGEBACK", "true", "", "", false},
		{"NOTIFICATION_OF_CHARGEBACK", "true", "", "", false},
		{"AUTHORISATION_ADJUSTMENT", "true", "", "", false},
		{"REPORT_AVAILABLE", "true", "", "", false},
		{"SOMETHING_NEW", "", "", "", false},
		{"authorisation", "true", "", "", false},
	} {
		for capture, want := range map[string]relay.Status{"": c.auto, "auto": c.auto, "manual": c.manual} {
			o := throwaway(t)
			o.Capture = capture
			events, err := provider(t, o).Parse(post(t, paid.with(6, c.code).with(7, c.success).signed(t, o)), at)
			if err != nil || (len(events) == 1) != (want != "") {
				t.Errorf("%s %s, capture %q: %+v, %v; want %q", c.code, c.success, capture, events, err, want)
				continue
			}
			if want != "" && (events[0].Status != want || events[0].Final != (c.final && want != relay.Pending)) {
				t.Errorf("%s %s, capture %q: %s, final %v; want %s", c.code, c.success, capture, events[0].Status,
					events[0].Final, want)
			}
		}
	}
}

// success is the text true. A boolean is not what was signed, and no other word is a yes.
func TestSuccessIsAString(t *testing.T) {
	o := throwaway(t)
	item := paid.signed(t, o)
	item["success"] = true
	refused(t, "a boolean", o, post(t, item), callback.BadSignature)
	for _, word := range []string{"", "True", "TRUE", "1", "yes"} {
		_, err := provider(t, o).Parse(post(t, paid.with(7, word).signed(t, o)), at)
		if r, ok := err.(*callback.Refusal); !ok || r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%q: %v, want malformed and genuine", word, err)
		}
	}
}

// A stranger who has seen one item may part its text otherwise. Each of these has a valid signature.
func TestColonShift(t *testing.T) {
	o := throwaway(t)
	o.MerchantAccount = nil // so that no other check helps
	genuine := paid.with(3, "order:7:100")
	signature := mac(t, o.HMACKeys[0], strings.Join(genuine[:], ":"))
	if e := one(t, o, genuine); e.Payment != "order:7:100" {
		t.Errorf("a reference with colons: %+v", e)
	}
	for what, forged := range map[string]eight{
		"the account takes of the reference":  {"PSP1", "", "Shop:order", "7:100", "1130", "EUR", "AUTHORISATION", "true"},
		"the original takes the account":      {"PSP1", ":Shop", "order", "7:100", "1130", "EUR", "AUTHORISATION", "true"},
		"the psp takes the original":          {"PSP1:", "Shop", "order", "7:100", "1130", "EUR", "AUTHORISATION", "true"},
		"the value takes of the reference":    {"PSP1", "", "Shop", "order:7", "100:1130", "EUR", "AUTHORISATION", "true"},
		"the currency takes of the reference": {"PSP1", "", "Shop", "order", "7", "100:1130:EUR", "AUTHORISATION", "true"},
		"the code takes of the reference":     {"PSP1", "", "Shop", "order", "7", "100", "1130:EUR:AUTHORISATION", "true"},
		"success takes the code":              {"PSP1", "", "Shop", "order", "7", "100", "1130", "EUR:AUTHORISATION:true"},
		"an amount out of the reference":      {"PSP1", "", "Shop:order", "7", "100", "1130:EUR", "AUTHORISATION", "true"},
	} {
		if text := strings.Join(forged[:], ":"); text != strings.Join(genuine[:], ":") {
			t.Fatalf("%s: the text is %q", what, text)
		}
		refused(t, what, o, post(t, forged.object(signature, nil)), callback.BadSignature)
	}
}

// A report's own colons do not make Adyen send it for thirty days, and what a stranger makes of them is no payment.
func TestColonsInReports(t *testing.T) {
	o := throwaway(t)
	report := eight{"report_2022-11-01T00:00:00_2022-11-02T23:59:59.csv", "", "Shop", "", "0", "EUR", "REPORT_AVAILABLE", "true"}
	if events, err := provider(t, o).Parse(post(t, report.signed(t, o)), at); err != nil || len(events) != 0 {
		t.Errorf("%+v, %v; want it acknowledged without an event", events, err)
	}
	payment := eight{"PSP:1", "", "Shop", "order-1", "1130", "EUR", "AUTHORISATION", "true"}
	refused(t, "a payment", o, post(t, payment.signed(t, o)), callback.BadSignature)
}

// Nothing that is not signed reaches an event, whoever writes it.
func TestUnsignedFieldsAreNotRead(t *testing.T) {
	o := throwaway(t)
	want := one(t, o, paid)
	item := paid.signed(t, o)
	item["eventDate"] = "2099-01-01T00:00:00+01:00"
	item["reason"] = "forged"
	item["paymentMethod"] = "forged"
	item["operations"] = []string{"forged"}
	item["additionalData"].(map[string]any)["modification.action"] = "refund"
	item["additionalData"].(map[string]any)["merchantReference"] = "forged"
	events, err := provider(t, o).Parse(post(t, item), at)
	if err != nil || len(events) != 1 || events[0] != want || !events[0].Time.IsZero() {
		t.Errorf("%+v, %v; want %+v", events, err, want)
	}
}

// Nothing is told of a batch with a forged item, wherever it stands.
func TestBatch(t *testing.T) {
	o := throwaway(t)
	other := paid.with(0, "PSP2").with(3, "order-2")
	again := paid.with(0, "REF1").with(1, "PSP1").with(6, "REFUND")
	report := paid.with(6, "REPORT_AVAILABLE")
	events, err := provider(t, o).Parse(post(t, paid.signed(t, o), report.signed(t, o), other.signed(t, o)), at)
	if err != nil || len(events) != 2 || events[0] != one(t, o, paid) || events[1] != one(t, o, other) {
		t.Errorf("two payments: %+v, %v; want the events of two calls", events, err)
	}
	events, err = provider(t, o).Parse(post(t, paid.signed(t, o), again.signed(t, o)), at)
	if err != nil || len(events) != 2 || events[0].Shared || events[1].Shared {
		t.Errorf("one payment: %+v, %v; want two events, not shared", events, err)
	}
	forged := other.object(mac(t, o.HMACKeys[0], "x"), nil)
	refused(t, "forged, then genuine", o, post(t, forged, paid.signed(t, o)), callback.BadSignature)
	refused(t, "genuine, then forged", o, post(t, paid.signed(t, o), forged), callback.BadSignature)
	// Of a report nothing is told, and it is no way past the check.
	refused(t, "a forged report", o, post(t, report.object("AAAA", nil)), callback.BadSignature)
	foreign := other.with(2, "Elsewhere")
	refused(t, "of another account", o, post(t, paid.signed(t, o), foreign.signed(t, o)), callback.WrongAccount)
}

func TestMerchantAccount(t *testing.T) {
	o := throwaway(t)
	o.MerchantAccount = callback.List{"Shop", "ShopPOS"}
	one(t, o, paid.with(2, "ShopPOS"))
	refused(t, "another account", o, post(t, paid.with(2, "shop").signed(t, o)), callback.WrongAccount)
	o.MerchantAccount = nil
	one(t, o, paid.with(2, "Anything"))
}

// Adyen's table of currencies differs from ISO 4217 in four, and has one that is not in it.
func TestMinorUnitsOfAdyen(t *testing.T) {
	for _, c := range []struct{ value, currency, want string }{
		{"1500", "JPY", "1500"},
		{"1500", "KWD", "1.500"},
		{"1500", "EUR", "15.00"},
		{"1500", "CLP", "15.00"},
		{"1500", "CVE", "1500"},
		{"1500", "IDR", "1500"},
		{"1500", "ISK", "15.00"},
		{"1500", "CNH", "15.00"},
		{"0", "EUR", "0.00"},
		{"9007199254740993", "EUR", "90071992547409.93"},
		{"1500", "XXX", ""},
		{"1500", "", ""},
		{"", "EUR", ""},
	} {
		e := one(t, throwaway(t), paid.with(4, c.value).with(5, c.currency))
		if string(e.Amount) != c.want || e.Currency != c.currency {
			t.Errorf("%s %s: %q %s, want %q", c.value, c.currency, e.Amount, e.Currency, c.want)
		}
	}
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	o := throwaway(t)
	for what, f := range map[string]eight{
		"a fraction":             paid.with(4, "1.5"),
		"an exponent":            paid.with(4, "1e3"),
		"negative":               paid.with(4, "-100"),
		"not a number":           paid.with(4, "x"),
		"of no currency":         paid.with(4, "1.5").with(5, "XXX"),
		"lower case":             paid.with(5, "eur"),
		"two letters":            paid.with(5, "EU"),
		"four letters":           paid.with(5, "EURO"),
		"no reference":           paid.with(0, ""),
		"a reference with BEL":   paid.with(0, "PSP\a"),
		"success is a sentence":  paid.with(7, "it worked"),
		"success false, in part": paid.with(7, "fals"),
	} {
		_, err := provider(t, o).Parse(post(t, f.signed(t, o)), at)
		if r, ok := err.(*callback.Refusal); !ok || r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%s: %v, want malformed and genuine", what, err)
		}
	}
}

func TestUnusablePayment(t *testing.T) {
	o := throwaway(t)
	for _, reference := range []string{"", ".", "a\x00", strings.Repeat("a", 129)} {
		events, err := provider(t, o).Parse(post(t, paid.with(3, reference).signed(t, o)), at)
		callbacktest.Unusable(t, events, err)
	}
}
