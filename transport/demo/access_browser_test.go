package demo_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// node is what a screen reader is told of an element.
type node struct{ role, name string }

// tree returns what a screen reader finds in the page, in order.
func (p *tab) tree() []node {
	p.t.Helper()
	all, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	var nodes []node
	for _, n := range all.Nodes {
		if !n.Ignored {
			nodes = append(nodes, node{text(n.Role), text(n.Name)})
		}
	}
	return nodes
}

// text is an accessibility value that is one.
func text(v *accessibility.Value) (s string) {
	if v != nil {
		_ = json.Unmarshal(v.Value, &s) // what is no text is nothing
	}
	return s
}

// TestScreenReader: every landmark, heading, field and button has its name, and what changes is announced once.
func TestScreenReader(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	nodes := p.tree()
	for _, want := range []node{
		{"banner", ""}, {"main", ""}, {"region", "Checkout"}, {"region", "Be the provider"}, {"region", "What happens"},
		{"heading", "Checkout"}, {"heading", "It goes wrong"}, {"group", "Pay with"}, {"radio", "WeChat Pay CNY"},
		{"image", "Code to pay with a phone"}, {"status", ""}, {"timer", ""}, {"button", "Pay ¥129.00"},
		{"group", "It calls back"}, {"button", "Forged"}, {"list", "It goes wrong"}, {"list", "What happens"},
		{"link", "中文"}, {"link", "Skip to the payment"},
	} {
		if !slices.Contains(nodes, want) {
			t.Errorf("a screen reader finds no %s %q", want.role, want.name)
		}
	}
	for _, n := range nodes {
		needs := []string{"button", "link", "radio", "image", "region", "heading", "group", "list"}
		if slices.Contains(needs, n.role) && strings.TrimSpace(n.name) == "" {
			t.Errorf("a %s has no name", n.role)
		}
	}
	p.is(`window.said = [], new MutationObserver(() => said.push(document.querySelector("#status").textContent))
		.observe(document.querySelector("#status"), { childList: true, characterData: true, subtree: true }), ""`)
	p.press("action", "paid")
	p.wantStatus("paid", "Paid")
	p.press("fault", "duplicate")
	p.wantText("#answer", "Twice: acknowledged")
	if said := p.is(`said.join(", ")`); said != "Paid" {
		t.Errorf("announced are %q", said)
	}
}

// TestKeyboard goes through an order without a mouse: every stop can be seen, and none is lost.
func TestKeyboard(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s, "?lang=en")
	first := p.payment()
	var stops []string
	for range 40 {
		p.do(chromedp.KeyEvent(kb.Tab))
		stop := p.is(focused)
		if stop == "" {
			break
		}
		stops = append(stops, stop)
		if p.is(`String(parseFloat(ring(document.activeElement).outlineWidth) >= 2)`) != "true" {
			t.Errorf("the focus on %s cannot be seen", stop)
		}
	}
	want := "Skip to the payment, 中文, wechatpay-v3, Pay ¥129.00, Paid, Failed, Twice, Out of order, An hour late, One cent more, " +
		"Forged, A stranger's key, Cut off, Another merchant's, Replayed, Signature probe, Cut the stream, Freeze the line, Slow the line, 15m, timeline"
	if got := strings.Join(stops, ", "); got != want {
		t.Errorf("the keyboard goes over\n%s, want\n%s", got, want)
	}
	p.is(`document.querySelector("input[name=source]:checked").focus(), ""`)
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	p.another(first)
	p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	p.wantStatus("paid", "Paid")
	p.until(`document.activeElement.id === "status"`) // the button that was pressed is gone
	second := p.payment()
	p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(" "))
	p.another(second)
}

// focused names the element with the focus.
const focused = `window.ring = (e) => getComputedStyle(e.type === "radio" ? e.nextElementSibling : e, e.closest("li") && "::after"), (document.activeElement === document.body ? "" :
	document.activeElement.value || document.activeElement.id === "timeline" && "timeline" || document.activeElement.textContent)`

// TestContrast: every text has at least 4.5 times the luminance of its ground or the other way round, as WCAG 2.2 asks for
// at level AA (success criterion 1.4.3), in both schemes and all states.
func TestContrast(t *testing.T) {
	chromium(t)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			s, p := newShop(t), newTab(t)
			p.breaks()
			p.resize(screen{scheme: scheme, width: 1280, height: 900, scale: 1})
			p.open(s, "?lang=en")
			p.choose("standard-webhooks")
			p.press("line", "freeze")
			p.wantText("#trouble", "No bytes")
			p.wantContrast("waiting")
			p.press("line", "freeze")
			for _, status := range []string{"failed", "paid", "refunded"} {
				p.press("action", status)
				p.until(`document.querySelector("#status").dataset.status === "` + status + `"`)
				p.wantContrast(status)
			}
			p.press("fault", "bad-signature")
			p.wantText("#answer", "refused")
			p.wantText("#timeline", "refused")
			p.wantContrast("refused")
			for _, status := range []string{"closed", "expired"} {
				p.is(`document.querySelectorAll("[data-status]").forEach((e) => { e.dataset.status = "` + status + `" }), ""`)
				p.wantContrast(status)
			}
		})
	}
}

// wantContrast computes the contrast of every text that is shown, over the colours that lie behind it.
func (p *tab) wantContrast(state string) {
	p.t.Helper()
	weak := p.is(`(() => {
		const colour = (css) => css.match(/[\d.]+/g).map(Number);
		const luminance = (rgb) => rgb.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
			.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
		const ground = (e) => {
			const [r, g, b, a = 1] = colour(getComputedStyle(e).backgroundColor);
			return a === 1 || !e.parentElement ? [r, g, b] : ground(e.parentElement).map((c, i) => c * (1 - a) + [r, g, b][i] * a);
		};
		const weak = [];
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		let seen = 0;
		while (texts.nextNode()) {
			const e = texts.currentNode.parentElement;
			if (!texts.currentNode.data.trim() || e.closest("noscript") || !e.checkVisibility({ visibilityProperty: true })) continue;
			const [a, b] = [luminance(colour(getComputedStyle(e).color)), luminance(ground(e))];
			const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
			seen++;
			if (!(ratio >= 4.5)) weak.push(texts.currentNode.data.trim() + " " + ratio.toFixed(2));
		}
		return seen < 40 ? "only " + seen + " texts" : weak.join(", ");
	})()`)
	if weak != "" {
		p.t.Errorf("%s: too weak are %s", state, weak)
	}
}
