package callback_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

const unusable = `tillbell_events_without_payment_total`

func TestUnusablePaymentIDIsAcknowledgedAndSaid(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		n := paid
		n.Payment = "a\nb"
		var r callback.Request
		if name == "alipay" { // its Signer makes no such thing
			r = notice(t, map[string]string{"out_trade_no": n.Payment})
		} else {
			r = a.sign(t, n)
		}
		answers(t, h.post(name, r), a.Provider, nil)
		h.empty()
		h.counted(name, "ignored", "1")
		if got := h.metric(unusable + `{source="` + name + `"}`); got != "1" {
			t.Errorf("%s unusable ids counted, want 1", got)
		}
		l := h.log.of(t, "no usable payment id")
		if len(l) != 1 || l[0]["level"] != "WARN" || l[0]["source"] != name || l[0]["events"] != 1.0 {
			t.Errorf("logged %v", l)
		}
	})
}

func TestTheOthersOfACombinedPaymentAreStored(t *testing.T) {
	h := start(t)
	answers(t, h.post("wechat", combined(t, "", "..", "o-3", "a\x7f")), accounts()["wechat"].Provider, nil)
	// The Signer gives an empty payment a name.
	for payment, want := range map[string]string{"order-1001": "wechat:order-1001:EV-9", "o-3": "wechat:o-3:EV-9"} {
		if _, ids := h.stored(payment); !slices.Equal(ids, []string{want}) {
			t.Errorf("%s: %q, want %q", payment, ids, want)
		}
	}
	h.counted("wechat", "stored", "1")
	if got := h.metric(unusable + `{source="wechat"}`); got != "2" {
		t.Errorf("%s unusable ids counted, want 2", got)
	}
}

func TestConflictsAreAcknowledgedAndSaid(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		for what, c := range map[string]struct {
			bound  relay.Registration
			reason string
		}{
			"amount":   {relay.Registration{Amount: "130.00", Currency: "CNY"}, "paid 129.00 CNY, registered 130.00 CNY"},
			"currency": {relay.Registration{Amount: "129.00", Currency: "EUR"}, "registered 129.00 EUR"},
			"source":   {relay.Registration{Source: "other"}, "event of source " + name + ", registered for other"},
		} {
			h := start(t)
			c.bound.Payment = "order-1"
			if _, _, err := h.relay.Register(t.Context(), c.bound); err != nil {
				t.Fatal(err)
			}
			r := a.sign(t, paid)
			for range 2 { // the repetition is the same contradiction
				answers(t, h.post(name, r), a.Provider, nil)
			}
			if state, _ := h.stored("order-1"); state.Status != relay.Pending || !state.Conflict {
				t.Errorf("%s: %+v", what, state)
			}
			h.counted(name, "stored", "1")
			h.counted(name, "duplicate", "1")
			if got := h.metric(`tillbell_conflicts_total{source="` + name + `"}`); got != "1" {
				t.Errorf("%s: %s conflicts counted, want 1", what, got)
			}
			l := h.log.of(t, "conflict")
			if len(l) != 1 || l[0]["level"] != "WARN" || l[0]["payment"] != "order-1" || l[0]["source"] != name ||
				!strings.Contains(l[0]["reason"].(string), c.reason) || l[0]["position"] == "" {
				t.Errorf("%s: logged %v, want %q", what, l, c.reason)
			}
		}
	})
}

// TestLogKeepsSecrets: no line repeats a key, a signature, or what the body says beyond the payment of a conflict.
func TestLogKeepsSecrets(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		n := paid
		n.TransactionID, n.Amount = "transaction-of-the-body", "131.71"
		good := a.sign(t, n)
		if _, _, err := h.relay.Register(t.Context(),
			relay.Registration{Payment: "order-1", Source: "other"}); err != nil {
			t.Fatal(err)
		}
		h.post(name, good)
		h.post(name, good)
		forged := spoil(good)
		h.post(name, forged)
		large := good
		large.Body = append(slices.Clone(good.Body), make([]byte, maxBody)...)
		h.post(name, large)
		get := good
		get.Method = "GET"
		h.post(name, get)
		bare := good
		bare.Header = nil
		h.post(name, bare)
		if name == "alipay" {
			h.post(name, notice(t, map[string]string{"total_amount": "transaction-of-the-body"}))
		}
		hidden := append([]string{string(good.Body), "transaction-of-the-body", "131.71"}, a.secrets...)
		for _, r := range []callback.Request{good, forged} {
			for values := range maps.Values(r.Header) {
				for _, v := range values {
					if len(v) >= 40 { // no name, no time
						hidden = append(hidden, v)
					}
				}
			}
			for part := range strings.SplitSeq(string(r.Body), "&") {
				if signature, ok := strings.CutPrefix(part, "sign="); ok {
					hidden = append(hidden, signature, unescape(t, signature))
				}
			}
		}
		log := h.log.String()
		if got := len(h.log.of(t, "callback")); got < 6 {
			t.Errorf("%d lines, want one for each callback", got)
		}
		for _, secret := range hidden {
			if secret != "" && strings.Contains(log, secret) {
				t.Errorf("the log repeats %.60q", secret)
			}
		}
	})
}
