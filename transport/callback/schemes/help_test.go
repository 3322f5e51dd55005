package schemes_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

// at is when calls are signed.
var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// shop is a provider with one source's keys.
type shop struct {
	testing.TB
	about    callback.About
	provider *scheme.Provider
	signer   *scheme.Signer
	header   string // that proves calls
}

// open returns a shop with fresh keys and with what change does to the rest of the options.
func open[O scheme.Options](t testing.TB, s *scheme.Scheme[O], change ...func(*O)) *shop {
	t.Helper()
	o, key, err := s.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	for _, f := range change {
		f(&o)
	}
	return with(t, s, o)
}

// with returns a shop with the options.
func with[O scheme.Options](t testing.TB, s *scheme.Scheme[O], o O) *shop {
	t.Helper()
	return of(t, modules.Providers[s.About.Name], config.NewSource(s.About.Name, o))
}

// of returns a shop with the source.
func of(t testing.TB, a modules.Adapter, s config.Source) *shop {
	t.Helper()
	p, err := a.New(s)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := a.NewSigner(s, "")
	if err != nil {
		t.Fatal(err)
	}
	it := &shop{TB: t, about: a.About, provider: p.(*scheme.Provider), signer: signer.(*scheme.Signer)}
	one, other := make(http.Header), make(http.Header)
	if err := errors.Join(it.sign(one, []byte("1")), it.sign(other, []byte("2"))); err != nil {
		t.Fatal(err)
	}
	for name := range one { // the one that proves: beside a signature there may be a time
		if len(one) == 1 || one.Get(name) != other.Get(name) {
			it.header = name
		}
	}
	return it
}

// sign sets the header that proves body.
func (s *shop) sign(h http.Header, body []byte) error { return s.signer.Prove(h, body, at) }

// provider is a declaration with its Options hidden.
type provider struct {
	about callback.About
	// open returns a shop with fresh keys, and of one with those of a vector.
	open func(testing.TB) *shop
	of   func(testing.TB, callbacktest.Vector) *shop
	// zero returns what New says of options without anything.
	zero func() error
}

// all are the providers of the package, as they stand in the table of all.
var all = func() (list []provider) {
	for _, a := range modules.Adapters {
		if reflect.TypeOf(a.Zero).PkgPath() != reflect.TypeFor[schemes.Options]().PkgPath() {
			continue
		}
		list = append(list, provider{
			about: a.About,
			open: func(t testing.TB) *shop {
				o, _, err := a.Throwaway()
				if err != nil {
					t.Fatal(err)
				}
				return of(t, a, config.NewSource(a.About.Name, o))
			},
			of: func(t testing.TB, v callbacktest.Vector) *shop {
				o := reflect.New(reflect.TypeOf(a.Zero))
				callbacktest.DecodeInto(t, v.Config, o.Interface())
				return of(t, a, config.NewSource(a.About.Name, o.Elem().Interface()))
			},
			zero: func() error {
				_, err := a.New(config.NewSource(a.About.Name, a.Zero))
				return err
			},
		})
	}
	return list
}()

// call returns a proven call with the body and the further headers, name and value in turn.
func (s *shop) call(body string, headers ...string) callback.Request {
	s.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	if err := s.sign(h, []byte(body)); err != nil {
		s.Fatal(err)
	}
	return callback.NewPost(h, []byte(body))
}

func (s *shop) parse(r callback.Request) ([]callback.Event, error) { return s.provider.Parse(r, at) }

// one returns the one event of a proven call.
func (s *shop) one(body string, headers ...string) callback.Event {
	s.Helper()
	events, err := s.parse(s.call(body, headers...))
	if err != nil || len(events) != 1 {
		s.Fatalf("%s: %+v, %v; want one event", body, events, err)
	}
	if err := callbacktest.Wellformed(events[0]); err != nil {
		s.Errorf("%s: %v", body, err)
	}
	return events[0]
}

// none checks that a proven call is acknowledged and tells nothing.
func (s *shop) none(body string, headers ...string) {
	s.Helper()
	if events, err := s.parse(s.call(body, headers...)); err != nil || len(events) != 0 {
		s.Errorf("%s: %+v, %v; want nothing", body, events, err)
	}
}

// refused checks that a call is refused for the reason.
func (s *shop) refused(want callback.Reason, r callback.Request) {
	s.Helper()
	events, err := s.parse(r)
	if err == nil {
		s.Errorf("accepted %s %v: %+v; want %s", r.Body, r.Header, events, want)
	} else if got := callbacktest.ReasonOf(s, err); got != want {
		s.Errorf("%v, want %s", err, want)
	}
}

// said returns what the provider says in the words of a Notification.
func (s *shop) said(n callback.Notification) callback.Request {
	s.Helper()
	r, err := s.signer.Sign(n, at)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// log posts the calls to a source, one behind the other, and returns what becomes of the payment and what its waiters are
// told.
func (s *shop) log(payment string, calls ...callback.Request) (state relay.State, told []relay.Status) {
	s.Helper()
	engine := memory.New(memory.Options{})
	defer engine.Close()
	source := callback.Source{Name: "it", ProviderName: s.about.Name, Provider: s.provider}
	ctx := context.Background()
	for _, r := range calls {
		parsed, err := s.parse(r)
		if err != nil {
			s.Fatalf("%s: %v", r.Body, err)
		}
		events, _ := source.Events(parsed)
		for _, e := range events {
			if _, _, err := engine.Append(ctx, e); err != nil {
				s.Fatal(err)
			}
		}
	}
	entries, err := engine.Read(ctx, payment)
	if err != nil {
		s.Fatal(err)
	}
	state, records := relay.Fold(payment, entries)
	for _, r := range records {
		for _, t := range r.Told {
			told = append(told, t.Event.Status)
		}
	}
	return state, told
}

// vectors are the signed callbacks of a provider.
func vectors(t testing.TB, provider string) []callbacktest.Vector {
	t.Helper()
	return callbacktest.EachIn(t, filepath.Join("testdata", "vectors", provider))
}
