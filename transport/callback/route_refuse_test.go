package callback_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// spoil returns r with a signature that is not by anybody.
func spoil(r callback.Request) callback.Request {
	r.Header = r.Header.Clone()
	for _, name := range []string{"Wechatpay-Signature", "Stripe-Signature", "Webhook-Signature"} {
		if v := r.Header.Get(name); v != "" {
			r.Header.Set(name, alter(v))
			return r
		}
	}
	before, rest, _ := strings.Cut(string(r.Body), "&sign=") // of a form
	signature, after, _ := strings.Cut(rest, "&")
	r.Body = []byte(before + "&sign=" + alter(signature) + "&" + after)
	return r
}

// alter changes one character in the second half of s, in hex, base64 or base64 in a form, to another of the same.
func alter(s string) string {
	b := []byte(s)
	for i := len(b) / 2; ; i++ {
		if b[i] == '%' || b[i-1] == '%' || b[i-2] == '%' {
			continue
		}
		if b[i] != 'a' {
			b[i] = 'a'
		} else {
			b[i] = 'b'
		}
		return string(b)
	}
}

func unescape(t testing.TB, s string) string {
	t.Helper()
	u, err := url.QueryUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// failureForm checks that w says no in the words of the source's provider, and nothing that it takes for a yes.
func failureForm(t testing.TB, name string, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	kind, body := w.Header().Get("Content-Type"), w.Body.String()
	if w.Code != status {
		t.Errorf("answered %d, want %d", w.Code, status)
	}
	var said struct {
		Code   string `json:"code"`
		Status int    `json:"status"`
	}
	switch name {
	case "alipay":
		if kind != "text/plain" || body != "fail" {
			t.Errorf("answered %s %q", kind, body)
		}
	case "wechat":
		if err := json.Unmarshal([]byte(body), &said); err != nil || said.Code != "FAIL" || kind != "application/json" {
			t.Errorf("answered %s %q", kind, body)
		}
	default:
		if err := json.Unmarshal([]byte(body), &said); err != nil || said.Code != code || said.Status != status ||
			kind != "application/problem+json" {
			t.Errorf("answered %s %q", kind, body)
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("read")
	return 0, io.EOF
}

func (unread) Close() error { return nil }

func TestOtherMethodsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		r := a.sign(t, paid)
		for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
			r.Method = method
			in := request(name, r)
			in.Body = unread{t}
			w := h.serve(in)
			failureForm(t, name, w, http.StatusMethodNotAllowed, "method_not_allowed")
			if w.Header().Get("Allow") != "POST" {
				t.Errorf("%s: Allow %q", method, w.Header().Get("Allow"))
			}
		}
		h.counted(name, "method_not_allowed", "4")
		h.empty()
	})
}

func TestBodiesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		large := a.sign(t, paid)
		large.Body = make([]byte, maxBody+1)
		w := h.post(name, large)
		failureForm(t, name, w, http.StatusRequestEntityTooLarge, "payload_too_large")
		h.counted(name, "too_large", "1")
		h.empty()
		large.Body = large.Body[:maxBody] // as large as allowed, and of course not genuine
		if w := h.post(name, large); w.Code != http.StatusUnauthorized {
			t.Errorf("%d bytes: answered %d, want 401", maxBody, w.Code)
		}
	})
}

func TestUnknownSource(t *testing.T) {
	h := start(t)
	for _, name := range []string{"nobody", "Stripe", "stripe%20"} {
		w := h.post(name, accounts()["stripe"].sign(t, paid))
		failureForm(t, name, w, http.StatusNotFound, "unknown_source")
	}
	h.empty()
	if h.route.Knows("nobody") || !h.route.Knows("stripe") {
		t.Error("Knows does not know")
	}
}

// broken is a body that ends too early.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestBodyThatBreaksOffIsRefused(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		r := a.sign(t, paid)
		in := request(name, r)
		in.Body = io.NopCloser(broken{strings.NewReader(string(r.Body))}) // whole, but it was to go on
		failureForm(t, name, h.serve(in), http.StatusUnauthorized, "refused")
		h.counted(name, "malformed", "1")
		h.empty()
	})
}

func TestMalformedButGenuine(t *testing.T) {
	h := start(t)
	w := h.post("alipay", notice(t, map[string]string{"total_amount": "many"}))
	failureForm(t, "alipay", w, http.StatusBadRequest, "malformed")
	h.counted("alipay", "malformed", "1")
	if l := h.log.of(t, "callback"); len(l) != 1 || l[0]["level"] != "WARN" || l[0]["detail"] == "" {
		t.Errorf("logged %v, want a warning that says what is wrong", l)
	}
	h.empty()
}

// TestResults: every outcome is counted under its own name, and is one line in the log.
func TestResults(t *testing.T) {
	each(t, func(t *testing.T, name string, a account) {
		n := paid
		n.Payment = "order-2"
		stale, err := a.Sign(n, time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		twice := a.sign(t, n)
		for header, values := range twice.Header {
			twice.Header[header] = append(values, values...)
		}
		none := a.sign(t, n)
		none.Header = nil
		for result, r := range map[string]callback.Request{
			"stale_timestamp":  stale,
			"bad_signature":    spoil(a.sign(t, n)),
			"duplicate_header": twice,
			"missing_header":   none,
		} {
			h := start(t)
			w := h.post(name, r)
			if name == "alipay" && result != "bad_signature" { // it has no header and no window
				answers(t, w, a.Provider, nil)
				continue
			}
			failureForm(t, name, w, http.StatusUnauthorized, "refused")
			h.counted(name, result, "1")
			h.empty()
			l := h.log.of(t, "callback")
			if len(l) != 1 || l[0]["level"] != "INFO" || l[0]["result"] != result || l[0]["source"] != name {
				t.Errorf("%s: logged %v, want one line and no alarm", result, l)
			}
		}
	})
}

func TestProbeIsRefusedLikeAnyForgery(t *testing.T) {
	h := start(t)
	a := accounts()["wechat"]
	r, err := a.Signer.(callback.Prober).Probe(paid, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	probed := h.post("wechat", r)
	forged := h.post("wechat", spoil(a.sign(t, paid)))
	if probed.Code != forged.Code || probed.Body.String() != forged.Body.String() {
		t.Errorf("%d %q, a forgery gets %d %q", probed.Code, probed.Body, forged.Code, forged.Body)
	}
	h.counted("wechat", "probe", "1")
	h.empty()
}

// TestGenuineButNoEvent: what is not about a payment's status is acknowledged.
func TestGenuineButNoEvent(t *testing.T) {
	h := start(t)
	h.engine.before = func(context.Context, relay.Event) error { return errors.New("nothing to store") }
	answers(t, h.post("alipay", notice(t, map[string]string{"trade_status": "TRADE_PENDING"})), accounts()["alipay"].Provider, nil)
	h.counted("alipay", "ignored", "1")
	if got := h.metric(unusable + `{source="alipay"}`); got != "0" {
		t.Errorf("%s unusable ids counted, want none", got)
	}
}

// Large bodies are read a few at a time, and small ones always.
func TestLargeBodiesTakeTurns(t *testing.T) {
	h := start(t)
	r := accounts()["stripe"].sign(t, paid)
	var posts sync.WaitGroup
	var pipes []*io.PipeWriter
	for range 32 {
		body, w := io.Pipe()
		pipes = append(pipes, w)
		in := request("stripe", r)
		in.Body, in.ContentLength = body, -1
		posts.Go(func() { h.serve(in) })
		for _, n := range []int{64 << 10, 1} { // the last byte is read only when the body has its turn
			if _, err := w.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	large := r
	large.Body = make([]byte, 64<<10)
	failureForm(t, "stripe", h.post("stripe", large), http.StatusServiceUnavailable, "unavailable")
	if w := h.post("stripe", r); w.Code != http.StatusOK {
		t.Errorf("a small body beside large ones: answered %d, want 200", w.Code)
	}
	for _, w := range pipes {
		w.CloseWithError(io.ErrUnexpectedEOF)
	}
	posts.Wait()
	if w := h.post("stripe", large); w.Code != http.StatusUnauthorized {
		t.Errorf("a large body afterwards: answered %d, want 401", w.Code)
	}
}
