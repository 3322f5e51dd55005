package js_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/client/js"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ticket"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/ws"
)

const payment = "order/1001 ü"

// shop is a page that has the module, beside the real server.
type shop struct {
	t       *testing.T
	relay   *relay.Relay
	tickets *ticket.Keys
	web     *httptest.Server
	streams transport.Transport
	parked  chan struct{} // has a note for each stream that was told its state
	log     *transporttest.Log
	// between may answer a waiter's request instead of the server. It reports whether it did.
	between atomic.Pointer[func(way string, w http.ResponseWriter, r *http.Request) bool]
	page    context.Context
}

// newShop returns a shop whose page is open in Chromium.
func newShop(t *testing.T) *shop {
	t.Helper()
	s := newServer(t, browser(t), "sse")
	s.load()
	return s
}

// newServer returns a shop whose page is not open. The streams that are noted and can be cut are those of the way.
func newServer(t *testing.T, page context.Context, way string) *shop {
	t.Helper()
	s := &shop{t: t, page: page, log: new(transporttest.Log), parked: make(chan struct{}, 100)}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	engine, w := memory.New(memory.Options{}), wheel.New()
	s.relay = relay.New(engine, w, relay.Options{Log: log})
	if err := s.relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.tickets, err = ticket.New(ticket.Options{Secret: "0123456789abcdef0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	ways := []transport.Transport{sse.New(w, sse.Options{}), ws.New(w, ws.Options{}), poll.New(poll.Options{})}
	s.streams = ways[slices.IndexFunc(ways, func(t transport.Transport) bool { return t.Name() == way })]
	handler := transport.New(transport.Options{
		Relay: s.relay, Access: transport.NewAccess(nil, s.tickets, nil, ""),
		Transports: ways,
		TicketTTL:  15 * time.Minute, MaxTTL: 24 * time.Hour, Client: js.Module, Classic: js.Classic,
		Callbacks: http.NotFoundHandler(), Metrics: metrics.New(), Log: log,
		Extra: map[string]http.Handler{"/page": http.HandlerFunc(servePage)},
	}).Handler()
	s.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if between := s.between.Load(); between == nil || !(*between)(path.Base(r.URL.Path), w, r) {
			handler.ServeHTTP(w, r)
			if path.Base(r.URL.Path) == way {
				s.parked <- struct{}{}
			}
		}
	}))
	t.Cleanup(func() {
		s.cut()
		s.web.CloseClientConnections()
		s.web.Close()
		_ = s.relay.Stop(context.Background())
		w.Stop()
		_ = engine.Close()
	})
	return s
}

// load opens the page, or opens it again.
func (s *shop) load() {
	s.t.Helper()
	if err := chromedp.Do(s.page, chromedp.Navigate(s.web.URL+"/page"), chromedp.WaitReady(chromedp.CSS("#ready"))); err != nil {
		s.t.Fatal(err)
	}
}

// cut resets all streams.
func (s *shop) cut() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.streams.Stop(now) // says that it cut some
}

func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><script type="module">
		import { awaitPayment } from "/client.js";
		window.log = [];
		window.begin = (payment, options) => {
			window.wait = awaitPayment(payment, {
				onStatus: (s) => log.push("state " + s.status), onEvent: (e) => log.push("event " + e.data.status), ...options,
			}).then((out) => ({ out }), (error) => ({ error: String(error), code: String(error.code) }));
		};
		window.awaitPayment = awaitPayment;
		document.body.innerHTML = "<p id=ready>ready</p>";
	</script>`)
}

// browser returns a tab of a headless Chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
			t.Fatal("chromium is required and not in PATH")
		}
		t.Skip("there is no chromium in PATH; install Debian's chromium to run this test")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true), chromedp.NoFirstRun)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

func (s *shop) mint(life time.Duration) string {
	s.t.Helper()
	token, err := s.tickets.Mint(payment, time.Now().Add(life), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

func (s *shop) publish(status relay.Status) relay.Position {
	s.t.Helper()
	receipt, err := s.relay.Publish(context.Background(), relay.Event{ID: "shop:" + string(status), Source: "shop",
		Payment: payment, Status: status, Amount: "129.00", Currency: "CNY"})
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt.Position
}

// evaluate runs a script in the page, waits for its promise, and returns its value in Go.
func evaluate[T any](s *shop, script string) T {
	s.t.Helper()
	v, err := chromedp.Run(s.page, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// begin starts a wait in the page.
func (s *shop) begin(token, options string) {
	s.t.Helper()
	arguments, err := json.Marshal([]string{payment, token})
	if err != nil {
		s.t.Fatal(err)
	}
	evaluate[any](s, `{const [payment, ticket] = `+string(arguments)+`; begin(payment, {ticket, `+options+`}); null}`)
}

// until waits for an expression to be true in the page.
func (s *shop) until(expression string) {
	s.t.Helper()
	if _, err := chromedp.Run(s.page, chromedp.Poll[bool](expression)); err != nil {
		s.t.Fatal(err)
	}
}

// result is what the wait came to.
type result struct {
	Out   outcome  `json:"out"`
	Error string   `json:"error"`
	Code  string   `json:"code"`
	Log   []string `json:"log"`
}

type outcome struct {
	Payment string `json:"payment"`
	Status  string `json:"status"`
	Final   bool   `json:"final"`
	Code    string `json:"code"`
	Amount  string `json:"amount"`
}

func (s *shop) result() result {
	s.t.Helper()
	return evaluate[result](s, `wait.then((r) => ({ ...r, log }))`)
}

func (s *shop) wantPaid() result {
	s.t.Helper()
	r := s.result()
	if o := r.Out; o.Payment != payment || o.Status != "paid" || !o.Final || o.Code != "done" || o.Amount != "129.00" {
		s.t.Fatalf("result %+v", r)
	}
	return r
}

// intercept lets f answer requests by the way, until it is called again.
func (s *shop) intercept(f func(way string, w http.ResponseWriter, r *http.Request) bool) {
	s.between.Store(&f)
}

// receive returns what comes, unless the page's time is over first.
func receive[T any](s *shop, ch <-chan T) T {
	s.t.Helper()
	select {
	case v := <-ch:
		return v
	case <-s.page.Done():
		s.t.Fatal("nothing came")
		panic("unreachable")
	}
}
