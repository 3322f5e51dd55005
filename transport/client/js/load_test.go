package js_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/relay"
)

// TestLoadIsNoReturn: a page that waits before it has loaded connects once. Its first pageshow is no return.
func TestLoadIsNoReturn(t *testing.T) {
	s := newShop(t)
	asked := make(chan string, 100)
	streamed := make(chan struct{})
	arguments, err := json.Marshal([]string{payment, s.mint(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		switch way {
		case "early":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><script type="module">
				import { awaitPayment } from "/client.js";
				window.log = [];
				addEventListener("pageshow", () => (window.shown = true));
				const [payment, ticket] = %s;
				window.wait = awaitPayment(payment, { ticket }).then((out) => ({ out }));
			</script><img src="/logo"><p id=ready>ready</p>`, arguments)
			return true
		case "logo":
			select { // the page has loaded when the stream has begun
			case <-streamed:
			case <-r.Context().Done():
			}
			http.NotFound(w, r)
			return true
		case "page", "client.js", "favicon.ico":
			return false
		}
		asked <- way
		return false
	})
	go func() {
		<-s.parked
		close(streamed)
	}()
	if err := chromedp.Do(s.page, chromedp.Navigate(s.web.URL+"/early")); err != nil {
		t.Fatal(err)
	}
	s.until(`window.shown === true`)
	s.publish(relay.Paid)
	s.wantPaid()
	close(asked)
	ways := make(map[string]int)
	for way := range asked {
		ways[way]++
	}
	if ways["sse"] != 1 {
		t.Errorf("requests %v, want one stream", ways)
	}
}
