package fetch_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
)

const path = "/v2/payments/tr_1"

func TestTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "GET" || r.URL.RequestURI() != "/base/v2/payments/tr_1?embed=refunds" || r.Header.Get("Authorization") != "Bearer "+key {
				t.Errorf("%s %s with %q", r.Method, r.URL, r.Header)
			}
			says(200)(w, r)
		})
		a, err := c.Get(t.Context(), path+"?embed=refunds")
		if err != nil || !a.Found || a.Object.Get("status").Int() != 200 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestRepeatsWhatPasses(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"503": says(503), "500": says(500), "429": says(429), "no answer": cut, "half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"sta`))
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &answers{next: []http.HandlerFunc{first, first, says(200)}}
				c := client(t, h.ServeHTTP)
				begin := time.Now()
				a, err := c.Get(t.Context(), path)
				if err != nil || !a.Found || h.count() != 3 {
					t.Errorf("%+v, %v after %d tries; want an answer after 3", a, err, h.count())
				}
				if took := time.Since(begin); took < 600*time.Millisecond || took >= 1200*time.Millisecond {
					t.Errorf("paused for %s, want 600 ms to 1.2 s", took)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				h := &answers{next: []http.HandlerFunc{first}}
				_, err := client(t, h.ServeHTTP).Get(t.Context(), path)
				if err == nil || h.count() != 3 || !strings.Contains(err.Error(), "tries: 3") {
					t.Errorf("%v after %d tries, want to give up after 3", err, h.count())
				}
				if _, refused := errors.AsType[*callback.Refusal](err); refused {
					t.Errorf("%v: the provider is told not to come again", err)
				}
			})
		})
	}
}

func TestBackOffDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		c := client(t, says(503))
		for range 10 {
			begin := time.Now()
			_, _ = c.Get(t.Context(), path)
			seen[time.Since(begin)] = true
		}
		if len(seen) < 2 {
			t.Errorf("ten times the same pauses: %v", seen)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		after    string
		within   time.Duration
		min, max time.Duration
		tries    int
	}{
		"seconds":             {"3", 10 * time.Second, 3 * time.Second, 3 * time.Second, 2},
		"a date":              {"Sat, 01 Jan 2000 00:00:04 GMT", 10 * time.Second, 4 * time.Second, 4 * time.Second, 2}, // a bubble begins in 2000
		"a date that is gone": {"Sat, 01 Jan 1994 00:00:04 GMT", 10 * time.Second, 200 * time.Millisecond, 400 * time.Millisecond, 2},
		"nonsense":            {"soon", 10 * time.Second, 200 * time.Millisecond, 400 * time.Millisecond, 2},
		"negative":            {"-3", 10 * time.Second, 200 * time.Millisecond, 400 * time.Millisecond, 2},
		"too long":            {"6", time.Hour, 0, 0, 1},
		"longer than ctx":     {"3", 2 * time.Second, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &answers{next: []http.HandlerFunc{says(429, "Retry-After", c.after), says(200)}}
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				api, begin := client(t, h.ServeHTTP), time.Now()
				_, err := api.Get(ctx, path)
				took := time.Since(begin)
				if h.count() != c.tries || (err == nil) != (c.tries == 2) || took < c.min || took > c.max {
					t.Errorf("%v after %d tries and %s, want %d and %s to %s", err, h.count(), took, c.tries, c.min, c.max)
				}
			})
		})
	}
}

func TestNotRepeated(t *testing.T) {
	html := func(status int) http.HandlerFunc { return says(status, "Content-Type", "text/html; charset=utf-8") }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // in the error; empty: not found, and none
	}{
		"404":            {says(404), ""},
		"404 of a proxy": {html(404), "look at api_base"},
		"200 of a proxy": {html(200), "look at api_base"},
		"401":            {says(401), "look at api_key"},
		"403":            {says(403), "look at api_key"},
		"400":            {says(400), "status 400"},
		"422":            {says(422), "status 422"},
		"204":            {says(204), "status 204"},
		"301":            {says(301, "Location", "http://localhost/base/elsewhere"), "redirects are not followed"},
		"307":            {says(307, "Location", "http://evil.example/"), "redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &answers{next: []http.HandlerFunc{c.answer}}
				a, err := client(t, h.ServeHTTP).Get(t.Context(), path)
				if h.count() != 1 || a.Found || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%+v, %v after %d tries, want %q", a, err, h.count(), c.want)
				}
				if _, refused := errors.AsType[*callback.Refusal](err); refused || err != nil && strings.Contains(err.Error(), key) {
					t.Errorf("%v: a refusal, or with the key in it", err)
				}
			})
		})
	}
}

func TestAnswersWithoutSense(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "an array": "[]", "no JSON": "{", "deep": strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"large": `{"a":"` + strings.Repeat("a", 256<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(body))
				})
				_, err := c.Get(t.Context(), path)
				if r, ok := errors.AsType[*callback.Refusal](err); !ok || r.Reason != callback.Malformed || !r.Genuine {
					t.Errorf("%v, want malformed and genuine", err)
				}
				if large := strings.Contains(err.Error(), "larger than 256 KiB"); large != (name == "large") {
					t.Errorf("%s: %v", name, err)
				}
			})
		})
	}
}

// An API that does not answer has 4 s a try, and the caller's time as a whole.
func TestTryTime(t *testing.T) {
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	synctest.Test(t, func(t *testing.T) {
		h := &answers{next: []http.HandlerFunc{hangs, says(200)}}
		c, begin := client(t, h.ServeHTTP), time.Now()
		_, err := c.Get(t.Context(), path)
		if took := time.Since(begin); err != nil || took < 4200*time.Millisecond || took >= 4400*time.Millisecond {
			t.Errorf("%v after %s, want an answer of the second try", err, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := &answers{next: []http.HandlerFunc{hangs}}
		_, err := client(t, h.ServeHTTP).Get(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "no answer within 4s (tries: 3)") {
			t.Errorf("%v, want it said that the API is slow", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		h := &answers{next: []http.HandlerFunc{hangs}}
		c, begin := client(t, h.ServeHTTP), time.Now()
		_, err := c.Get(ctx, path)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second || h.count() != 3 {
			t.Errorf("%v after %s and %d tries, want the end of the caller's time", err, took, h.count())
		}
	})
}

func TestUnknownCertificate(t *testing.T) {
	h := &answers{next: []http.HandlerFunc{says(200)}}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c, err := fetch.New(server.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), path); err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "tries") {
		t.Errorf("%v, want an error about the certificate, at once", err)
	}
	if h.count() != 0 {
		t.Error("the key was sent")
	}
}

func TestBase(t *testing.T) {
	for base, good := range map[string]bool{
		"https://api.mollie.com": true, "https://api.mollie.com/": true, "https://gw.example/mollie": true,
		"http://127.0.0.1:8080/simulator/mollie": true, "http://[::1]:1": true, "http://localhost": true,
		"": false, "api.mollie.com": false, "ftp://localhost": false, "https://": false, "http://api.mollie.com": false,
		"http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false, "https://user:pw@api.mollie.com": false,
		"https://api.mollie.com?x=1": false, "https://api.mollie.com#x": false, "https://api.mollie.com/v2": false,
		"https://api.mercadopago.com/v1/": false, "https:api.mollie.com": false,
	} {
		if _, err := fetch.New(base, key); good != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "api_base: ") {
			t.Errorf("%q: %v, want accepted %v", base, err, good)
		}
	}
	for _, bad := range []string{"a b", "a\n", " a", "a\x7f", "é"} {
		if _, err := fetch.New("https://api.mollie.com", bad); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
	c, err := fetch.New("https://api.mollie.com", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), path); err == nil || !strings.Contains(err.Error(), "api_key") {
		t.Errorf("without a key: %v", err)
	}
}
