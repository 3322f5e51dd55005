//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/mollie"
)

// An account is a source of the server under attack, at a provider's that exists nowhere.
type account struct {
	name    string // of the source
	adapter modules.Adapter
	options any
	key     string
	fault.Account

	api   http.Handler // the stand-in of the provider's API, nil if nothing is asked back
	asked atomic.Int64 // requests that came to it

	payments atomic.Int64 // signed so far
}

// classic is Mollie as most shops have it, where nothing is signed.
const classic = "mollie-classic"

// accounts returns one of each provider, and of Mollie both kinds. API stand-ins are served below base, by the source's
// name.
func accounts(base string) ([]*account, error) {
	var all []*account
	for _, a := range modules.Adapters {
		options, key, err := a.Throwaway()
		if err != nil {
			return nil, fmt.Errorf("keys for %s: %w", a.About.Name, err)
		}
		all = append(all, &account{name: a.About.Name, adapter: a, options: options, key: key})
		if o, ok := options.(mollie.Options); ok {
			o.Style, o.Secrets = "classic", nil
			all = append(all, &account{name: classic, adapter: a, options: o})
		}
	}
	for _, a := range all {
		var err error
		if a.options, a.api = a.adapter.Simulate(a.options, base+"/"+a.name); a.api != nil {
			a.api = a.counted(a.api)
		}
		if a.Account, err = a.adapter.Account(config.NewSource(a.adapter.About.Name, a.options), a.key); err != nil {
			return nil, fmt.Errorf("source %s: %w", a.name, err)
		}
	}
	return all, nil
}

// counted counts what is asked, and not what the stand-in is told.
func (a *account) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			a.asked.Add(1)
		}
		h.ServeHTTP(w, r)
	})
}

// section is the source's part of the configuration.
func (a *account) section() (map[string]any, error) {
	text, err := yaml.Marshal(a.options)
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	if err := yaml.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	m["provider"] = a.adapter.About.Name
	return m, nil
}

// pays reports whether the provider tells of payments at all.
func (a *account) pays() bool { return len(a.adapter.About.Statuses) > 0 }

// next returns what a callback says about a payment that nobody has heard of.
func (a *account) next() callback.Notification {
	return callback.Notification{
		Payment: a.name + "-" + strconv.FormatInt(a.payments.Add(1), 10), Status: relay.Paid, Amount: "129.00",
		Currency: a.adapter.About.Currency,
	}
}

// genuine returns a callback, of which the API's stand-in has been told if it is asked back, and its payment.
func (a *account) genuine(ctx context.Context) (payment string, text []byte, err error) {
	n, at := a.next(), time.Now()
	if s, ok := a.Signer.(fetch.Announcer); ok {
		r, err := s.Announce(n, at)
		if err != nil {
			return "", nil, err
		}
		resp, err := http.DefaultClient.Do(r.WithContext(ctx))
		if err != nil {
			return "", nil, err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return "", nil, fmt.Errorf("%s: the API's stand-in answered %s", a.name, resp.Status)
		}
	}
	r, err := a.Signer.Sign(n, at)
	return n.Payment, a.text(r), err
}

// A call is one that somebody can post who knows everything but the keys.
type call struct {
	Text []byte
	// Forged says that it must be refused. Others were genuine once, or are about a made-up id where nothing is signed.
	Forged bool
}

// ids is how many made-up ids an attack has.
const ids = 4096

// calls returns what can be posted without having seen a genuine callback.
func (a *account) calls() ([]call, error) {
	if !a.pays() {
		r := callback.NewPost(http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"push"}, "X-Github-Delivery": {rand.Text()},
			"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}, []byte(`{"zen":"Design for failure."}`))
		return []call{{a.text(r), true}}, nil
	}
	var all []call
	for _, name := range []string{fault.BadSignature, fault.WrongKey, fault.Truncated} {
		list, err := fault.Compose(name, a.Account, a.next(), time.Now())
		if err == nil { // else this provider's callbacks cannot go wrong like that
			all = append(all, call{a.text(list[0].Request), true})
		}
	}
	for range ids {
		if len(all) > 0 && all[0].Forged {
			break
		}
		n := a.next()
		n.Payment += "-" + rand.Text()
		r, err := a.Signer.Sign(n, time.Now())
		if err != nil {
			return nil, err
		}
		all = append(all, call{a.text(r), false})
	}
	return all, nil
}

// text is the request as it goes over the wire, to the source.
func (a *account) text(r callback.Request) []byte {
	path := "/v1/callbacks/" + a.name
	if r.URL != nil && r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: pay.shop.example\r\nContent-Length: %d\r\n", path, len(r.Body))
	_ = r.Header.Write(&b) // never fails
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}
