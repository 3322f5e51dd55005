package demo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// wantCallbacks waits for the live view to show these callbacks and no others, the oldest first, each with these steps
// in any order: a waiter may be told before the provider is answered.
func (p *tab) wantCallbacks(callbacks ...string) {
	p.t.Helper()
	for i, steps := range callbacks {
		words := strings.Fields(steps)
		slices.Sort(words)
		callbacks[i] = strings.Join(words, " ")
	}
	p.until(fmt.Sprintf(`[...document.querySelectorAll(".steps")].reverse().map((list) =>
		[...list.children].map((item) => item.dataset.step).sort().join(" ")).join("; ") === %q`, strings.Join(callbacks, "; ")))
}

const (
	whole   = "received verified stored acknowledged told page"
	refused = "received refused"
)

// TestFaults: each comes to what the page says it comes to.
func TestFaults(t *testing.T) {
	chromium(t)
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	for _, c := range []struct {
		source, fault string
		status        relay.Status
		answer        string
		callbacks     []string
	}{
		{"alipay", "wrong-amount", relay.Pending, "One cent more: acknowledged (200)", []string{"received verified stored conflict acknowledged"}},
		{"stripe", "rotated-key", relay.Paid, "With the old key: acknowledged (200)", []string{whole}},
		{"wechatpay-v3", "other-merchant", relay.Pending, "Another merchant's: refused (401), nothing changed", []string{refused}},
		{"stripe", "duplicate", relay.Paid, "Twice: acknowledged (200, 200)", []string{whole, "received verified duplicate acknowledged"}},
		{"stripe", "reorder", relay.Paid, "Out of order: acknowledged (200, 200)", []string{whole, "received verified stored acknowledged"}},
		{"wechatpay-v3", "reorder", relay.Refunded, "Out of order: acknowledged (200, 200)", []string{whole, "received verified stored acknowledged"}},
		{"alipay", "late", relay.Paid, "An hour late: acknowledged (200)", []string{whole}},
		{"alipay", "bad-signature", relay.Pending, "Forged: refused (401), nothing changed", []string{refused}},
		{"standard-webhooks", "stale", relay.Pending, "Replayed: refused (401), nothing changed", []string{refused}},
		{"wechatpay-v3", "probe", relay.Pending, "Signature probe: refused (401), nothing changed", []string{refused}},
	} {
		before := p.payment()
		p.choose(c.source)
		if p.payment() == before {
			p.is(`document.querySelector("#again").click(), ""`)
			p.another(before)
		}
		p.press("fault", c.fault)
		p.wantText("#answer", c.answer)
		p.wantCallbacks(c.callbacks...)
		if shown := p.is(`document.querySelector("#status").dataset.status`); shown != string(c.status) {
			t.Errorf("%s %s: the page shows %s, want %s", c.source, c.fault, shown, c.status)
		}
		if state, _ := s.history(t, p.payment()); state.Status != c.status || state.Conflict != (c.fault == "wrong-amount") {
			t.Errorf("%s %s: the relay says %+v", c.source, c.fault, state)
		}
	}
}

// TestConflict: a contradiction is shown, and changes nothing.
func TestConflict(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	p.choose("standard-webhooks")
	p.press("action", "paid")
	p.wantStatus("paid", "Paid")
	p.press("action", "closed")
	p.wantText("#hint", "A callback contradicted the outcome")
	p.wantStatus("paid", "Paid")
	p.wantText("#timeline", "conflict, not applied")
}

// TestWay: the page says how long the outcome took to it, and over which transport.
func TestWay(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	p.click("#pay")
	p.until(`/^Page told [\d.]+ m?s after the callback, (over (SSE|WebSocket|long poll)|as it read the state)$/.test(document.querySelector("#told").textContent)`)
	p.wantCallbacks(whole)
	p.reload(p.payment())
	p.wantText("#timeline", "acknowledged")
	if shown := p.is(`document.querySelector("#told").textContent`); shown != "" {
		t.Errorf("a page that comes after the outcome says %q", shown)
	}
}

// TestFromElsewhere: what somebody else posts is seen as well, a refund after the outcome too.
func TestFromElsewhere(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	post := func(action string) {
		body := fmt.Sprintf(`{"payment":%q,"source":"wechatpay-v3","action":%q,"fault":""}`, p.payment(), action)
		s.post(t, "/demo/pay", body, 200, &struct{}{})
	}
	post("paid")
	p.wantStatus("paid", "Paid")
	post("refunded")
	p.wantStatus("refunded", "Refunded")
}

// TestCut: the page says that the connection broke, comes back, and is told the outcome.
func TestCut(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.breaks()
	p.open(s, "?lang=en")
	for range 2 {
		p.is(`document.querySelector("#timeline").replaceChildren(), ""`)
		p.press("line", "cut")
		p.wantText("#timeline", "Stream cut")
		p.wantText("#timeline", "Page is back")
		p.until(`document.querySelector("#trouble").textContent === ""`)
	}
	p.press("action", "paid")
	p.wantStatus("paid", "Paid")
}

// TestFreeze: nothing reaches the page while the line is frozen, and everything does afterwards.
func TestFreeze(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.breaks()
	p.open(s, "?lang=en")
	p.press("line", "freeze")
	p.wantText("#trouble", "No bytes get through")
	p.press("action", "paid")
	p.wantText("#answer", "Paid: acknowledged (200)")
	p.wantText("#timeline", "acknowledged")
	p.wantStatus("pending", "Waiting for payment")
	p.press("line", "freeze")
	p.wantText("#timeline", "Line in order again")
	p.wantStatus("paid", "Paid")
	p.until(`document.querySelector("#trouble").textContent === ""`)
}

// TestSlow: what is late is told all the same.
func TestSlow(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	p.press("line", "slow")
	p.wantText("#trouble", "The connection is slow")
	p.press("action", "paid")
	p.wantStatus("paid", "Paid")
	p.until(`/^Page told \d+\.\d s after/.test(document.querySelector("#told").textContent)`)
}
