package demo_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/demo"
)

// manySources are more than the page shows at once, one of them with a long name.
func manySources(t *testing.T) []demo.Source {
	var list []demo.Source
	for i := range 14 {
		name, label := fmt.Sprintf("card-%d", i), fmt.Sprintf("Card %d", i)
		if i == 9 {
			label = "Commerce of Coins Everywhere"
		}
		list = append(list, open(t, name, label, "USD", stripe.Throwaway, stripe.New, stripe.NewSigner))
	}
	return list
}

// TestManyProviders: those that are not at sight are a step away, can be chosen, and are in sight once they are.
func TestManyProviders(t *testing.T) {
	chromium(t)
	s, p := newShop(t, manySources(t)...), newTab(t)
	phone := screen{"en", "light", 390, 844, 1}
	p.resize(phone)
	p.open(s, "?lang=en")
	if p.visible(`input[value=card-9]`) || !p.visible(`input[value=standard-webhooks]`) {
		t.Error("all providers are at sight, or none")
	}
	if text := p.is(`document.querySelector("#more summary").textContent`); text != "14 more providers" {
		t.Errorf("the others are %q", text)
	}
	p.click("#more summary")
	p.until(`document.querySelector("input[value=card-9]").checkVisibility()`)
	before := p.payment()
	p.do(chromedp.Click(chromedp.CSS(`input[value="card-9"]`)))
	p.another(before)
	p.click("#pay")
	p.wantStatus("paid", "Paid")
	p.reload(p.payment())
	p.until(`document.querySelector("input[value=card-9]").checkVisibility() && document.querySelector("#more div").scrollTop > 0`)
	for _, width := range []int64{360, 768, 1280} {
		phone.width = width
		p.resize(phone)
		p.wantNoOverflow(width)
	}
}
