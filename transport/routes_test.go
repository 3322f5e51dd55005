package transport_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// TestErrors has the router's own answers: problems all of them.
func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for _, path := range []string{
			"/", "/v1", "/v1/", "/v1/payments", "/v1/payments/", "/v1/payments/p/", "/v1/payments/p/sse/", "/v1/payments/p/smtp",
			"/v1//payments/p", "//v1/payments/p", "/v1/payments//p", "/v1/payments/../payments/p", "/v1/./events", "/v1/payments/p/sse/..",
			"/v1/payments/a/b/sse", "/v2/events", "/client.js/", "/CLIENT.JS", "/v1/payments/p/events/", "/healthz/", "/%2e%2e/healthz",
			"/v1/callbacks", "/v1/callbacks/", "/v1/callbacks/a/b", "/v1/%2e%2e/healthz", "/v1/%2E/events",
		} {
			for _, method := range []string{"GET", "POST", "BREW"} {
				a := s.merchant(t, method, path, "")
				a.expect(t, method+" "+path, 404, "not_found")
				if a.Header.Get("Location") != "" {
					t.Errorf("%s leads to %s", path, a.Header.Get("Location"))
				}
			}
		}
		for path, allow := range map[string]string{
			"/v1/payments/p":        "GET, PUT, OPTIONS",
			"/v1/payments/p/events": "POST",
			"/v1/payments/p/sse":    "GET, OPTIONS",
			"/v1/payments/p/ws":     "GET, OPTIONS",
			"/v1/payments/p/poll":   "GET, OPTIONS",
			"/v1/events":            "GET",
			"/client.js":            "GET, HEAD",
			"/client.classic.js":    "GET, HEAD",
			"/healthz":              "GET, HEAD",
			"/readyz":               "GET, HEAD",
		} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
				if strings.Contains(allow, method) {
					continue
				}
				a := s.do(t, method, path, "")
				if a.StatusCode != 405 || a.Header.Get("Allow") != allow || a.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s: status %d, %v", method, path, a.StatusCode, a.Header)
				}
				if method != "HEAD" {
					a.expect(t, method+" "+path, 405, "method_not_allowed")
				}
			}
		}
	})
}

// TestRawTargets has request targets that no client of Go's sends.
func TestRawTargets(t *testing.T) {
	s := newSite(t, transporttest.Options{Network: transporttest.TCP})
	for line, status := range map[string]string{
		"GET * HTTP/1.1":                                    "404",
		"OPTIONS * HTTP/1.1":                                "404",
		"GET /%zz HTTP/1.1":                                 "400",
		"GET /v1/payments/%/sse HTTP/1.1":                   "400",
		"GET http://elsewhere.example/healthz HTTP/1.1":     "200",
		"CONNECT elsewhere.example:443 HTTP/1.1":            "404",
		"GET /healthz HTTP/1.0":                             "200",
		"GET /healthz HTTP/3.1":                             "505",
		"GET healthz HTTP/1.1":                              "400",
		"GET /healthz":                                      "400",
		"G T /healthz HTTP/1.1":                             "400",
		"GET /healthz?a;b HTTP/1.1":                         "200",
		"GET /" + strings.Repeat("x", 40<<10) + " HTTP/1.1": "431",
		"\x16\x03\x01":                                      "400",
	} {
		if got := s.raw(t, line+"\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.") || !strings.HasPrefix(got[9:], status) {
			t.Errorf("%.40q: %.60q, want %s", line, got, status)
		}
	}
	s.merchant(t, "GET", "/healthz", "").expect(t, "afterwards", 200, "")
}

// raw sends text, closes its side and returns all that comes back.
func (s site) raw(t testing.TB, text string) string {
	t.Helper()
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := readAnswer(conn)
	if err != nil {
		t.Errorf("%.40q: %v", text, err)
	}
	return resp
}

// readAnswer reads up to the end of the headers.
func readAnswer(r io.Reader) (string, error) {
	var all []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(all), "\r\n\r\n"); all = append(all, b[0]) {
		if _, err := r.Read(b); err != nil {
			return string(all), err
		}
	}
	return string(all), nil
}

// TestHeaders walks through answers of every kind and holds the rules for caching, CORS and Vary.
func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shop = "https://shop.example"
		s := newSite(t, transporttest.Options{Origins: []string{shop}})
		s.merchant(t, "POST", "/v1/payments/p/events", `{"id":"1","status":"paid"}`)
		key, token := "Bearer "+transporttest.APIKey, "Bearer "+s.Ticket(t, "p", time.Hour)
		at := s.page(t, "").Position
		for _, r := range []struct {
			method, path, authorization, body string
			status                            int
		}{
			{"PUT", "/v1/payments/p", key, "", 201},
			{"PUT", "/v1/payments/p", key, "[]", 400},
			{"PUT", "/v1/payments/p", token, "", 401},
			{"PUT", "/v1/payments/p", key, `{"source":"x"}`, 400},
			{"POST", "/v1/payments/p/events", key, `{"id":"1","status":"paid"}`, 200},
			{"POST", "/v1/payments/p/events", "", "", 401},
			{"GET", "/v1/payments/p/events", key, "", 405},
			{"OPTIONS", "/v1/payments/p/events", key, "", 405},
			{"OPTIONS", "/v1/events", key, "", 405},
			{"GET", "/v1/events", key, "", 200},
			{"GET", "/v1/events", "", "", 401},
			{"GET", "/v1/nothing", key, "", 404},
			{"GET", "/healthz", "", "", 200},
			{"GET", "/readyz", "", "", 200},
			{"GET", "/v1/payments/p", token, "", 200},
			{"GET", "/v1/payments/p", key, "", 200},
			{"GET", "/v1/payments/q", key, "", 404},
			{"GET", "/v1/payments/p", "", "", 401},
			{"DELETE", "/v1/payments/p", "", "", 405},
			{"OPTIONS", "/v1/payments/p", "", "", 204},
			{"GET", "/v1/payments/p/sse", token, "", 200},
			{"GET", "/v1/payments/p/sse?after=" + at, token, "", 204},
			{"GET", "/v1/payments/p/sse", "", "", 401},
			{"OPTIONS", "/v1/payments/p/sse", "", "", 204},
			{"GET", "/v1/payments/p/ws", token, "", 426},
			{"GET", "/v1/payments/p/poll", token, "", 200},
			{"GET", "/v1/payments/p/poll?wait=x", token, "", 400},
			{"HEAD", "/v1/payments/p/poll", token, "", 405},
		} {
			what := r.method + " " + r.path
			a := s.do(t, r.method, r.path, r.body, "Authorization", r.authorization, "Origin", shop)
			a.expect(t, what, r.status, "")
			h := a.Header
			waiter := r.method != "PUT" && strings.HasPrefix(r.path, "/v1/payments/") && !strings.HasSuffix(r.path, "/events")
			cache := "no-store"
			if a.StatusCode == 200 && strings.Contains(r.path, "/sse") {
				cache = "no-cache, no-transform"
			}
			if h.Get("Cache-Control") != cache {
				t.Errorf("%s: Cache-Control is %q", what, h.Get("Cache-Control"))
			}
			if (h.Get("Vary") == "Origin") != waiter || (h.Get("Access-Control-Allow-Origin") == shop) != waiter {
				t.Errorf("%s: %v", what, h)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Server") != "" {
				t.Errorf("%s: %v", what, h)
			}
			if a.StatusCode != 204 && h.Get("Content-Type") == "" {
				t.Errorf("%s: no Content-Type", what)
			}
		}
	})
}

func TestScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		texts := map[string]string{"/client.js": "export {}\n", "/client.classic.js": "void 0\n"}
		s := newSite(t, transporttest.Options{Server: transport.Options{
			Client: []byte(texts["/client.js"]), Classic: []byte(texts["/client.classic.js"]),
		}})
		for path, want := range texts {
			a := s.do(t, "GET", path, "", "Origin", "https://evil.example", "Accept-Encoding", "identity")
			if a.body != want || a.Header.Get("Access-Control-Allow-Origin") != "*" ||
				a.Header.Get("Vary") != "Accept-Encoding" || a.Header.Get("Content-Encoding") != "" ||
				a.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
				t.Errorf("%s: %q, %v", path, a.body, a.Header)
			}
			known := a.Header.Get("ETag")
			if a := s.do(t, "GET", path, "", "If-None-Match", known, "Accept-Encoding", "identity"); a.StatusCode != 304 {
				t.Errorf("%s with %s: status %d", path, known, a.StatusCode)
			}
			if a := s.do(t, "HEAD", path, ""); a.StatusCode != 200 || a.body != "" {
				t.Errorf("HEAD %s: status %d, %q", path, a.StatusCode, a.body)
			}
			for header, taken := range map[string]bool{
				"gzip, deflate, br": true, "br;q=1.0, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false, "xgzip": false,
			} {
				a := s.do(t, "GET", path, "", "Accept-Encoding", header)
				if packed := a.Header.Get("Content-Encoding") == "gzip"; packed != taken || packed == (a.Header.Get("ETag") == known) {
					t.Errorf("%s for %s: %v", path, header, a.Header)
				}
				if taken && unpack(t, a.body) != want {
					t.Errorf("%s for %s is another text", path, header)
				}
			}
		}
	})
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExtra(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{Server: transport.Options{
			Extra: map[string]http.Handler{"/demo": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })},
			Wrap: func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Wrapped", "yes")
					h.ServeHTTP(w, r)
				})
			},
		}})
		for path, status := range map[string]int{"/demo": 418, "/demo/": 404, "/healthz": 200, "//": 404} {
			a := s.do(t, "GET", path, "")
			a.expect(t, path, status, "")
			if a.Header.Get("X-Wrapped") != "yes" {
				t.Errorf("%s is not wrapped", path)
			}
		}
	})
}

// TestPanic has a handler that panics: its request is cut, the reason is logged, and the server goes on.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{Server: transport.Options{
			Extra: map[string]http.Handler{"/boom": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })},
		}})
		if resp, err := s.Client.Do(s.Request(t, "GET", "/boom", "")); err == nil {
			t.Errorf("status %d", resp.StatusCode)
		}
		if !strings.Contains(s.Logged.String(), "level=ERROR msg=panic route=/boom reason=boom") {
			t.Errorf("logged is %s", s.Logged)
		}
		s.do(t, "GET", "/healthz", "").expect(t, "afterwards", 200, "")
	})
}

// TestKeptAlive asks again on a connection after a deadline of the request before has passed.
func TestKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, path := range []string{"/v1/payments/p", "/v1/nothing", "/healthz", "/v1/events?wait=30s", "/v1/events", "/v1/payments/p/poll?wait=30s", "/v1/payments/p/sse", "/"} {
			head := "GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + transporttest.APIKey + "\r\n\r\n"
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			resp, err := http.ReadResponse(newReader(conn), nil)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			time.Sleep(20 * time.Second) // in the bubble
		}
	})
}
