package demo_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// order is what the shop answers.
type order struct {
	Payment, Ticket, Amount, Currency, Source, QR string
	ExpiresAt                                     time.Time `json:"expires_at"`
}

func (s *shop) order(t testing.TB, source string) order {
	t.Helper()
	var o order
	s.post(t, "/demo/orders", fmt.Sprintf(`{"source":%q}`, source), http.StatusCreated, &o)
	return o
}

type posted struct {
	Status       int
	Acknowledged bool
	Note         string
}

// faulty has the provider call back with a fault, and returns what came of each callback.
func (s *shop) faulty(t testing.TB, o order, action relay.Status, fault string) []posted {
	t.Helper()
	var answer struct{ Posted []posted }
	s.post(t, "/demo/pay", fmt.Sprintf(`{"payment":%q,"source":%q,"action":%q,"fault":%q}`, o.Payment, o.Source, action, fault),
		http.StatusOK, &answer)
	return answer.Posted
}

// pay has the provider call back once.
func (s *shop) pay(t testing.TB, o order, action relay.Status) posted {
	t.Helper()
	all := s.faulty(t, o, action, "")
	if len(all) != 1 {
		t.Fatalf("%d callbacks were posted, want 1", len(all))
	}
	return all[0]
}

// sources are the shop's, with the statuses that each provider has callbacks for.
var sources = map[string][]relay.Status{
	"wechatpay-v3":      {relay.Failed, relay.Paid, relay.Refunded},
	"alipay":            {relay.Pending, relay.Closed, relay.Paid, relay.Refunded},
	"stripe":            {relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded},
	"standard-webhooks": {relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded},
}

func TestOrder(t *testing.T) {
	s := newShop(t)
	o := s.order(t, "stripe")
	if !regexp.MustCompile(`^order-[0-9a-f]{12}$`).MatchString(o.Payment) || o.Source != "stripe" ||
		o.Amount != "129.00" || o.Currency != "USD" {
		t.Errorf("order %+v", o)
	}
	if left := time.Until(o.ExpiresAt); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("expires in %v", left)
	}
	wantSVG(t, o.QR)
	resp, text := s.do(t, "GET", "/v1/payments/"+o.Payment, "", "Authorization", "Bearer "+o.Ticket)
	if resp.StatusCode != http.StatusOK || !strings.Contains(text, `"status":"pending"`) {
		t.Errorf("with its ticket: %d %s", resp.StatusCode, text)
	}
	other := s.order(t, "stripe")
	resp, text = s.do(t, "GET", "/v1/payments/"+other.Payment, "", "Authorization", "Bearer "+o.Ticket)
	wantProblem(t, "with another's ticket", resp, text, http.StatusUnauthorized, "unauthorized")
	if strings.Contains(s.log.String(), o.Ticket) {
		t.Error("a ticket was logged")
	}
}

func wantSVG(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		switch _, err := d.Token(); {
		case errors.Is(err, io.EOF):
			if !strings.HasPrefix(text, "<svg ") || strings.Contains(text, "style") {
				t.Errorf("not an inline SVG without styles: %.200s", text)
			}
			return
		case err != nil:
			t.Errorf("not XML: %v", err)
			return
		}
	}
}

func TestEveryProviderCallsBack(t *testing.T) {
	s := newShop(t)
	for source, statuses := range sources {
		t.Run(source, func(t *testing.T) {
			o := s.order(t, source)
			for _, status := range statuses {
				if status == relay.Closed { // it may be final
					o = s.order(t, source)
				}
				if p := s.pay(t, o, status); p.Status/100 != 2 || !p.Acknowledged {
					t.Errorf("%s: %+v", status, p)
				}
				if state, _ := s.history(t, o.Payment); state.Status != status || state.Conflict {
					t.Errorf("%s: state %+v", status, state)
				}
				if status == relay.Closed {
					o = s.order(t, source)
				}
			}
		})
	}
}

// faults are what each provider can be made to get wrong.
var faults = map[string]string{
	"wechatpay-v3":      "duplicate reorder late wrong-amount bad-signature wrong-key truncated other-merchant stale probe",
	"alipay":            "duplicate reorder late wrong-amount bad-signature wrong-key truncated other-merchant",
	"stripe":            "duplicate reorder late rotated-key wrong-amount bad-signature wrong-key truncated stale",
	"standard-webhooks": "duplicate reorder late rotated-key wrong-amount bad-signature wrong-key truncated stale",
}

// TestEveryFault has each provider get each of its faults wrong, and holds what comes of it.
func TestEveryFault(t *testing.T) {
	s := newShop(t)
	for source, list := range faults {
		for fault := range strings.FieldsSeq(list) {
			o := s.order(t, source)
			before, n := s.history(t, o.Payment)
			all := s.faulty(t, o, relay.Paid, fault)
			after, m := s.history(t, o.Payment)
			switch fault {
			case "bad-signature", "wrong-key", "truncated", "other-merchant", "stale", "probe":
				if len(all) != 1 || all[0] != (posted{Status: http.StatusUnauthorized, Note: fault}) || after.Position != before.Position || m != n {
					t.Errorf("%s of %s: %+v, state %+v with %d entries, before %d", fault, source, all, after, m, n)
				}
				continue
			}
			stored, want := 1, relay.Paid
			switch fault {
			case "reorder":
				stored = 2
				if source == "wechatpay-v3" {
					want = relay.Refunded
				}
			case "wrong-amount":
				want = relay.Pending
			}
			if m != n+stored || after.Status != want || after.Conflict != (fault == "wrong-amount") {
				t.Errorf("%s of %s: state %+v with %d entries, before %d", fault, source, after, m, n)
			}
			for _, p := range all {
				if p.Status/100 != 2 || !p.Acknowledged {
					t.Errorf("%s of %s: %+v", fault, source, all)
				}
			}
			posts := 1
			if fault == "duplicate" || fault == "reorder" {
				posts = 2
			}
			if len(all) != posts || all[posts-1].Note == "" {
				t.Errorf("%s of %s: %+v", fault, source, all)
			}
		}
	}
}

// TestAnnounced: the provider's API is told what a callback is about before it is posted, and if it cannot be, none is.
func TestAnnounced(t *testing.T) {
	s := newShop(t)
	o := s.order(t, "stripe")
	var said []relay.Status
	s.announce = func(p fault.Posting) error {
		if state, _ := s.history(t, o.Payment); len(said) == 0 && state.Status != relay.Pending {
			t.Errorf("told when the payment is %s", state.Status)
		}
		said = append(said, p.Says.Status)
		return nil
	}
	s.faulty(t, o, relay.Paid, fault.Reorder)
	if !slices.Equal(said, []relay.Status{relay.Paid, relay.Pending}) {
		t.Errorf("told %v", said)
	}
	o = s.order(t, "stripe")
	s.announce = func(fault.Posting) error { return errors.New("the API is away") }
	resp, text := s.do(t, "POST", "/demo/pay", fmt.Sprintf(`{"payment":%q,"source":"stripe","action":"paid"}`, o.Payment))
	wantProblem(t, "without the API", resp, text, http.StatusBadRequest, "bad_request")
	if state, _ := s.history(t, o.Payment); state.Status != relay.Pending {
		t.Errorf("the payment is %s", state.Status)
	}
}

// TestOnlyTheChosenSourcePays: an order is bound to its source, amount and currency.
func TestOnlyTheChosenSourcePays(t *testing.T) {
	s := newShop(t)
	o := s.order(t, "stripe")
	o.Source = "alipay"
	if p := s.pay(t, o, "paid"); !p.Acknowledged {
		t.Errorf("a genuine callback: %+v", p)
	}
	if state, _ := s.history(t, o.Payment); state.Status != relay.Pending || !state.Conflict {
		t.Errorf("state %+v", state)
	}
}

// TestExpiry: the page chooses how long an order can be paid.
func TestExpiry(t *testing.T) {
	s := newShop(t)
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "2m": 2 * time.Minute, "900s": 15 * time.Minute} {
		var o order
		begin := time.Now()
		s.post(t, "/demo/orders", fmt.Sprintf(`{"source":"stripe","expires_in":%q}`, text), http.StatusCreated, &o)
		// It ends on a whole second.
		if least := begin.Add(want - time.Second); o.ExpiresAt.Before(least) || o.ExpiresAt.After(time.Now().Add(want)) {
			t.Errorf("%s: expires at %s, ordered at %s", text, o.ExpiresAt, begin)
		}
	}
}
