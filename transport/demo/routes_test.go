package demo_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/demo"
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
}

func (s *shop) pay(t testing.TB, o order, action string) posted {
	t.Helper()
	var p posted
	s.post(t, "/demo/pay", fmt.Sprintf(`{"payment":%q,"source":%q,"action":%q}`, o.Payment, o.Source, action),
		http.StatusOK, &p)
	return p
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
				if p := s.pay(t, o, string(status)); p.Status/100 != 2 || !p.Acknowledged {
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

func TestForged(t *testing.T) {
	s := newShop(t)
	for source := range sources {
		o := s.order(t, source)
		before, n := s.history(t, o.Payment)
		if p := s.pay(t, o, "forged"); p.Status != http.StatusUnauthorized || p.Acknowledged {
			t.Errorf("%s: %+v", source, p)
		}
		after, m := s.history(t, o.Payment)
		if after.Status != relay.Pending || after.Position != before.Position || m != n {
			t.Errorf("%s: state %+v with %d entries, before %+v with %d", source, after, m, before, n)
		}
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

func TestBodies(t *testing.T) {
	s := newShop(t)
	const pay, orders = "/demo/pay", "/demo/orders"
	for _, c := range []struct{ path, body, code string }{
		{orders, ``, "bad_request"},
		{orders, `[]`, "bad_request"},
		{orders, `{}`, "bad_request"},
		{orders, `{"source":"stripe"`, "bad_request"},
		{orders, `{"source":"stripe"}{}`, "bad_request"},
		{orders, `{"source":"stripe","amount":"1"}`, "bad_request"},
		{orders, `{"Source":"stripe"}`, "bad_request"},
		{orders, `{"source":"alipay","source":"stripe"}`, "bad_request"},
		{orders, `{"source":null}`, "bad_request"},
		{orders, `{"source":["stripe"]}`, "bad_request"},
		{orders, "{\"source\":\"stripe\xff\"}", "bad_request"},
		{orders, `{"source":"paypal"}`, "unknown_source"},
		{orders, `{"source":""}`, "unknown_source"},
		{pay, `{"payment":"p","source":"paypal","action":"paid"}`, "unknown_source"},
		{pay, `{"payment":"p","source":"stripe","action":"stolen"}`, "unknown_action"},
		{pay, `{"payment":"p","source":"stripe","action":"registered"}`, "unknown_action"},
		{pay, `{"payment":"p","source":"wechatpay-v3","action":"closed"}`, "unknown_action"},
		{pay, `{"payment":"","source":"stripe","action":"paid"}`, "invalid_payment"},
		{pay, `{"payment":"..","source":"stripe","action":"paid"}`, "invalid_payment"},
		{pay, `{"payment":"p","source":"stripe"}`, "bad_request"},
		{pay, `{"payment":"p","source":"stripe","action":1}`, "bad_request"},
	} {
		resp, text := s.do(t, "POST", c.path, c.body)
		wantProblem(t, c.path+" "+c.body, resp, text, http.StatusBadRequest, c.code)
	}
	resp, text := s.do(t, "POST", orders, `{"source":"`+strings.Repeat("x", 5000)+`"}`)
	wantProblem(t, "long body", resp, text, http.StatusRequestEntityTooLarge, "payload_too_large")
	if _, n := s.history(t, "p"); n > 0 {
		t.Errorf("%d entries were stored", n)
	}
}

func TestHosts(t *testing.T) {
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	ask := func(host string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/payments/p", http.NoBody)
		r.Host = host
		w := httptest.NewRecorder()
		demo.Loopback(reached).ServeHTTP(w, r)
		return w.Result()
	}
	for _, host := range []string{"localhost", "localhost:8080", "LocalHost:1", "127.0.0.1", "127.0.0.1:8080", "[::1]",
		"[::1]:8080"} {
		if resp := ask(host); resp.StatusCode != http.StatusNoContent {
			t.Errorf("%s: status %d", host, resp.StatusCode)
		}
	}
	for _, host := range []string{"", "evil.example", "evil.example:8080", "localhost.evil.example", "localhost.",
		"127.0.0.1.nip.io", "127.0.0.1.nip.io:8080", "evil.example:127.0.0.1", "127.0.0.2", "127.1", "2130706433",
		"0.0.0.0:8080", "::1", "[::]", "[::1].evil.example", "[::ffff:127.0.0.1]", "localhost:80@evil.example",
		"192.168.1.10:8080", "xlocalhost"} {
		resp := ask(host)
		text, _ := io.ReadAll(resp.Body)
		wantProblem(t, "host "+host, resp, string(text), http.StatusForbidden, "forbidden_host")
	}
}

func TestForeignPages(t *testing.T) {
	s := newShop(t)
	for _, c := range [][]string{
		{"Origin", ""}, // from no page
		{"Origin", "null"},
		{"Origin", "https://evil.example"},
		{"Origin", "http://127.0.0.1"}, // another port
		{"Origin", s.url + ".evil.example"},
		{"Origin", s.url + "/"},
		{"Origin", strings.Replace(s.url, "127.0.0.1", "localhost", 1)},
		{"Origin", strings.Replace(s.url, "http", "ftp", 1)},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"}, // another port
		{"Sec-Fetch-Site", "none"},
	} {
		for _, path := range []string{"/demo/orders", "/demo/pay"} {
			resp, text := s.do(t, "POST", path, `{"source":"stripe"}`, c...)
			wantProblem(t, path+" with "+strings.Join(c, ": "), resp, text, http.StatusForbidden, "forbidden_origin")
		}
	}
	resp, text := s.do(t, "POST", "/demo/orders", `{"source":"stripe"}`, "Host", "evil.example", "Origin", "http://evil.example")
	wantProblem(t, "rebound name", resp, text, http.StatusForbidden, "forbidden_host")
	resp, text = s.do(t, "POST", "/demo/orders", `{"source":"stripe"}`, "Sec-Fetch-Site", "") // older browsers
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("without Sec-Fetch-Site: %d %s", resp.StatusCode, text)
	}
}

func TestPages(t *testing.T) {
	s := newShop(t)
	for path, contentType := range map[string]string{
		"/demo": "text/html; charset=utf-8", "/demo/demo.css": "text/css; charset=utf-8",
		"/demo/demo.js": "text/javascript; charset=utf-8", "/demo/view.js": "text/javascript; charset=utf-8",
		"/demo/text.js": "text/javascript; charset=utf-8", "/demo/icon.svg": "image/svg+xml",
	} {
		resp, text := s.do(t, "GET", path, "", "Origin", "")
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		if resp.StatusCode != http.StatusOK || h.Get("Content-Type") != contentType || text == "" ||
			!strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "connect-src 'self'") ||
			strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %d %v", path, resp.StatusCode, h)
		}
		resp, text = s.do(t, "POST", path, "")
		wantProblem(t, "POST "+path, resp, text, http.StatusMethodNotAllowed, "method_not_allowed")
	}
	resp, text := s.do(t, "GET", "/demo/pay", "")
	wantProblem(t, "GET /demo/pay", resp, text, http.StatusMethodNotAllowed, "method_not_allowed")
	resp, text = s.do(t, "GET", "/demo/demo.go", "")
	wantProblem(t, "GET /demo/demo.go", resp, text, http.StatusNotFound, "not_found")
	resp, _ = s.do(t, "GET", "/demo/", "")
	if resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != "/demo" {
		t.Errorf("GET /demo/: %d %v", resp.StatusCode, resp.Header)
	}
	resp, _ = s.do(t, "GET", "/", "")
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "/demo" {
		t.Errorf("GET /: %d %v", resp.StatusCode, resp.Header)
	}
	resp, text = s.do(t, "GET", "/elsewhere", "")
	wantProblem(t, "GET /elsewhere", resp, text, http.StatusNotFound, "not_found")
	_, text = s.do(t, "GET", "/demo", "")
	for _, want := range []string{`value="stripe" data-actions="paid pending failed closed refunded forged"`,
		`value="wechatpay-v3" data-actions="paid failed refunded forged"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
