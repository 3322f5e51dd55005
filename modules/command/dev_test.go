package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestDevShop: dev's shop looks on at both ends of the relay, and nothing that its pages hold open keeps dev from ending
// or outlives it.
func TestDevShop(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	url, stop := startDev(t)
	page := shopPage{t, client, url}

	var order struct{ Payment, Ticket string }
	text, err := io.ReadAll(page.ask("POST", "/demo/orders", "", `{"source":"alipay"}`))
	if err != nil || json.Unmarshal(text, &order) != nil {
		t.Fatalf("ordered %s, %v", text, err)
	}
	view := page.ask("GET", "/demo/live?payment="+order.Payment, "", "")
	line := page.ask("GET", "/demo/line/v1/payments/"+order.Payment+"/sse", order.Ticket, "")
	until(t, line, `"status":"pending"`)
	page.post("/demo/line", `{"payment":%q,"do":"freeze"}`, order.Payment)
	page.post("/demo/pay", `{"payment":%q,"source":"alipay","action":"paid"}`, order.Payment)
	until(t, view, `"step":"received"`)
	until(t, view, `"transport":"sse"`)
	stop()
	until(t, line, "payment.paid") // which a frozen line lets through at the end
	for name, stream := range map[string]*bufio.Reader{"the view": view, "the line": line} {
		if _, err := io.ReadAll(stream); err != nil {
			t.Errorf("%s ends with %v", name, err)
		}
	}
}

// testTime is how long a test waits for an answer, all of it included, and for the end of dev.
const testTime = 20 * time.Second

// shopPage asks dev as the demo shop's page does.
type shopPage struct {
	t      *testing.T
	client *http.Client
	url    string
}

// ask returns the body of the answer, which may go on.
func (p shopPage) ask(method, path, ticket, body string) *bufio.Reader {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), testTime)
	p.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", p.url)
	if ticket != "" {
		r.Header.Set("Authorization", "Bearer "+ticket)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode/100 != 2 {
		p.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	return bufio.NewReader(resp.Body)
}

func (p shopPage) post(path, format string, args ...any) {
	p.t.Helper()
	if _, err := io.ReadAll(p.ask("POST", path, "", fmt.Sprintf(format, args...))); err != nil {
		p.t.Fatal(err)
	}
}

// until reads lines up to one that contains the text.
func until(t *testing.T, r *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("%v before %s", err, text)
		}
	}
}

// startDev runs dev until stop is called, which waits for it. A dev that does not end fails the test.
func startDev(t *testing.T) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, said := io.Pipe()
	dev := newRoot()
	dev.SetArgs([]string{"dev", "--port", "0"})
	dev.SetOut(said)
	dev.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() {
		err := dev.ExecuteContext(ctx)
		_ = said.Close()
		ended <- err
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("dev ends with %v", <-ended)
	}
	_, url, _ = strings.Cut(strings.TrimSpace(first), "Tillbell runs at ")
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return url, func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("dev ends with %v", err)
			}
		case <-time.After(testTime):
			t.Fatal("dev does not end")
		}
	}
}
