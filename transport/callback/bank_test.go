package callback_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// bank is a provider whose callbacks prove nothing, and its API. A callback's body is the id of what may have changed; the
// API has its payment and status. It may be used from many goroutines.
type bank struct {
	mu    sync.Mutex
	has   map[string]relay.Status
	asked []string
	// before is called at the start of each answer, with how often anything was asked for. It may be nil.
	before func(ctx context.Context, asked int) error
}

func newBank() *bank { return &bank{has: make(map[string]relay.Status)} }

func (*bank) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	id := string(r.Body)
	switch {
	case strings.HasPrefix(id, "?"):
		return nil, callback.Refuse(callback.BadSignature, "nothing fits")
	case strings.HasPrefix(id, "!"):
		return nil, errors.New("bank: the certificate cannot be had")
	case strings.HasPrefix(id, "both "):
		known := callback.Event{Event: relay.Event{ID: "k", Payment: "known", Status: relay.Paid, Final: true}}
		return []callback.Event{known, {Fetch: true, Event: relay.Event{TransactionID: id[5:]}}, known}, nil
	}
	return []callback.Event{{Fetch: true, Type: "payment", Event: relay.Event{TransactionID: id}}}, nil
}

func (*bank) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK}
}

func (*bank) Ready() error { return nil }

func (b *bank) Fetch(ctx context.Context, e callback.Event) ([]callback.Event, error) {
	b.mu.Lock()
	b.asked = append(b.asked, e.TransactionID)
	n := len(b.asked)
	status, before := b.has[e.TransactionID], b.before
	b.mu.Unlock()
	if before != nil {
		if err := before(ctx, n); err != nil {
			return nil, err
		}
	}
	if status == "" {
		return nil, nil
	}
	return []callback.Event{{Derived: true, Event: relay.Event{
		ID: e.TransactionID, Payment: "order-" + e.TransactionID, Status: status, Final: status == relay.Paid, Amount: "5.00",
	}}}, nil
}

func (b *bank) set(id string, s relay.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.has[id] = s
}

// count returns how often the id was asked for, of all if it is empty.
func (b *bank) count(id string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if id == "" || a == id {
			n++
		}
	}
	return n
}

// with makes the house's only source the provider, under the name bank.
func with(p callback.Provider, asymmetric bool) func(map[string]callback.Source) {
	return func(sources map[string]callback.Source) {
		clear(sources)
		sources["bank"] = callback.Source{Name: "bank", ProviderName: "bank", Provider: p, Asymmetric: asymmetric}
	}
}

// told is a callback of the bank, from the address.
func told(address, body string) *http.Request {
	r := request("bank", callback.Request{Method: http.MethodPost, Body: []byte(body)})
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 4711).String()
	return r
}

// wants checks the status of a callback's answer, and returns the headers.
func (h *house) wants(t testing.TB, address, body string, status int) http.Header {
	t.Helper()
	w := h.serve(told(address, body))
	if w.Code != status {
		t.Errorf("%s from %s: answered %d, want %d", body, address, w.Code, status)
	}
	return w.Header()
}

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
