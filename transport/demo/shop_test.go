package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/alipay"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
	"github.com/tillbell/tillbell/transport/client/js"
	"github.com/tillbell/tillbell/transport/demo"
	"github.com/tillbell/tillbell/transport/demo/live"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ticket"
	"github.com/tillbell/tillbell/transport/ws"
)

func open[O any, P callback.Provider, S callback.Signer](t testing.TB, name, label, currency string,
	throwaway func() (O, string, error), build func(O) (P, error), sign func(O, string) (S, error)) demo.Source {
	t.Helper()
	options, key, err := throwaway()
	if err != nil {
		t.Fatal(err)
	}
	account, err := fault.Open(options, key, build, sign, throwaway)
	if err != nil {
		t.Fatal(err)
	}
	return demo.Source{Name: name, Label: label, Currency: currency, Account: account}
}

// shop is the real server with the demo and four providers, and those that are named beside them.
type shop struct {
	url   string
	relay *relay.Relay
	log   *safeBuffer
	// announce is told of each callback before it is posted. It is set while nothing is posted.
	announce func(fault.Posting) error
}

func newShop(t testing.TB, more ...demo.Source) *shop {
	t.Helper()
	accounts := append([]demo.Source{
		open(t, "wechatpay-v3", "WeChat Pay", "CNY", wechatpay.Throwaway, wechatpay.New, wechatpay.NewSigner),
		open(t, "alipay", "Alipay", "CNY", alipay.Throwaway, alipay.New, alipay.NewSigner),
		open(t, "stripe", "Stripe", "USD", stripe.Throwaway, stripe.New, stripe.NewSigner),
		open(t, "standard-webhooks", "Standard Webhooks", "EUR", standard.Throwaway, standard.New, standard.NewSigner),
	}, more...)
	s := &shop{log: new(safeBuffer), announce: func(fault.Posting) error { return nil }}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	engine, w, m := memory.New(memory.Options{}), wheel.New(), metrics.New()
	s.relay = relay.New(engine, w, relay.Options{Log: log})
	if err := s.relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	tickets, err := ticket.New(ticket.Options{Secret: "0123456789abcdef0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]callback.Source)
	for _, a := range accounts {
		sources[a.Name] = callback.Source{Name: a.Name, ProviderName: a.Name, Provider: a.Account.Provider}
	}
	view := live.New()
	route := callback.NewRoute(
		callback.RouteOptions{Relay: s.relay, Metrics: m, Log: log, MaxBody: 1 << 20, Trace: view}, sources)
	pages := demo.New(demo.Options{
		Relay: s.relay, Tickets: tickets, Sources: accounts, Callbacks: route, Live: view, Log: log,
		Announce: func(_ context.Context, p fault.Posting, _ time.Time) error { return s.announce(p) },
	})
	server := transport.New(transport.Options{
		Addr: "127.0.0.1:0", Relay: s.relay, Access: transport.NewAccess(nil, tickets, nil, ""),
		Transports: []transport.Transport{
			view.Watch(sse.New(w, sse.Options{})), view.Watch(ws.New(w, ws.Options{})), view.Watch(poll.New(poll.Options{})),
		},
		KnowsSource: route.Knows, Callbacks: route, Client: js.Module, Metrics: m, Log: log, Wrap: pages.Wrap,
		Extra: pages.Routes(),
	})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + server.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := pages.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := s.relay.Stop(ctx); err != nil {
			t.Error(err)
		}
		w.Stop()
		_ = engine.Close() // never fails
	})
	return s
}

// answerTime is how long a test waits for an answer, all of it included.
const answerTime = 20 * time.Second

// do sends a request as the shop's page would. header alternates names and values; an empty value removes one, and
// Host is the request's.
func (s *shop) do(t testing.TB, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", s.url)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		switch name, value := header[i], header[i+1]; {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	client := http.Client{
		Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// post sends what the page sends and reads the answer into v, which must have the status.
func (s *shop) post(t testing.TB, path, body string, status int, v any) {
	t.Helper()
	resp, text := s.do(t, "POST", path, body)
	if resp.StatusCode != status {
		t.Fatalf("POST %s %s: status %d, want %d; %s", path, body, resp.StatusCode, status, text)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("POST %s: %v in %s", path, err, text)
	}
}

// wantProblem checks that an answer is a problem of that code.
func wantProblem(t testing.TB, what string, resp *http.Response, text string, status int, code string) {
	t.Helper()
	var p transport.Problem
	_ = json.Unmarshal([]byte(text), &p) // what is none has no code
	if resp.StatusCode != status || p.Code != code || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: status %d, %s; want %d %s", what, resp.StatusCode, text, status, code)
	}
}

// history returns the payment's state and how many entries its log has.
func (s *shop) history(t testing.TB, payment string) (relay.State, int) {
	t.Helper()
	state, records, err := s.relay.History(t.Context(), payment)
	if err != nil {
		t.Fatal(err)
	}
	return state, len(records)
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
