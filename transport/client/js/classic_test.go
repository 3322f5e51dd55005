package js_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/relay"
)

// TestClassic: a page without modules awaits a payment at the server that the script comes from.
func TestClassic(t *testing.T) {
	s := newShop(t)
	s.intercept(func(way string, w http.ResponseWriter, _ *http.Request) bool {
		if way != "classic" {
			return false
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><script src="/client.classic.js"></script><script>
			var log = [], begin = (payment, options) => {
				window.wait = Tillbell.awaitPayment(payment, options).then((out) => ({ out }), (error) => ({ error: String(error) }));
			};
		</script><p id=ready>ready</p>`)
		return true
	})
	if err := chromedp.Do(s.page, chromedp.Navigate(s.web.URL+"/classic"), chromedp.WaitReady(chromedp.CSS("#ready"))); err != nil {
		t.Fatal(err)
	}
	s.begin(s.mint(time.Hour), "")
	receive(s, s.parked)
	s.publish(relay.Paid)
	s.wantPaid()
}
