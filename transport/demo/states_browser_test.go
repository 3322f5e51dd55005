package demo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/relay"
)

// languages is what the page says in each.
var languages = map[string]struct{ waiting, paid, refunded, told, refused string }{
	"en-US": {"Waiting for payment", "Paid", "Refunded", "Page told: paid", "refused (401), nothing changed"},
	"zh-CN": {"等待支付", "支付成功", "已退款", "页面获知：已支付", "已拒绝（401），状态不变"},
}

// TestPage goes the whole way with each provider: a forged callback, the payment, a reload, the refund, another order.
func TestPage(t *testing.T) {
	chromium(t)
	for language, say := range languages {
		t.Run(language, func(t *testing.T) {
			s, p := newShop(t), newTab(t)
			p.speak(language)
			p.open(s, "")
			if lang := p.is(`document.documentElement.lang`); !strings.HasPrefix(lang, language[:2]) {
				t.Errorf("the page's language is %s", lang)
			}
			for source := range sources {
				p.choose(source)
				p.wantStatus("pending", say.waiting)
				p.press("fault", "bad-signature")
				p.wantText("#answer", say.refused)
				p.wantStatus("pending", say.waiting)
				p.click("#pay")
				p.wantStatus("paid", say.paid)
				p.wantText("#timeline", say.told)
				if state, _ := s.history(t, p.payment()); state.Status != "paid" || state.Conflict {
					t.Errorf("%s: the relay says %+v", source, state)
				}
			}
			paid := p.payment()
			p.reload(paid)
			p.wantStatus("paid", say.paid)
			p.click("#refund")
			p.wantStatus("refunded", say.refunded)
			p.reload(paid)
			p.wantStatus("refunded", say.refunded)
			p.click("#again")
			p.another(paid)
		})
	}
}

// TestLanguages: the switch leads to the other language and back, with the same order, and no text is without its
// translation.
func TestLanguages(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=zh")
	order := p.payment()
	for _, say := range []string{"Waiting for payment", "等待支付"} {
		p.do(chromedp.Navigate(p.is(`document.querySelector("#language").href`)))
		p.wantText("#status", say)
		p.until(`document.querySelector("#payment").textContent === "` + order + `"`)
	}
	missing := p.await(`Promise.all(["en", "zh"].map((l) => import("/demo/" + l + ".js"))).then(([en, zh]) => {
		const other = (a, b) => Object.keys(a.default).filter((name) => !b.default[name]?.trim());
		const values = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
		return [...other(en, zh), ...other(zh, en),
			...Object.keys(en.default).filter((name) => values(en.default[name]) !== values(zh.default[name] ?? ""))].join(" ");
	})`)
	if missing != "" {
		t.Errorf("these texts differ between the languages: %s", missing)
	}
}

// TestButtons: the page has those of the chosen provider alone, and no refund before the payment.
func TestButtons(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	for source, statuses := range sources {
		p.choose(source)
		for _, action := range []string{"paid", "pending", "failed", "closed", "refunded"} {
			want := slices.ContainsFunc(statuses, func(status relay.Status) bool { return string(status) == action })
			if p.visible("[data-action="+action+"]") != want {
				t.Errorf("%s: the button of %s is there: %v", source, action, !want)
			}
		}
		if p.is(`String(document.querySelector("[data-action=refunded]").disabled)`) != "true" || p.visible("#refund") {
			t.Errorf("%s: a refund is offered before the payment", source)
		}
		if got, want := p.visible("[data-fault=probe]"), source == "wechatpay-v3"; got != want {
			t.Errorf("%s: a signature probe is offered: %v", source, got)
		}
	}
}

// TestFailedThenPaid: the wait goes on after an outcome that is not final.
func TestFailedThenPaid(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	p.choose("stripe")
	p.press("action", "pending")
	p.wantText("#hint", "the payer has begun")
	p.press("action", "failed")
	p.wantStatus("failed", "Payment failed")
	p.click("#pay")
	p.wantStatus("paid", "Paid")
}

func TestClosed(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	p.choose("alipay")
	p.press("action", "closed")
	p.wantStatus("closed", "Order closed")
	if p.visible("#pay") || !p.visible("#again") {
		t.Error("a closed order is still to be paid")
	}
}

// TestExpired: an order that is not paid in time says so, and is paid all the same if the money comes after all.
func TestExpired(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	before := p.payment()
	p.do(chromedp.Click(chromedp.CSS(`[name=deadline][value="30s"]`)))
	p.another(before)
	p.until(`/^00:(30|2\d)$/.test(document.querySelector("#countdown").textContent)`)
	p.is(`((now) => { Date.now = () => now() + 31_000; return "" })(Date.now)`)
	p.wantStatus("expired", "Order expired")
	if p.visible("#pay") || p.visible("#left") || !p.visible("#again") {
		t.Error("an expired order is still to be paid")
	}
	p.press("action", "paid")
	p.wantStatus("paid", "Paid")
}

// TestOffline: the page says that it is offline, and catches up with what it has missed.
func TestOffline(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.breaks()
	p.open(s, "?lang=en")
	p.network(true)
	p.wantText("#trouble", "This device is offline")
	s.post(t, "/demo/pay", `{"payment":"`+p.payment()+`","source":"wechatpay-v3","action":"paid","fault":""}`, 200, &struct{}{})
	p.network(false)
	p.wantStatus("paid", "Paid")
	p.until(`document.querySelector("#trouble").textContent === ""`)
}

// network takes the page's network away, or gives it back.
func (p *tab) network(offline bool) {
	p.t.Helper()
	conditions := &network.Conditions{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}
	_, err := chromedp.Call(p.ctx, network.EmulateNetworkConditionsByRule,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{conditions}})
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = chromedp.Call(p.ctx, network.OverrideNetworkState,
		network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1})
	if err != nil {
		p.t.Fatal(err)
	}
}
