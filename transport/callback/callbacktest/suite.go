package callbacktest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Vectors runs every vector of the package under test against a provider that build makes from its configuration.
func Vectors[O any, P callback.Provider](t *testing.T, build func(O) (P, error)) {
	for _, v := range Each(t) {
		t.Run(v.Name, func(t *testing.T) {
			p, err := build(Decode[O](t, v.Config))
			if err != nil {
				t.Fatalf("build: %v", err)
			}
			v.Check(t, p)
		})
	}
}

// Check runs the vector against a provider that was made from its configuration.
func (v Vector) Check(t *testing.T, p callback.Provider) {
	r := v.Request
	r.Body = bytes.Clone(r.Body)
	got, err := p.Parse(r, v.Now)
	if !bytes.Equal(r.Body, v.Request.Body) {
		t.Error("Parse changed the body")
	}
	clear(r.Body) // the next callback is read into the same room: what Parse returned must not change with it
	switch accepted := err == nil; {
	case accepted != v.Expect.Accept && v.Expect.Optional:
		return
	case accepted != v.Expect.Accept:
		t.Fatalf("Parse: %v, want accept %v", err, v.Expect.Accept)
	case !accepted:
		v.refused(t, p, got, err)
		return
	}
	v.events(t, got)
	again, err := p.Parse(v.Request, v.Now)
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("second Parse: %+v, %v; the first was %+v", again, err, got)
	}
	ack := p.Answer(nil)
	if !inRanges(ack.Status, v.Expect.Ack.StatusOK) || !v.Expect.Ack.matches(ack.Body) {
		t.Errorf("acknowledged with %d %q, want %v %q (%s)", ack.Status, ack.Body,
			v.Expect.Ack.StatusOK, v.Expect.Ack.Body, v.Expect.Ack.BodyMatch)
	}
	if busy := p.Answer(errors.New("not stored")); busy.Status != 503 || busy.Body == ack.Body && ack.Body != "" {
		t.Errorf("answered %d %q when nothing could be stored, want 503 and no acknowledgement", busy.Status, busy.Body)
	}
}

func (v Vector) refused(t *testing.T, p callback.Provider, got []callback.Event, err error) {
	var r *callback.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("Parse: %T, want a *callback.Refusal", err)
	}
	if len(got) != 0 {
		t.Errorf("refused, and yet events %+v", got)
	}
	if r.Reason != v.Expect.Reason && !slices.Contains(v.Expect.ReasonAny, r.Reason) {
		t.Errorf("reason %s (%v), want one of %v", r.Reason, r, v.Expect.ReasonAny)
	}
	a := p.Answer(err)
	if a.Status < 400 || a.Status > 499 || a.Status == 410 || !inRanges(a.Status, v.Expect.Ack.StatusOK) {
		t.Errorf("refused with %d, want 4xx but 410, of %v", a.Status, v.Expect.Ack.StatusOK)
	}
	if success, ok := strings.CutPrefix(v.Expect.Ack.BodyMatch, "not:"); ok &&
		(a.Body == success || strings.HasPrefix(success, "<") && strings.Contains(a.Body, success)) {
		t.Errorf("refused with %q, which counts as %q", a.Body, success)
	}
	for _, secret := range v.secrets() {
		if strings.Contains(err.Error(), secret) || strings.Contains(a.Body, secret) {
			t.Errorf("the refusal repeats a secret or a signature: %v, %q", err, a.Body)
		}
	}
}

// secrets returns what no error may repeat: the configured secrets, tokens and keys, and the signatures.
func (v Vector) secrets() []string {
	var all []string
	var leaves func(any)
	leaves = func(x any) {
		switch x := x.(type) {
		case string:
			all = append(all, x)
		case []any:
			for _, e := range x {
				leaves(e)
			}
		case map[string]any:
			for _, e := range x {
				leaves(e)
			}
		}
	}
	for name, value := range v.Config {
		if strings.Contains(name, "secret") || strings.Contains(name, "key") || strings.Contains(name, "token") {
			leaves(value)
		}
	}
	const shortest = 40 // a signature, not the name of its algorithm
	for name, values := range v.Request.Header {
		if !strings.Contains(name, "Signature") && !strings.Contains(name, "Hmac") {
			continue
		}
		for _, s := range values {
			if len(s) >= shortest {
				all = append(all, s)
			}
		}
	}
	return all
}

func (v Vector) events(t *testing.T, got []callback.Event) {
	want := slices.DeleteFunc(slices.Clone(v.Expect.Events), func(e Event) bool { return e.Status == "other" })
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d: %+v", len(got), len(want), got)
	}
	for i, e := range got {
		if err := Wellformed(e); err != nil {
			t.Errorf("event %d: %v: %+v", i, err, e)
		}
		amount, err := want[i].amount()
		if err != nil {
			t.Fatal(err)
		}
		have := Event{ID: e.ID, Type: e.Type, Payment: e.Payment, Transaction: e.TransactionID,
			Status: string(e.Status), Currency: e.Currency}
		if e.Fetch {
			have.Status = "fetch_required"
		}
		w := want[i]
		w.Amount, w.AmountMinor = "", nil
		if have != w || !e.Amount.Equal(amount) {
			t.Errorf("event %d: %+v amount %q, want %+v amount %q", i, have, e.Amount, w, amount)
		}
	}
}

func (e Event) amount() (relay.Amount, error) {
	if e.AmountMinor != nil {
		return money.FromMinor(e.AmountMinor.String(), e.Currency)
	}
	return relay.Amount(e.Amount), nil
}

// Wellformed reports which of the promises of callback.Event an event of Parse breaks.
func Wellformed(e callback.Event) error {
	if e.Fetch {
		if e.TransactionID == "" || e.Payment != "" || e.Status != "" || e.Amount != "" {
			return errors.New("an event that is to be asked back has no id to ask for, or says more than that")
		}
		return nil
	}
	if e.Amount != "" {
		if _, err := relay.ParseAmount(string(e.Amount)); err != nil {
			return err
		}
	}
	switch settled := e.Status == relay.Paid || e.Status == relay.Refunded || e.Status == relay.RefundFailed; {
	case e.ID == "":
		return errors.New("no id")
	case !e.Status.Valid():
		return fmt.Errorf("status %q", e.Status)
	case settled && !e.Final, e.Status == relay.Pending && e.Final:
		return fmt.Errorf("%s with final %v", e.Status, e.Final)
	case e.Source != "" || e.Provider != "" || e.NeedsRegistration:
		return errors.New("the source's members are filled in")
	case e.Time.Location() != time.UTC:
		return fmt.Errorf("time in %v", e.Time.Location())
	case e.Currency != strings.ToUpper(e.Currency):
		return fmt.Errorf("currency %q", e.Currency)
	}
	return nil
}

func (a Ack) matches(body string) bool { return a.BodyMatch != "exact" || body == a.Body }

// inRanges reports whether one of "204" and "200-299" has status.
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

// Unusable checks that Parse returned one event whose payment is no usable id, so that a source drops it: the call is
// acknowledged, and nothing is stored.
func Unusable(t testing.TB, events []callback.Event, err error) {
	t.Helper()
	if err != nil || len(events) != 1 || relay.CheckPayment(events[0].Payment) == nil {
		t.Errorf("%+v, %v; want one event without a usable payment", events, err)
		return
	}
	if err := Wellformed(events[0]); err != nil {
		t.Errorf("%v: %+v", err, events[0])
	}
	if kept, types := (callback.Source{Name: "s"}).Events(events); len(kept) != 0 || len(types) != 0 {
		t.Errorf("a source keeps %+v", kept)
	}
}

// ReasonOf returns why err refuses, which must be a *callback.Refusal.
func ReasonOf(t testing.TB, err error) callback.Reason {
	t.Helper()
	r, ok := errors.AsType[*callback.Refusal](err)
	if !ok {
		t.Fatalf("%v, want a refusal", err)
	}
	return r.Reason
}
