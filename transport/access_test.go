package transport_test

import (
	"bufio"
	"context"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/transporttest"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

func TestAPIKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		const key = transporttest.APIKey
		for name, c := range map[string]struct {
			header []string
			status int
		}{
			"good":           {[]string{"Authorization", "Bearer " + key}, 200},
			"any case":       {[]string{"Authorization", "bearer " + key}, 200},
			"spaces":         {[]string{"Authorization", "Bearer   " + key + " "}, 200},
			"none":           {nil, 401},
			"empty":          {[]string{"Authorization", ""}, 401},
			"no key":         {[]string{"Authorization", "Bearer "}, 401},
			"no scheme":      {[]string{"Authorization", key}, 401},
			"basic":          {[]string{"Authorization", "Basic " + key}, 401},
			"longer":         {[]string{"Authorization", "Bearer " + key + "0"}, 401},
			"shorter":        {[]string{"Authorization", "Bearer " + key[1:]}, 401},
			"twice":          {[]string{"Authorization", "Bearer " + key, "Authorization", "Bearer " + key}, 401},
			"two in one":     {[]string{"Authorization", "Bearer " + key + ", Bearer " + key}, 401},
			"cookie":         {[]string{"Cookie", "Authorization=" + key}, 401},
			"another header": {[]string{"X-Api-Key", key}, 401},
			"ticket":         {[]string{"Authorization", "Bearer " + s.Ticket(t, "p", time.Hour)}, 401},
		} {
			for _, r := range [][2]string{{"GET", "/v1/events?wait=0s"}, {"PUT", "/v1/payments/p"}, {"POST", "/v1/payments/p/events"}} {
				body := `{"id":"1","status":"pending"}`
				switch r[0] {
				case "PUT":
					body = "{}"
				case "GET":
					body = ""
				}
				a := s.do(t, r[0], r[1], body, c.header...)
				if ok := a.StatusCode < 300; ok != (c.status == 200) {
					t.Errorf("%s: %s: status %d", name, r[0], a.StatusCode)
				}
				if c.status == 401 {
					a.expect(t, name, 401, "unauthorized")
				}
			}
		}
		s.do(t, "GET", "/v1/events?api_key="+key, "").expect(t, "query", 401, "unauthorized")
	})
}

// TestSetAccess replaces keys and origins while requests go on.
func TestSetAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		s.merchant(t, "GET", "/v1/events?wait=0s", "").expect(t, "before", 200, "")
		s.Server.SetAccess(transport.NewAccess([]string{""}, nil, []string{"https://shop.example"}, ""))
		s.merchant(t, "GET", "/v1/events?wait=0s", "").expect(t, "after", 401, "unauthorized")
		s.do(t, "GET", "/v1/events", "", "Authorization", "Bearer ").expect(t, "an empty key is none", 401, "unauthorized")
		if a := s.do(t, "OPTIONS", "/v1/payments/p", "", "Origin", "https://shop.example"); a.Header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("preflight: %v", a.Header)
		}
	})
}

// TestClientAddress looks at which waits count for one address: the address of the peer, or what the trusted proxies
// say, nearest first.
func TestClientAddress(t *testing.T) {
	for name, c := range map[string]struct {
		trusted       string
		first, second []string // X-Forwarded-For of two waits
		same          bool
	}{
		"nobody is trusted":       {"10.0.0.0/8", []string{"198.51.100.1"}, []string{"198.51.100.2"}, true},
		"the peer is trusted":     {"192.0.2.0/24", []string{"198.51.100.1"}, []string{"198.51.100.2"}, false},
		"the same client":         {"192.0.2.0/24", []string{"198.51.100.1"}, []string{"198.51.100.1"}, true},
		"forged in front":         {"192.0.2.0/24", []string{"1.1.1.1, 198.51.100.1"}, []string{"2.2.2.2, 198.51.100.1"}, true},
		"forged header":           {"192.0.2.0/24", []string{"1.1.1.1", "198.51.100.1"}, []string{"2.2.2.2", "198.51.100.1"}, true},
		"through two proxies":     {"192.0.2.0/24", []string{"198.51.100.1, 192.0.2.9"}, []string{"198.51.100.2,192.0.2.9"}, false},
		"garbage":                 {"192.0.2.0/24", []string{"198.51.100.1, garbage"}, []string{"198.51.100.2, garbage"}, true},
		"garbage in front":        {"192.0.2.0/24", []string{"garbage, 198.51.100.1"}, []string{"198.51.100.1"}, true},
		"no header":               {"192.0.2.0/24", nil, nil, true},
		"with a port":             {"192.0.2.0/24", []string{"198.51.100.1:4711"}, []string{"198.51.100.1:4712"}, true},
		"one /64":                 {"192.0.2.0/24", []string{"2001:db8::1"}, []string{"2001:db8::2"}, true},
		"one /64, with ports":     {"192.0.2.0/24", []string{"[2001:db8::1]:1"}, []string{"[2001:db8::2]"}, true},
		"two /64":                 {"192.0.2.0/24", []string{"2001:db8:0:1::1"}, []string{"2001:db8:0:2::1"}, false},
		"mapped":                  {"192.0.2.0/24", []string{"::ffff:198.51.100.1"}, []string{"198.51.100.1"}, true},
		"all of them are proxies": {"0.0.0.0/0", []string{"198.51.100.1, 192.0.2.9"}, []string{"198.51.100.1"}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, transporttest.Options{
				Relay:  relay.Options{MaxPerAddress: 1},
				Server: transport.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(c.trusted)}},
			})
			ask := func(hops []string) answer {
				header := []string{"Authorization", "Bearer " + s.Ticket(t, "p", time.Hour)}
				for _, h := range hops {
					header = append(header, "X-Forwarded-For", h)
				}
				return s.do(t, "GET", "/v1/payments/p/poll?wait=1s", "", header...)
			}
			first := make(chan answer)
			go func() { first <- ask(c.first) }()
			synctest.Wait()
			second := ask(c.second)
			if same := second.StatusCode == 429; same != c.same {
				t.Errorf("%s: status %d", name, second.StatusCode)
			}
			if same := second.Header.Get("Retry-After") != ""; same != c.same {
				t.Errorf("%s: Retry-After is %q", name, second.Header.Get("Retry-After"))
			}
			if a := <-first; a.StatusCode != 200 {
				t.Errorf("%s: status %d", name, a.StatusCode)
			}
		})
	}
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		s.do(t, "GET", "/readyz", "").expect(t, "ready", 200, "")
		s.Engine.Break()
		s.do(t, "GET", "/readyz", "").expect(t, "broken engine", 503, "unavailable")
		s.do(t, "GET", "/healthz", "").expect(t, "healthy all the same", 200, "")
		s.Engine.Mend()
		<-time.After(2 * time.Second) // until the log is followed again
		s.do(t, "GET", "/readyz", "").expect(t, "mended", 200, "")
		s.Engine.Engine = hanging{s.Engine.Engine}
		begin := time.Now()
		s.do(t, "GET", "/readyz", "").expect(t, "hanging engine", 503, "unavailable")
		s.waiter(t, "p", "/v1/payments/p/poll").expect(t, "a wait on it", 500, "internal")
		s.merchant(t, "GET", "/v1/events", "").expect(t, "the feed of it", 503, "unavailable")
		if took := time.Since(begin); took != 22*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// hanging is an engine that does not answer.
type hanging struct{ relay.Engine }

func (hanging) Head(ctx context.Context) (relay.Position, error) {
	<-ctx.Done()
	return relay.Position{}, ctx.Err()
}
