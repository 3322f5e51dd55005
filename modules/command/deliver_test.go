package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// outage is a server that is away, then cannot store, then acknowledges. It keeps when each callback came and what was in it.
type outage struct {
	away, busy int
	begin      time.Time
	came       []time.Duration
	posts      []callback.Request
}

func (o *outage) post(_ context.Context, _ setup, _ string, r callback.Request) (answered, error) {
	o.came, o.posts = append(o.came, time.Since(o.begin)), append(o.posts, r)
	switch n := len(o.came); {
	case n <= o.away:
		return answered{}, errors.New("nothing answers")
	case n <= o.away+o.busy:
		return answered{status: 503, body: "unavailable"}, nil
	default:
		return answered{status: 200, acknowledged: true}, nil
	}
}

// sender is a delivery of the provider's callbacks to the server, with retries that come so many times faster.
func sender(t *testing.T, provider string, o *outage, speed float64, out *strings.Builder) *delivery {
	t.Helper()
	a := modules.Providers[provider]
	account := throwawayAccount(t, a)
	o.begin = time.Now()
	return &delivery{
		source: provider, provider: a.About, account: account, post: o.post, out: out,
		options: sendOptions{retries: true, speed: speed},
		says:    callback.Notification{Payment: "order-1", Status: relay.Paid, Amount: "1.00", Currency: a.About.Currency},
	}
}

// TestRetries: a callback comes again after the provider's own pauses until it is acknowledged, about the same event each
// time, and signed anew where signatures grow old.
func TestRetries(t *testing.T) {
	const minute = time.Minute
	for provider, c := range map[string]struct {
		speed float64
		want  []time.Duration
		anew  bool
	}{
		"stripe": {1, []time.Duration{0, 5 * minute, 35 * minute, 155 * minute}, true},
		"alipay": {60, []time.Duration{0, 4 * time.Second, 14 * time.Second, 24 * time.Second}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, out := &outage{away: 1, busy: 2}, new(strings.Builder)
			d := sender(t, provider, server, c.speed, out)
			if err := d.run(t.Context()); err != nil || !slices.Equal(server.came, c.want) {
				t.Errorf("%s: came at %v, %v; want %v", provider, server.came, err, c.want)
			}
			ids := make(map[string]bool)
			for i, r := range server.posts {
				events, err := d.account.Provider.Parse(r, server.begin.Add(server.came[i]))
				if err != nil || len(events) != 1 {
					t.Fatalf("%s: try %d: %+v, %v", provider, i+1, events, err)
				}
				ids[events[0].ID] = true
				anew := r.Header.Get("Stripe-Signature") != server.posts[0].Header.Get("Stripe-Signature")
				if i > 0 && anew != c.anew {
					t.Errorf("%s: try %d is signed anew: %v", provider, i+1, anew)
				}
			}
			if len(ids) != 1 {
				t.Errorf("%s: the tries are about the events %v", provider, ids)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != 4 || !strings.Contains(lines[0], "→ nothing answers; try 1 of ") || !strings.Contains(lines[1], "→ 503 refused: unavailable; try 2 of ") ||
				!strings.Contains(lines[3], "→ 200 acknowledged; try 4 of ") {
				t.Errorf("%s: printed\n%s", provider, out)
			}
		})
	}
}

// TestRetriesEnd: the provider gives up, which is an error of its own, and so is an interruption.
func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, out := &outage{busy: 1000}, new(strings.Builder)
		err := sender(t, "standard-webhooks", server, 1, out).run(t.Context())
		if e := (exit{}); !errors.As(err, &e) || e.code != exitError || len(server.came) != 10 || !strings.Contains(out.String(), "; try 10 of 10: the provider gives up\n") {
			t.Errorf("ends with %v after %d tries:\n%s", err, len(server.came), out)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		server := &outage{busy: 1000}
		err := sender(t, "stripe", server, 1, new(strings.Builder)).run(ctx)
		if err == nil || !strings.Contains(err.Error(), "interrupted") || len(server.came) != 1 || time.Since(server.begin) != time.Second {
			t.Errorf("%v after %s", err, time.Since(server.begin))
		}
	})
}

// TestNoRetries: without the flag a server that is away is an error, and a refusal is printed once.
func TestNoRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sender(t, "stripe", &outage{away: 1}, 1, new(strings.Builder))
		d.options.retries = false
		if err := d.run(t.Context()); err == nil || err.Error() != "nothing answers" {
			t.Errorf("away: %v", err)
		}
		server, out := &outage{busy: 1}, new(strings.Builder)
		d = sender(t, "stripe", server, 1, out)
		d.options.retries = false
		if err := d.run(t.Context()); err == nil || len(server.came) != 1 || strings.Contains(out.String(), "try") {
			t.Errorf("busy: %v after %d tries: %s", err, len(server.came), out)
		}
		d = sender(t, "stripe", server, 1, out)
		d.provider.Retries = nil
		if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "Stripe tries once") {
			t.Errorf("a provider without retries: %v", err)
		}
	})
}
