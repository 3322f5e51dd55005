package transport_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a Site with all transports.
type site struct{ *transporttest.Site }

func newSite(t testing.TB, o transporttest.Options) site {
	t.Helper()
	o.Transports = func(w *wheel.Wheel) []transport.Transport {
		const never = 1000 * time.Hour // the first heartbeat comes at any moment of a test
		return []transport.Transport{sse.New(w, sse.Options{Heartbeat: never}), ws.New(w, ws.Options{Heartbeat: never}), poll.New(poll.Options{})}
	}
	return site{transporttest.NewSite(t, o)}
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// member returns a member of a JSON answer.
func (a answer) member(t testing.TB, name string) any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		t.Fatalf("status %d, %q: %v", a.StatusCode, a.body, err)
	}
	return o[name]
}

// into reads a JSON answer.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("status %d, %q: %v", a.StatusCode, a.body, err)
	}
}

func (s site) do(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	resp, text := s.Do(t, s.Request(t, method, path, body, header...))
	return answer{resp, text}
}

// merchant is a request with the API key.
func (s site) merchant(t testing.TB, method, path, body string) answer {
	t.Helper()
	return s.do(t, method, path, body, "Authorization", "Bearer "+transporttest.APIKey)
}

// waiter is a GET with a ticket for the payment.
func (s site) waiter(t testing.TB, payment, path string) answer {
	t.Helper()
	return s.do(t, "GET", path, "", "Authorization", "Bearer "+s.Ticket(t, payment, time.Hour))
}

// expect checks the status and, of a problem, its code and form.
func (a answer) expect(t testing.TB, what string, status int, code string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d; %s", what, a.StatusCode, status, a.body)
		return
	}
	if code == "" {
		return
	}
	var p transport.Problem
	a.into(t, &p)
	if p.Code != code || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) ||
		a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: problem is %+v with %v, want %s", what, p, a.Header, code)
	}
}
