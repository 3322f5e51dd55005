package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is a signed callback that was made and checked with a provider's own SDK, and what must become of it. Its
// config is the section of a source.
type vector struct {
	Config  map[string]any `json:"config"`
	Now     int64          `json:"now"` // the verifier's clock, Unix seconds
	Request struct {
		Method  string              `json:"method"`
		Path    string              `json:"path"`
		Headers map[string][]string `json:"headers"`
		Body    []byte              `json:"body_base64"`
		Gen     *struct {
			Prefix []byte `json:"prefix_base64"`
			Repeat []byte `json:"repeat_base64"`
			Count  int    `json:"count"`
			Suffix []byte `json:"suffix_base64"`
		} `json:"body_gen"`
	} `json:"request"`
	Expect struct {
		Accept    bool          `json:"accept"`
		Optional  bool          `json:"optional"` // the opposite verdict is fine too
		Reason    string        `json:"reason"`
		ReasonAny []string      `json:"reason_any"`
		Events    []vectorEvent `json:"events"`
		Ack       struct {
			Body      string   `json:"body"`
			StatusOK  []string `json:"status_ok"` // codes such as "204" and ranges such as "200-299"
			BodyMatch string   `json:"body_match"`
		} `json:"ack"`
	} `json:"expect"`
}

// vectorEvent is one event of a vector, and of verify's answer.
type vectorEvent struct {
	EventID           string `json:"event_id"`
	EventType         string `json:"event_type"`
	PaymentID         string `json:"payment_id"`
	ProviderPaymentID string `json:"provider_payment_id"`
	Status            string `json:"status"`
	Currency          string `json:"currency"`
	Amount            string `json:"amount"`       // major units
	AmountMinor       *int64 `json:"amount_minor"` // in a vector instead of Amount
}

// verdict is what verify prints.
type verdict struct {
	Accepted bool          `json:"accepted"`
	Reason   string        `json:"reason"`
	Events   []vectorEvent `json:"events"`
	Ack      struct {
		Status      int    `json:"status"`
		ContentType string `json:"content_type"`
		Body        string `json:"body"`
	} `json:"ack"`
}

// TestVerify runs `tillbell verify` over every vector of every provider.
func TestVerify(t *testing.T) {
	t.Parallel()
	var names []string
	for _, pattern := range []string{"*.json", "*/*.json"} { // one provider's, or several providers' in folders of their own
		found, err := filepath.Glob("../transport/callback/*/testdata/vectors/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	if len(names) < 260 {
		t.Fatalf("%d vectors", len(names))
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Run(fmt.Sprintf("%s/%s", v.Config["provider"], strings.TrimSuffix(filepath.Base(name), ".json")), func(t *testing.T) {
			t.Parallel()
			v.compare(t, v.verify(t))
		})
	}
}

// verify writes the vector as a configuration and a captured request, and runs the command.
func (v *vector) verify(t *testing.T) verdict {
	t.Helper()
	dir := t.TempDir()
	conf, capture := filepath.Join(dir, "tillbell.yaml"), filepath.Join(dir, "callback.http")
	settings{"sources": settings{"src": v.Config}}.write(t, conf)
	if err := os.WriteFile(capture, v.capture(), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(v.Now, 0).UTC().Format(time.RFC3339)
	cmd := exec.CommandContext(t.Context(), binary, "verify", "-c", conf, "src", capture, "--at", at)
	cmd.Env = environment()
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var got verdict
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("verify printed %q, and %q on standard error", out, complaints.String())
	}
	if code := cmd.ProcessState.ExitCode(); got.Accepted != (code == 0) || code > 1 {
		t.Errorf("accepted is %v, and the exit code %d", got.Accepted, code)
	}
	if complaints.Len() > 0 {
		t.Errorf("on standard error: %s", complaints.String())
	}
	return got
}

// capture returns the request as it came over the wire.
func (v *vector) capture() []byte {
	r := v.Request
	body := r.Body
	if g := r.Gen; g != nil {
		body = slices.Concat(g.Prefix, bytes.Repeat(g.Repeat, g.Count), g.Suffix)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: pay.shop.example\r\n", r.Method, r.Path)
	for name, values := range r.Headers {
		for _, value := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes()
}

func (v *vector) compare(t *testing.T, got verdict) {
	t.Helper()
	want := v.Expect
	if got.Accepted != want.Accept {
		if !want.Optional {
			t.Errorf("accepted is %v (%s), want %v", got.Accepted, got.Reason, want.Accept)
		}
		return
	}
	if !inRanges(got.Ack.Status, want.Ack.StatusOK) {
		t.Errorf("answered with %d, want one of %v", got.Ack.Status, want.Ack.StatusOK)
	}
	if !v.answers(got.Ack.Body) {
		t.Errorf("answered with %q, want %s %q", got.Ack.Body, want.Ack.BodyMatch, want.Ack.Body)
	}
	if !got.Accepted {
		if got.Reason != want.Reason && !slices.Contains(want.ReasonAny, got.Reason) {
			t.Errorf("refused for %s, want %s or one of %v", got.Reason, want.Reason, want.ReasonAny)
		}
		if len(got.Events) > 0 {
			t.Errorf("refused, and yet %+v", got.Events)
		}
		return
	}
	if got.Reason != "" {
		t.Errorf("accepted, and yet refused for %s", got.Reason)
	}
	events := slices.DeleteFunc(slices.Clone(want.Events), func(e vectorEvent) bool { return e.Status == "other" })
	if len(got.Events) != len(events) {
		t.Fatalf("%d events, want %d: %+v", len(got.Events), len(events), got.Events)
	}
	for i, e := range got.Events {
		e.compare(t, events[i])
	}
}

func (e vectorEvent) compare(t *testing.T, want vectorEvent) {
	t.Helper()
	if !strings.HasPrefix(e.EventID, "src:") || !strings.HasSuffix(e.EventID, ":"+want.EventID) {
		t.Errorf("event_id %q, want src:…%s", e.EventID, want.EventID)
	}
	if have, need := e.amount(), want.amount(); (have == nil) != (need == nil) || have != nil && have.Cmp(need) != 0 {
		t.Errorf("amount %q, want %v in major units", e.Amount, need)
	}
	for _, member := range []struct{ name, have, want string }{
		{"event_type", e.EventType, want.EventType},
		{"payment_id", e.PaymentID, want.PaymentID},
		{"provider_payment_id", e.ProviderPaymentID, want.ProviderPaymentID},
		{"status", e.Status, want.Status},
		{"currency", e.Currency, want.Currency},
	} {
		if member.have != member.want {
			t.Errorf("%s %q, want %q", member.name, member.have, member.want)
		}
	}
}

// amount returns the amount in major units, nil if there is none. Of the vectors' currencies only the yen has no minor
// unit, and none has a thousandth.
func (e vectorEvent) amount() *big.Rat {
	if e.AmountMinor != nil {
		if e.Currency == "JPY" {
			return big.NewRat(*e.AmountMinor, 1)
		}
		return big.NewRat(*e.AmountMinor, 100)
	}
	if r, ok := new(big.Rat).SetString(e.Amount); ok {
		return r
	}
	return nil
}

// answers reports whether the provider takes the body for what it is meant to be.
func (v *vector) answers(body string) bool {
	match := v.Expect.Ack.BodyMatch
	success, forbidden := strings.CutPrefix(match, "not:")
	switch {
	case match == "exact":
		return body == v.Expect.Ack.Body
	case forbidden && strings.HasPrefix(success, "<"): // an element counts wherever it stands
		return !strings.Contains(body, success)
	case forbidden:
		return body != success
	}
	return true
}

func inRanges(status int, ranges []string) bool {
	return slices.ContainsFunc(ranges, func(r string) bool {
		first, last, span := strings.Cut(r, "-")
		if !span {
			last = first
		}
		low, err1 := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		return err1 == nil && err2 == nil && low <= status && status <= high
	})
}
