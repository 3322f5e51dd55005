package integration_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

// examples is where the examples for adopters are, each with a README of its own.
const examples = "../transport/client/examples"

// backends are the examples of a shop's backend, and the command of each that serves the page in a folder.
var backends = []struct {
	name    string
	command func(t *testing.T) *exec.Cmd
}{
	{"go", backendGo},
	{"node", backendNode},
	{"spring", backendSpring},
}

func backendGo(t *testing.T) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), "shop")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, examples+"/backend-go").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Dir = examples + "/backend-go"
	return cmd
}

func backendNode(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(need(t, "node"), "shop.mjs")
	cmd.Dir = examples + "/backend-node"
	return cmd
}

// TestExampleBackends sells with each backend: what is owed is registered, the page gets a ticket and never the API key,
// and an order is fulfilled once, by what the feed says, of which some is said twice.
func TestExampleBackends(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			cmd := b.command(t)
			conf, address := exampleSettings(t)
			tillbell := start(t, conf)
			s := launchShop(t, cmd, repeatFeed(t, tillbell.url), address, "../html")
			s.tillbell = tillbell

			// A genuine callback about another amount completes nothing. What is behind it in the feed shows that it was read.
			cheap, order := s.order(t), s.order(t)
			s.pays(t, cheap.Order, "1.00")
			s.pays(t, order.Order, order.Amount)
			s.fulfils(t, order.Order)
			if s.show(t, cheap.Order).Fulfilled {
				t.Error("an order of 129.00 is fulfilled for 1.00")
			}
			if snap := s.state(t, cheap); snap.Status != "pending" || !snap.Conflict {
				t.Errorf("after a callback about another amount the payment is %+v", snap)
			}
			s.pays(t, cheap.Order, cheap.Amount)
			s.fulfils(t, cheap.Order)
			if snap := s.state(t, cheap); snap.Status != "paid" {
				t.Errorf("the page is told %q, want paid", snap.Status)
			}
			for _, number := range []string{order.Order, cheap.Order} {
				if n := strings.Count(s.log.String(), number+" is paid and leaves the house"); n != 1 {
					t.Errorf("%s is fulfilled %d times, want once; the shop says\n%s", number, n, s.log.String())
				}
			}
		})
	}
}

// repeatFeed returns the URL of a Tillbell whose feed begins anew a few times, as it does for a shop that restores a
// backup of how far it has read.
func repeatFeed(t *testing.T, tillbell string) string {
	t.Helper()
	target, err := url.Parse(tillbell)
	if err != nil {
		t.Fatal(err)
	}
	var repeats atomic.Int32
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if query := r.In.URL.Query(); query.Get("after") != "" && repeats.Add(1) <= 3 {
			query.Del("after")
			r.Out.URL.RawQuery = query.Encode()
		}
	}})
	t.Cleanup(front.Close)
	return front.URL
}

// TestExampleBackendsWait has Tillbell away when the shop starts: the order cannot be opened, and the feed is read as
// soon as it is back.
func TestExampleBackendsWait(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			conf, shopAt := exampleSettings(t)
			conf = conf.with("listen", freeAddress(t))
			s := launchShop(t, b.command(t), "http://"+conf["listen"].(string), shopAt, "../html")
			if status, body := s.ask(t, http.MethodPost, "/orders"); status < 500 {
				t.Fatalf("without Tillbell an order is answered %d %s", status, body)
			}
			s.tillbell = start(t, conf)
			order := s.order(t)
			s.pays(t, order.Order, order.Amount)
			s.fulfils(t, order.Order)
		})
	}
}

// exampleSettings returns the examples' own configuration, on any port, and the address of a shop that it knows.
func exampleSettings(t *testing.T) (conf settings, shop string) {
	t.Helper()
	text, err := os.ReadFile(examples + "/tillbell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &conf); err != nil {
		t.Fatal(err)
	}
	shop = freeAddress(t)
	conf = conf.with("listen", "127.0.0.1:0").with("cors", settings{"origins": []string{"http://" + shop}})
	conf = conf.with("api_keys", []string{apiKey})
	return conf.with("log", settings{"level": "debug", "format": "json"}), shop
}

// exampleSigner signs as Stripe does for the examples' configuration.
func exampleSigner(t *testing.T) callback.Signer {
	t.Helper()
	text, err := os.ReadFile(examples + "/tillbell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var conf struct {
		Sources struct {
			Stripe struct{ Secrets []string }
		}
	}
	if err := yaml.Unmarshal(text, &conf); err != nil || len(conf.Sources.Stripe.Secrets) != 1 {
		t.Fatalf("the examples' configuration has no secret of Stripe: %v", err)
	}
	signer, err := stripe.NewSigner(stripe.Options{}, conf.Sources.Stripe.Secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// shop is a running backend and its Tillbell.
type shop struct {
	url      string
	tillbell *server
	waits    string // where pages wait
	log      *output
}

// openShop starts Tillbell and the shop's backend with the page in a folder, until the test is over.
func openShop(t *testing.T, cmd *exec.Cmd, page string) *shop {
	t.Helper()
	conf, address := exampleSettings(t)
	tillbell := start(t, conf)
	s := launchShop(t, cmd, tillbell.url, address, page)
	s.tillbell = tillbell
	return s
}

// launchShop starts the shop's backend, whatever the Tillbell at the URL does, and waits until it answers.
func launchShop(t *testing.T, cmd *exec.Cmd, tillbell, address, page string) *shop {
	t.Helper()
	s := &shop{url: "http://" + address, waits: tillbell, log: new(output)}
	cmd.Env = append(environment(), "TILLBELL_URL="+tillbell, "TILLBELL_API_KEY="+apiKey, "LISTEN="+address, "PAGE="+page)
	runUntilEnd(t, cmd, s.log)
	eventually(t, func() bool {
		resp, err := web.Get(s.url + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, func() string { return "the shop shows its page; it says\n" + s.log.String() })
	return s
}

// sold is an order as the page sees it.
type sold struct {
	Order, Amount, Currency, Ticket, Tillbell string
	Fulfilled                                 bool
}

// ask makes a page's request. No answer may hold the API key.
func (s *shop) ask(t *testing.T, method, path string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body := do(t, req)
	if strings.Contains(string(body), apiKey) {
		t.Errorf("%s %s is answered with the API key", method, path)
	}
	return status, body
}

// order orders, as the page does.
func (s *shop) order(t *testing.T) sold {
	t.Helper()
	status, body := s.ask(t, http.MethodPost, "/orders")
	var o sold
	if err := json.Unmarshal(body, &o); err != nil || status != http.StatusCreated || o.Order == "" {
		t.Fatalf("POST /orders: %d %s; the shop says\n%s", status, body, s.log.String())
	}
	o = s.show(t, o.Order)
	if o.Ticket == "" || o.Amount != "129.00" || o.Currency != "USD" || o.Tillbell != s.waits {
		t.Fatalf("the page is given %+v", o)
	}
	return o
}

// show returns the order as the page is given it.
func (s *shop) show(t *testing.T, order string) sold {
	t.Helper()
	status, body := s.ask(t, http.MethodGet, "/orders/"+url.PathEscape(order))
	var o sold
	if err := json.Unmarshal(body, &o); err != nil || status != http.StatusOK {
		t.Fatalf("GET /orders/%s: %d %s", order, status, body)
	}
	s.tillbell.secret(o.Ticket)
	return o
}

// fulfils waits until the order is fulfilled.
func (s *shop) fulfils(t *testing.T, order string) {
	t.Helper()
	eventually(t, func() bool { return s.show(t, order).Fulfilled },
		func() string { return order + " is fulfilled; the shop says\n" + s.log.String() })
}

// pays has the provider call.
func (s *shop) pays(t *testing.T, order, amount string) {
	t.Helper()
	n := callback.Notification{Payment: order, Status: relay.Paid, Amount: relay.Amount(amount), Currency: "USD", ID: "evt_" + order + amount}
	s.tillbell.posts(t, "stripe", exampleSigner(t), n, http.StatusOK)
}

// state reads the payment's state with the ticket, as a page does, from the page's origin.
func (s *shop) state(t *testing.T, o sold) snapshot {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, paymentURL(o.Tillbell, o.Order, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.Ticket)
	req.Header.Set("Origin", s.url)
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != s.url {
		t.Errorf("the page may not read the state: Access-Control-Allow-Origin is %q", got)
	}
	var snap snapshot
	if err := json.NewDecoder(resp.Body).Decode(&snap); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the state is answered %s: %v", resp.Status, err)
	}
	return snap
}
