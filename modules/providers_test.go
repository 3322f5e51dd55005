package modules_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/fetch"
)

// source returns a vector's configuration as it is read from a file.
func source(t *testing.T, section map[string]any) config.Source {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{"sources": map[string]any{"it": section}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tillbell.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.LoadOptions{Path: path, Schema: modules.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Sources["it"]
}

// Every provider of the table passes its vectors as a configured source, and every folder of vectors has its provider.
func TestVectorsOfAllProviders(t *testing.T) {
	all := callbacktest.Under(t, "../transport/callback")
	for _, a := range modules.Adapters {
		name := a.About.Name
		vectors := all[name]
		delete(all, name)
		if len(vectors) != a.About.Vectors {
			t.Errorf("%s: About says %d vectors, there are %d", name, a.About.Vectors, len(vectors))
		}
		for _, v := range vectors {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				p, err := a.New(source(t, v.Config))
				if err != nil {
					t.Fatal(err)
				}
				v.Check(t, p)
			})
		}
	}
	for name, vectors := range all {
		t.Errorf("%d vectors are for %q, which is no provider", len(vectors), name)
	}
}

// What each adapter says of itself is what it does.
func TestAboutOfAllProviders(t *testing.T) {
	for _, a := range modules.Adapters {
		t.Run(a.About.Name, func(t *testing.T) {
			section := func(options any) config.Source { return config.NewSource(a.About.Name, options) }
			callbacktest.About(t, callbacktest.Adapter{
				About: a.About,
				Zero:  a.Zero,
				New:   func(o any) (callback.Provider, error) { return a.New(section(o)) },
				NewSigner: func(o any, key string) (callback.Signer, error) {
					return a.NewSigner(section(o), key)
				},
				Throwaway: a.Throwaway,
			})
		})
	}
}

// What a provider signs, it reads: all statuses that it says it has. Where it has to ask back, its API is a stand-in.
func TestSignersOfAllProviders(t *testing.T) {
	for _, a := range modules.Adapters {
		t.Run(a.About.Name, func(t *testing.T) {
			options, key, err := a.Throwaway()
			if err != nil {
				t.Fatal(err)
			}
			var api http.Handler
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) }))
			defer server.Close()
			options, api = a.Simulate(options, server.URL)
			s := config.NewSource(a.About.Name, options)
			p, err := a.New(s)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := a.NewSigner(s, key)
			if err != nil {
				t.Fatal(err)
			}
			if api != nil {
				p, signer = asked{p.(callback.Fetcher), t}, announced{signer.(fetch.Announcer), server.Client()}
			}
			n := callback.Notification{Payment: "order-7", Amount: "12.30", Currency: a.About.Currency,
				Time: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)}
			callbacktest.RoundTrips(t, p, signer, n, a.About.Statuses...)
		})
	}
}

// announced tells the stand-in of the API first, under another transaction for each status: a payment never goes back.
type announced struct {
	fetch.Announcer
	client *http.Client
}

func (s announced) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	n.Payment += "-" + string(n.Status)
	story := []relay.Status{n.Status}
	if n.Status == relay.Refunded || n.Status == relay.RefundFailed { // only what was paid goes back
		story = []relay.Status{relay.Paid, n.Status}
	}
	for _, status := range story {
		said := n
		said.Status = status
		r, err := s.Announce(said, at)
		if err != nil {
			return callback.Request{}, err
		}
		answer, err := s.client.Do(r)
		if err != nil {
			return callback.Request{}, err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusNoContent {
			return callback.Request{}, errors.New(answer.Status)
		}
	}
	return s.Announcer.Sign(n, at)
}

// asked reads what the API says last.
type asked struct {
	callback.Fetcher
	t *testing.T
}

func (p asked) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	events, err := p.Fetcher.Parse(r, now)
	if err != nil || len(events) != 1 || !events[0].Fetch {
		return events, err
	}
	if events, err = p.Fetch(p.t.Context(), events[0]); err != nil || len(events) == 0 {
		return events, err
	}
	last := events[len(events)-1]
	last.Payment, _, _ = strings.Cut(last.Payment, "-"+string(last.Status))
	return []callback.Event{last}, nil
}
