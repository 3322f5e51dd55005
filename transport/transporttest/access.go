package transporttest

import (
	"net/http"
	"strings"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

const shop = "https://shop.example"

// unauthorized has requests without a ticket that counts. All are refused alike, cross origin too.
func unauthorized(t *trial) {
	t.site(Options{Origins: []string{shop}})
	valid := t.Ticket(t, "p", time.Hour)
	for name, header := range map[string][]string{
		"none":          nil,
		"garbage":       {"Authorization", "Bearer garbage"},
		"empty":         {"Authorization", "Bearer "},
		"api key":       {"Authorization", "Bearer " + APIKey},
		"not bearer":    {"Authorization", "Basic " + valid},
		"expired":       {"Authorization", "Bearer " + t.Ticket(t, "p", -time.Second)},
		"expires now":   {"Authorization", "Bearer " + t.Ticket(t, "p", 0)},
		"foreign":       {"Authorization", "Bearer " + t.Ticket(t, "q", time.Hour)},
		"bent":          {"Authorization", "Bearer " + valid[:len(valid)-2]},
		"twice":         {"Authorization", "Bearer " + valid, "Authorization", "Bearer " + valid},
		"first decides": {"Authorization", "Bearer garbage", "Cookie", "tillbell_ticket=" + valid},
		"other cookie":  {"Cookie", "ticket=" + valid},
	} {
		resp := t.openPath(t.path("p"), append(header, "Origin", shop)...).Answer()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
		t.problem(resp)
		if got := resp.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", name, got)
		}
		t.cors(resp, shop)
	}
	synctest.Wait()
	if n := t.Relay.Waiters(); n != 0 {
		t.Errorf("%d waiters", n)
	}
}

// places puts a valid ticket into each place.
func places(t *trial) {
	t.site(Options{Origins: []string{shop}, Server: transport.Options{PublicURL: "https://pay.example"}})
	t.Publish(t, pay("p", relay.Paid, 1))
	token := t.Ticket(t, "p", time.Hour)
	cookie := []string{"Cookie", "a=b; tillbell_ticket=" + token}
	for name, c := range map[string]struct {
		query  string
		header []string
		ok     bool
	}{
		"bearer":             {"", []string{"Authorization", "Bearer " + token}, true},
		"bearer, any case":   {"", []string{"Authorization", "bEARER " + token}, true},
		"query":              {"?ticket=" + token, nil, t.h.Query},
		"cookie":             {"", cookie, true},
		"cookie, own origin": {"", append(cookie, "Origin", "http://"+Host), true},
		"cookie, https":      {"", append(cookie, "Origin", "https://"+Host), true},
		"cookie, public url": {"", append(cookie, "Origin", "https://pay.example"), true},
		"cookie, allowed":    {"", append(cookie, "Origin", shop), true},
		"cookie, foreign":    {"", append(cookie, "Origin", "https://evil.example"), false},
		"cookie, null":       {"", append(cookie, "Origin", "null"), false},
		"cookie, two":        {"", append(cookie, "Origin", shop, "Origin", shop), false},
		"cookie, other port": {"", append(cookie, "Origin", "http://"+Host+":8080"), false},
	} {
		resp := t.openPath(t.path("p")+c.query, c.header...).Answer()
		if ok := resp.StatusCode < 400; ok != c.ok {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
		if got := resp.Header.Get("Referrer-Policy"); (got == "no-referrer") != (c.query != "") {
			t.Errorf("%s: Referrer-Policy is %q", name, got)
		}
	}
}

// cors expects the headers of an answer to an allowed origin.
func (t *trial) cors(resp *http.Response, origin string) {
	t.Helper()
	h := resp.Header
	if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Expose-Headers") != "Retry-After" ||
		(h.Get("Access-Control-Allow-Credentials") == "true") == (origin == "*") {
		t.Errorf("status %d: CORS headers for %s are %v", resp.StatusCode, origin, h)
	}
	if h.Get("Vary") != "Origin" {
		t.Errorf("status %d: Vary is %q", resp.StatusCode, h.Get("Vary"))
	}
}

func origins(t *trial) {
	t.site(Options{Origins: []string{shop, "HTTP://Local.Example:80"}, Server: transport.Options{PublicURL: "https://pay.example/base"}})
	at := t.Publish(t, pay("p", relay.Paid, 1))
	for _, origin := range []string{shop, "https://pay.example", "http://local.example"} {
		for _, query := range []string{"", "?after=" + at.String(), "?ttl=soon"} {
			t.cors(t.open("p", query, "Origin", origin).Answer(), origin)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", "http://shop.example", "https://shop.example.evil.example", "%", ""} {
		resp := t.open("p", "", "Origin", origin).Answer()
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s for the origin %q", name, origin)
			}
		}
		if resp.Header.Get("Vary") != "Origin" {
			t.Errorf("Vary is %q for the origin %q", resp.Header.Get("Vary"), origin)
		}
	}
}

func anyOrigin(t *trial) {
	t.site(Options{Origins: []string{"*"}})
	t.Publish(t, pay("p", relay.Paid, 1))
	for _, origin := range []string{shop, "null", "http://" + Host} {
		t.cors(t.open("p", "", "Origin", origin).Answer(), "*")
	}
	for _, header := range [][]string{nil, {"Origin", "http://" + Host}, {"Origin", shop}} {
		header = append(header, "Cookie", "tillbell_ticket="+t.Ticket(t, "p", time.Hour))
		if resp := t.openPath(t.path("p"), header...).Answer(); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v: status %d with a cookie", header[:len(header)-2], resp.StatusCode)
		}
	}
}

// otherRequests are those of a waiter's route that begin no wait.
func otherRequests(t *trial) {
	t.site(Options{Origins: []string{shop}})
	bearer := "Bearer " + t.Ticket(t, "p", time.Hour)
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "PATCH", "BREW"} {
		resp, _ := t.Do(t, t.Request(t, method, t.path("p"), "", "Authorization", bearer, "Origin", shop))
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("%s: status %d, Allow %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
		t.problem(resp)
		t.cors(resp, shop)
	}
	resp, body := t.Do(t, t.Request(t, "OPTIONS", t.path("p"), "", "Origin", shop, "Access-Control-Request-Method", "GET"))
	if resp.StatusCode != http.StatusNoContent || body != "" || resp.Header.Get("Cache-Control") != "no-store" ||
		resp.Header.Get("Access-Control-Allow-Headers") != "Authorization, Last-Event-ID" ||
		resp.Header.Get("Access-Control-Allow-Methods") != "GET, OPTIONS" {
		t.Errorf("preflight: status %d, %v, %q", resp.StatusCode, resp.Header, body)
	}
	t.cors(resp, shop)
	resp, _ = t.Do(t, t.Request(t, "OPTIONS", t.path("p"), "", "Origin", "https://evil.example"))
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("foreign preflight: status %d, %v", resp.StatusCode, resp.Header)
	}
	resp, _ = t.Do(t, t.Request(t, "GET", t.path("p"), "a body", "Authorization", bearer, "Origin", shop))
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("with a body: status %d", resp.StatusCode)
	}
	t.problem(resp)
	t.cors(resp, shop)
}
