package callback_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// vault is a provider whose checks cost much. A callback's body is "paid" and its event's id, or else not genuine.
type vault struct{ checks atomic.Int64 }

func (v *vault) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	body := string(r.Body)
	if reason, ok := strings.CutPrefix(body, "bare "); ok {
		return nil, callback.Refuse(callback.Reason(reason), "there is no signature to look at")
	}
	v.checks.Add(1)
	if id, ok := strings.CutPrefix(body, "paid "); ok {
		return []callback.Event{{Event: relay.Event{ID: id, Payment: id, Status: relay.Paid, Final: true}}}, nil
	}
	return nil, callback.Refuse(callback.BadSignature, "no key fits")
}

func (*vault) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK}
}

const (
	sender   = "198.51.100.1"
	attacker = "203.0.113.1"
)

// guarding runs a test in a bubble with a house whose only source is a vault.
func guarding(t *testing.T, f func(t *testing.T, h *house, v *vault)) {
	synctest.Test(t, func(t *testing.T) {
		v := new(vault)
		h, stop := newHouse(t, with(v, true))
		defer stop()
		f(t, h, v)
	})
}

// forge posts n forged callbacks, each from an address that from gives it, and returns how many were checked.
func forge(h *house, v *vault, n int, from func(i int) string) int64 {
	before := v.checks.Load()
	for i := range n {
		h.serve(told(from(i), "forged"))
	}
	return v.checks.Load() - before
}

func same(address string) func(int) string { return func(int) string { return address } }

// everywhere gives each callback a /24 of its own.
func everywhere(i int) string { return fmt.Sprintf("10.%d.%d.1", i/256%256, i%256) }

func TestFailedChecksAreBounded(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		// The first fails as a clean address.
		if n := forge(h, v, 10_000, same(attacker)); n != 501 {
			t.Errorf("%d checks for one address, want 501", n)
		}
		if after := h.wants(t, attacker, "forged", http.StatusServiceUnavailable).Get("Retry-After"); after != "5" {
			t.Errorf("Retry-After %q, want 5", after)
		}
		h.counted("bank", "limited", "9500")
		time.Sleep(time.Second)
		if n := forge(h, v, 10_000, same(attacker)); n != 500 {
			t.Errorf("%d checks in the next second, want 500", n)
		}
		if n := forge(h, v, 10_000, everywhere); n < 999 || n > 1000 {
			t.Errorf("%d checks for as many addresses, want 1000", n)
		}
		time.Sleep(time.Hour)
		h.wants(t, attacker, "forged", http.StatusUnauthorized)
	})
}

// TestForgeriesStarveNobody: beside a flood from elsewhere every genuine callback is checked, the first too.
func TestForgeriesStarveNobody(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		forge(h, v, 1000, same(attacker))
		for i := range 50 {
			h.wants(t, sender, fmt.Sprint("paid ", i), http.StatusOK)
			forge(h, v, 100, same(attacker))
		}
	})
}

// From more networks than are tried out in a second, the addresses that had a genuine callback are still heard.
func TestForgeriesFromEverywhereStarveNobodyKnown(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		h.wants(t, sender, "paid 0", http.StatusOK)
		forge(h, v, 10_000, everywhere)
		h.wants(t, "198.51.100.99", "paid 1", http.StatusOK)
		h.wants(t, "192.0.2.1", "paid 2", http.StatusServiceUnavailable) // nobody has heard of it: it comes again
		time.Sleep(time.Second)
		h.wants(t, "192.0.2.1", "paid 2", http.StatusOK)
	})
}

// Where all come from one address, a proxy's, and a genuine callback came from there, nobody is sent away unseen.
func TestForgeriesFromTheSameAddress(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		h.wants(t, sender, "paid 0", http.StatusOK)
		if n := forge(h, v, 1000, same(sender)); n != 1000 {
			t.Errorf("%d checks, want all", n)
		}
		h.wants(t, sender, "paid 1", http.StatusOK)
		h.counted("bank", "limited", "0")
	})
}

// TestOldCallbackProvesTooMuch: the log forgets, and takes a callback from before it for a new one. What that proves is worth
// a bounded number of checks.
func TestOldCallbackProvesTooMuch(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		h.wants(t, attacker, "paid long-ago", http.StatusOK)
		if n := forge(h, v, 10_000, same(attacker)); n != 5000 {
			t.Errorf("%d checks, want 5000", n)
		}
		h.wants(t, sender, "paid 1", http.StatusOK)
	})
}

// Who repeats a callback that was seen somewhere costs a check each time and has proven nothing. It may be the provider,
// whose address that is not heard of yet is no worse for it.
func TestReplaysProveNothing(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		h.wants(t, sender, "paid 0", http.StatusOK)
		before := v.checks.Load()
		for range 5000 {
			h.serve(told(attacker, "paid 0"))
		}
		if n := v.checks.Load() - before; n != 1000 {
			t.Errorf("%d checks, want 1000", n)
		}
		h.wants(t, sender, "paid 0", http.StatusOK) // the provider's own retry
	})
}

// A call that is refused before its signature is looked at costs nothing that would have to be bounded.
func TestCheapRefusalsAreNotBounded(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		for _, reason := range []callback.Reason{callback.MissingHeader, callback.DuplicateHeader, callback.Probe,
			callback.UnsupportedAlgorithm, callback.UnknownKey} {
			for range 1000 {
				h.wants(t, attacker, "bare "+string(reason), http.StatusUnauthorized)
			}
		}
		if n := forge(h, v, 1000, same(attacker)); n != 501 {
			t.Errorf("%d checks afterwards, want 501", n)
		}
	})
}

// A provider whose checks cost little is never limited.
func TestCheapChecksAreNotBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := new(vault)
		h, stop := newHouse(t, with(v, false))
		defer stop()
		if n := forge(h, v, 1000, same(attacker)); n != 1000 {
			t.Errorf("%d checks, want all", n)
		}
	})
}

// What was learned of addresses outlives a reload of the configuration.
func TestReloadKeepsWhoIsKnown(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		h.wants(t, sender, "paid 0", http.StatusOK)
		sources := make(map[string]callback.Source)
		with(v, true)(sources)
		h.route.SetSources(sources)
		forge(h, v, 10_000, everywhere)
		h.wants(t, sender, "paid 1", http.StatusOK)
	})
}

// TestOrigins: a /24 or /56 is one origin, whoever the Address says it is.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		proven, other string
		known         bool
	}{
		{"198.51.100.1", "198.51.100.255", true},
		{"198.51.100.1", "198.51.101.1", false},
		{"198.51.100.1", "::ffff:198.51.100.7", true},
		{"2001:db8:1:100::1", "2001:db8:1:1ff:ffff::1", true},
		{"2001:db8:1:100::1", "2001:db8:1:200::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"", "", true},
		{"", "198.51.100.1", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := new(vault)
			h, stop := newHouse(t)
			defer stop()
			sources := make(map[string]callback.Source)
			with(v, true)(sources)
			mux := http.NewServeMux()
			mux.Handle("/v1/callbacks/{source}", callback.NewRoute(callback.RouteOptions{
				Relay: h.relay, Metrics: h.metrics, Log: discardLog(), MaxBody: maxBody,
				Address: func(r *http.Request) netip.Addr {
					addr, _ := netip.ParseAddr(r.Header.Get("From"))
					return addr
				},
			}, sources))
			h.Handler = mux
			post := func(from, body string) int {
				r := told(sender, body)
				r.Header = http.Header{"From": {from}}
				return h.serve(r).Code
			}
			if code := post(c.proven, "paid 0"); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
			for i := range 1000 {
				post(everywhere(i), "forged")
			}
			if code := post(c.other, "paid 1"); (code == http.StatusOK) != c.known {
				t.Errorf("%q after %q: answered %d", c.other, c.proven, code)
			}
		})
	}
}

func TestPeer(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	for text, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1", "@": "invalid IP", "": "invalid IP"} {
		r.RemoteAddr = text
		if got := callback.Peer(r).String(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A call that could not be checked is no forgery: the provider has to come again. Anybody can cause it, so the log is not
// filled with it.
func TestUncheckable(t *testing.T) {
	banking(t, func(t *testing.T, h *house, _ *bank) {
		for range 15 {
			h.wants(t, visitor, "!", http.StatusServiceUnavailable)
		}
		h.empty()
		h.counted("bank", "uncheckable", "15")
		l := h.log.of(t, "callback")
		if len(l) != 10 || l[0]["level"] != "ERROR" || l[0]["error"] != "bank: the certificate cannot be had" {
			t.Errorf("%d lines, the first %v", len(l), l[0])
		}
	})
}

// That somebody is sent away is a warning, beside whatever is refused, once a second.
func TestLimitsAreLogged(t *testing.T) {
	guarding(t, func(t *testing.T, h *house, v *vault) {
		forge(h, v, 1000, same(attacker))
		lines := map[string]int{}
		for _, l := range h.log.of(t, "callback") {
			lines[fmt.Sprint(l["level"], " ", l["result"])]++
		}
		if len(lines) != 2 || lines["INFO bad_signature"] != 10 || lines["WARN limited"] != 1 {
			t.Errorf("logged %v, want ten that were refused and a warning", lines)
		}
	})
}
