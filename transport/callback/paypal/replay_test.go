package paypal_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// forge returns a body that says what the attacker wants and has the CRC-32 of the genuine one. It is want with a member of
// 64 characters, each of which is A or C: a changed one changes the CRC by a constant, whatever the others are, so that 32
// bits of equations say which are to be C.
func forge(t testing.TB, genuine []byte, want string) []byte {
	t.Helper()
	const filler = 64
	body := []byte(strings.TrimSuffix(want, "}") + `,"filler":"` + strings.Repeat("A", filler) + `"}`)
	start := len(body) - len(`"}`) - filler
	base := crc32.ChecksumIEEE(body)
	// rows holds, by their leading bit, combinations of changes and the change of the CRC that each makes.
	var rows [32]struct{ sum, changes uint64 }
	for i := range filler {
		body[start+i] ^= 'A' ^ 'C'
		sum, changes := uint64(crc32.ChecksumIEEE(body)^base), uint64(1)<<i
		body[start+i] ^= 'A' ^ 'C'
		for bit := 31; bit >= 0 && sum != 0; bit-- {
			if sum>>bit&1 == 0 {
				continue
			}
			if rows[bit].sum == 0 {
				rows[bit].sum, rows[bit].changes = sum, changes
				break
			}
			sum, changes = sum^rows[bit].sum, changes^rows[bit].changes
		}
	}
	left, changes := uint64(base^crc32.ChecksumIEEE(genuine)), uint64(0)
	for bit := 31; bit >= 0; bit-- {
		if left>>bit&1 == 1 {
			left, changes = left^rows[bit].sum, changes^rows[bit].changes
		}
	}
	for i := range filler {
		if changes>>i&1 == 1 {
			body[start+i] = 'C'
		}
	}
	if left != 0 || crc32.ChecksumIEEE(body) != crc32.ChecksumIEEE(genuine) {
		t.Fatal("no such body")
	}
	return body
}

const forgery = `{"id":"WH-FORGED","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"X",` +
	`"amount":{"currency_code":"USD","value":"9999.00"},"custom_id":"A-1"}}`

// PayPal signs a CRC-32 of the body, so that the headers of one genuine call fit forged bodies.
func TestSameCRC(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	forged := r
	forged.Body = forge(t, r.Body, forgery)
	accepted(t, p, r, at)
	refused(t, p, forged, at.Add(time.Minute), callback.BadSignature)
	accepted(t, p, r, at.Add(2*time.Minute)) // PayPal's own retry
	refused(t, p, forged, at.Add(96*time.Hour), callback.BadSignature)

	// The signature alone is no help: whoever did not see the genuine call first takes the forged one.
	fresh := provider(t, o)
	events, err := fresh.Parse(forged, at)
	if err != nil || len(events) != 1 || events[0].Amount != "9999.00" {
		t.Errorf("%+v, %v: the forged body does not pass the signature", events, err)
	}
	refused(t, fresh, r, at, callback.BadSignature)
}

// A transmission is refused with another body even if PayPal's key signed both.
func TestSameTransmissionOtherBody(t *testing.T) {
	o, _ := throwaway()
	p := provider(t, o)
	for _, c := range []struct {
		id, body string
		want     bool
	}{{"1", "a", true}, {"1", "b", false}, {"1", "a", true}, {"2", "b", true}, {"2", "a", false}} {
		if got := p.Admit(c.id, at, c.body, at); got != c.want {
			t.Errorf("transmission %s with %s: admitted %v, want %v", c.id, c.body, got, c.want)
		}
	}
	last := at.Add(96 * time.Hour) // the age limit, from which on a call is worthless
	p.Admit("3", last, "a", last)
	if p.Admit("1", at, "b", last) {
		t.Error("forgotten before the age limit")
	}
}

func TestSameCRCAtTheSameTime(t *testing.T) {
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	bodies := [][]byte{r.Body, forge(t, r.Body, forgery)}
	for range 50 {
		p := provider(t, o)
		var won atomic.Int32
		var ready, done sync.WaitGroup
		ready.Add(1)
		for _, body := range bodies {
			done.Go(func() {
				own := r
				own.Body = body
				ready.Wait()
				if _, err := p.Parse(own, at); err == nil {
					won.Add(1)
				}
			})
		}
		ready.Done()
		done.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("%d of two bodies were accepted", n)
		}
	}
}

func TestOneBodyOfManyAtTheSameTime(t *testing.T) {
	o, _ := throwaway()
	p := provider(t, o)
	for round := range 2000 {
		var won atomic.Int32
		var ready, done sync.WaitGroup
		ready.Add(1)
		for body := range 8 {
			done.Go(func() {
				ready.Wait()
				if p.Admit(fmt.Sprint(round), at, fmt.Sprint(body), at) {
					won.Add(1)
				}
			})
		}
		ready.Done()
		done.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("%d of eight bodies were admitted", n)
		}
	}
}

// After a restart nothing is remembered. The forged call is then compared with what the merchant registered.
func TestRegisteredAmountIsTheSecondLine(t *testing.T) {
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	engine, w := memory.New(memory.Options{}), wheel.New()
	bus := relay.New(engine, w, relay.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ctx := context.Background()
	if err := bus.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Stop(ctx); w.Stop(); _ = engine.Close() }()
	if _, _, err := bus.Register(ctx, relay.Registration{Payment: "A-1", Source: "shop", Amount: "129.00", Currency: "USD"}); err != nil {
		t.Fatal(err)
	}
	r.Body = forge(t, r.Body, forgery)
	events, err := provider(t, o).Parse(r, at)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := callback.Source{Name: "shop", ProviderName: "paypal"}.Events(events)
	for _, e := range kept {
		if _, err := bus.Publish(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	state, _, err := bus.History(ctx, "A-1")
	if err != nil || state.Status == relay.Paid || !state.Conflict || len(kept) != 1 {
		t.Errorf("%+v, %v; want a conflict and no paid", state, err)
	}
}

func TestTransmissionsAreBounded(t *testing.T) {
	o, _ := throwaway()
	p := provider(t, o)
	for i := range paypal.MaxReplays + 10 {
		if !p.Admit(fmt.Sprint(i), at, "a", at) {
			t.Fatal(i)
		}
	}
	if n := p.Remembered(); n != paypal.MaxReplays {
		t.Errorf("%d are remembered, want %d", n, paypal.MaxReplays)
	}
	if p.Admit("10", at, "b", at) {
		t.Error("one that should be remembered is not")
	}
	if !p.Admit("9", at, "b", at) {
		t.Error("the oldest are not the ones that were forgotten")
	}
}

func TestStaleTransmissionsAreForgotten(t *testing.T) {
	o, _ := throwaway()
	o.Tolerance = time.Hour
	p := provider(t, o)
	p.Admit("old", at, "a", at)
	p.Admit("ahead", at.Add(time.Minute), "a", at) // the sender's clock is
	p.Admit("new", at.Add(time.Hour), "a", at.Add(time.Hour))
	if n := p.Remembered(); n != 3 {
		t.Errorf("%d are remembered, want all 3, which may come again", n)
	}
	p.Admit("newer", at.Add(time.Hour), "a", at.Add(time.Hour+time.Second))
	if n := p.Remembered(); n != 3 || p.Admit("ahead", at, "b", at.Add(time.Hour+time.Second)) {
		t.Errorf("%d are remembered, want all but the oldest", n)
	}
}
