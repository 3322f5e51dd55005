package demo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/demo"
)

func TestBodies(t *testing.T) {
	s := newShop(t)
	const pay, orders, line = "/demo/pay", "/demo/orders", "/demo/line"
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
		{orders, `{"source":"stripe","expires_in":"29s"}`, "bad_request"},
		{orders, `{"source":"stripe","expires_in":"15m1s"}`, "bad_request"},
		{orders, `{"source":"stripe","expires_in":"soon"}`, "bad_request"},
		{orders, `{"source":"stripe","expires_in":""}`, "bad_request"},
		{orders, `{"source":"stripe","expires_in":60}`, "bad_request"},
		{pay, `{"payment":"p","source":"paypal","action":"paid"}`, "unknown_source"},
		{pay, `{"payment":"p","source":"stripe","action":"forged"}`, "unknown_action"},
		{pay, `{"payment":"p","source":"stripe","action":"paid","fault":"stolen"}`, "unknown_fault"},
		{pay, `{"payment":"p","source":"stripe","action":"paid","fault":"probe"}`, "unknown_fault"},
		{pay, `{"payment":"p","source":"stripe","action":"paid","fault":null}`, "bad_request"},
		{line, `{"payment":"p","do":"burn"}`, "unknown_action"},
		{line, `{"payment":"p","do":""}`, "unknown_action"},
		{line, `{"payment":"..","do":"cut"}`, "invalid_payment"},
		{line, `{"payment":"p"}`, "bad_request"},
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
		for _, path := range []string{"/demo/orders", "/demo/pay", "/demo/line"} {
			resp, text := s.do(t, "POST", path, `{"source":"stripe"}`, c...)
			wantProblem(t, path+" with "+strings.Join(c, ": "), resp, text, http.StatusForbidden, "forbidden_origin")
		}
		if c[1] == "" { // browsers send none when a page asks its own server with GET
			c = append(c, "Sec-Fetch-Site", "")
		}
		for _, path := range []string{"/demo/live?payment=p", "/demo/line/v1/payments/p", "/demo/line/v1/payments/p/sse"} {
			resp, text := s.do(t, "GET", path, "", c...)
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
		"/demo/demo.js": "text/javascript; charset=utf-8", "/demo/icon.svg": "image/svg+xml",
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
	for _, c := range [][2]string{
		{"GET", "/demo/pay"}, {"GET", "/demo/orders"}, {"GET", "/demo/line"}, {"POST", "/demo/live?payment=p"},
		{"PUT", "/demo/line/v1/payments/p"}, {"POST", "/demo/line/v1/payments/p/sse"},
	} {
		resp, text := s.do(t, c[0], c[1], "")
		wantProblem(t, c[0]+" "+c[1], resp, text, http.StatusMethodNotAllowed, "method_not_allowed")
	}
	resp, text := s.do(t, "GET", "/demo/page.html", "")
	wantProblem(t, "GET /demo/page.html", resp, text, http.StatusNotFound, "not_found")
	resp, text = s.do(t, "POST", "/demo/line/v1/callbacks/stripe", "{}")
	wantProblem(t, "a callback over the line", resp, text, http.StatusNotFound, "not_found")
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
	for source, statuses := range sources {
		for _, status := range statuses {
			if words := attribute(text, source, "actions"); !slices.Contains(strings.Fields(words), string(status)) {
				t.Errorf("the page has %q as the actions of %s, without %s", words, source, status)
			}
		}
		if words := attribute(text, source, "faults"); words != faults[source] {
			t.Errorf("the page has %q as the faults of %s, want %q", words, source, faults[source])
		}
	}
}

// attribute returns what the page says of a source in the attribute data-NAME.
func attribute(page, source, name string) string {
	for tag := range strings.SplitSeq(page, "<") {
		if strings.Contains(tag, `value="`+source+`"`) {
			_, words, _ := strings.Cut(tag, " data-"+name+`="`)
			words, _, _ = strings.Cut(words, `"`)
			return words
		}
	}
	return ""
}
