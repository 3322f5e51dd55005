package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback/fetch/simulator"
)

// api is a stand-in that answers with the payment's own text.
func api() *simulator.API {
	a := simulator.New("key", simulator.Dialect{
		ContentType: "application/json",
		Problem:     func(status int, id string) any { return fmt.Sprint(status, id) },
		Valid:       func(id string) bool { return strings.HasPrefix(id, "p") },
	})
	a.Serve("/payments/{id}", func(_ *http.Request, p simulator.Payment) (any, error) { return p, nil })
	return a
}

func request(a *simulator.API, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func said(status relay.Status, refund string) string {
	return fmt.Sprintf(`{"payment":"o","account":"a","status":%q,"amount":"1.00","currency":"EUR","time":"2026-11-22T00:00:00Z","refund":%q}`,
		status, refund)
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	a := api()
	for i := range 1001 {
		if w := request(a, "PUT", fmt.Sprint("/announcements/p", i), said(relay.Paid, "")); w.Code != 204 {
			t.Fatal(w.Code, w.Body)
		}
	}
	for i, want := range map[int]int{0: 404, 1: 200, 1000: 200} {
		if w := request(a, "GET", fmt.Sprint("/payments/p", i), ""); w.Code != want {
			t.Errorf("payment %d: %d, want %d", i, w.Code, want)
		}
	}
	for i := range 51 {
		want := 204
		if i == 50 {
			want = 400
		}
		if w := request(a, "PUT", "/announcements/p7", said(relay.Refunded, fmt.Sprint("r", i))); w.Code != want {
			t.Errorf("refund %d: %d, want %d", i, w.Code, want)
		}
	}
}

func TestRefundsOfAReaderStay(t *testing.T) {
	var p simulator.Payment
	tell := func(status relay.Status, amount relay.Amount, refund string) {
		t.Helper()
		var err error
		if p, err = p.Tell(simulator.Announcement{Payment: "o", Status: status, Amount: amount, Refund: refund}); err != nil {
			t.Fatal(err)
		}
	}
	tell(relay.Paid, "10.00", "")
	tell(relay.Refunded, "1.00", "a")
	reader := p
	tell(relay.RefundFailed, "1.00", "a")
	tell(relay.Refunded, "2.00", "b")
	tell(relay.Refunded, "0.5", "c")
	if reader.Refunded() != "1.00" || len(reader.Refunds) != 1 || !p.Refunded().Equal("2.50") || p.Amount != "10.00" {
		t.Errorf("%+v, then %+v", reader, p)
	}
}

func TestConcurrentUse(t *testing.T) {
	a := api()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				request(a, "PUT", fmt.Sprint("/announcements/p", n%5), said(relay.Refunded, fmt.Sprint("r", i)))
				request(a, "GET", fmt.Sprint("/payments/p", n%5), "")
				a.Fail(1, 503, 0)
			}
		})
	}
	all.Wait()
}
