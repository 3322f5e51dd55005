package live

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// page is the ResponseWriter of a page that reads all that it is sent.
type page struct {
	mu     sync.Mutex
	text   bytes.Buffer
	header http.Header
	status int
}

func (p *page) Header() http.Header { return p.header }
func (p *page) WriteHeader(s int)   { p.status = s }
func (p *page) Flush()              {}
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// seen returns the steps that the page was sent, and the id of the last.
func (p *page) seen(t *testing.T) (list []string, last string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, ok := strings.CutPrefix(p.text.String(), "retry: 1000\n\n")
	if !ok {
		t.Fatalf("the stream begins %.40q", p.text.String())
	}
	for frame := range strings.SplitAfterSeq(rest, "\n\n") {
		if frame != "" {
			list = append(list, kinds([]Step{read(t, frame)})...)
			last, _, _ = strings.Cut(strings.TrimPrefix(frame, "id: "), "\n")
		}
	}
	return list, last
}

// look opens the stream of a payment until leave is called, or the stream ends.
func look(t *testing.T, l *Live, done <-chan struct{}, payment, had string) (p *page, ended <-chan struct{}, leave func()) {
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "/demo/live?payment="+payment, http.NoBody)
	r.Header.Set("Last-Event-ID", had)
	p = &page{header: make(http.Header)}
	end := make(chan struct{})
	go func() {
		defer close(end)
		l.Handler(done)(p, r)
	}()
	synctest.Wait()
	return p, end, leave
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, done := New(), make(chan struct{})
		store(l.Received(t.Context(), "s"), paid("p", "s:1"))
		early := []string{"1 received", "1 verified", "1 stored", "1 acknowledged 200"}
		first, ended, leave := look(t, l, done, "p", "")
		got, last := first.seen(t)
		if !slices.Equal(got, early) || first.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("who comes late sees %q as %v", got, first.header)
		}
		leave()
		<-ended
		if len(l.streams) != 0 {
			t.Errorf("%d streams are left", len(l.streams))
		}

		store(l.Received(t.Context(), "s"), paid("p", "s:2"))
		missed := []string{"2 received", "2 verified", "2 stored", "2 acknowledged 200"}
		back, ended, leave := look(t, l, done, "p", last)
		defer leave()
		if got, _ := back.seen(t); !slices.Equal(got, missed) {
			t.Errorf("who comes back sees %q, want %q", got, missed)
		}
		other, otherEnded, leave := look(t, l, done, "q", "")
		defer leave()
		store(l.Received(t.Context(), "s"), paid("p", "s:3"))
		synctest.Wait()
		if got, _ := back.seen(t); len(got) != 8 || got[7] != "3 acknowledged 200" {
			t.Errorf("what happens is seen as %q", got)
		}
		if got, _ := other.seen(t); len(got) != 0 {
			t.Errorf("who looks at another payment sees %q", got)
		}
		close(done)
		<-ended
		<-otherEnded
	})
}

// TestIDsAfterARestart: a page that comes back to another process misses nothing.
func TestIDsAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := New()
		store(before.Received(t.Context(), "s"), paid("p", "s:1"))
		_, frames := before.open("p", 0)
		time.Sleep(time.Second)
		after := New()
		store(after.Received(t.Context(), "s"), paid("p", "s:1"))
		if _, missed := after.open("p", frames[len(frames)-1].id); len(missed) != 4 {
			t.Errorf("%d steps after the restart, want 4", len(missed))
		}
	})
}

// TestSlowPage: a stream that does not keep up ends, and holds up nobody.
func TestSlowPage(t *testing.T) {
	l := New()
	slow, _ := l.open("p", 0)
	for i := range backlog {
		store(l.Received(t.Context(), "s"), paid("p", fmt.Sprint("s:", i)))
	}
	n := 0
	for range slow.frames {
		n++
	}
	if n != backlog || len(l.streams) != 0 {
		t.Errorf("%d steps were kept for it, %d streams are left", n, len(l.streams))
	}
}

func TestStreamRefused(t *testing.T) {
	l := New()
	ask := func(query string, body string) int {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/demo/live"+query, strings.NewReader(body))
		w := httptest.NewRecorder()
		l.Handler(nil)(w, r)
		return w.Code
	}
	for _, query := range []string{"", "?payment=", "?payment=..", "?payment=a&payment=b", "?payments=a"} {
		if status := ask(query, ""); status != http.StatusBadRequest {
			t.Errorf("%q: status %d", query, status)
		}
	}
	if status := ask("?payment=p", "a body"); status != http.StatusBadRequest {
		t.Errorf("with a body: status %d", status)
	}
	for range maxStreams {
		l.open("p", 0)
	}
	if status := ask("?payment=p", ""); status != http.StatusServiceUnavailable {
		t.Errorf("one too many: status %d", status)
	}
}

// TestReads: who reads the outcome was told it, once.
func TestReads(t *testing.T) {
	l := New()
	answer := ""
	h := l.Reads(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	get := func(path, text string) {
		answer = text
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, http.NoBody))
		if w.Body.String() != text {
			t.Errorf("%s: %d bytes pass, want %d", path, w.Body.Len(), len(text))
		}
	}
	const outcome = `{"payment":"p","status":"paid","final":true}`
	o := l.Received(t.Context(), "s")
	o.Verified([]relay.Event{paid("p", "s:1")})
	get("/v1/payments/p", outcome) // not by this callback, as far as anybody knows
	o.Stored(paid("p", "s:1"), relay.Receipt{Applied: true})
	get("/v1/payments/p", `{"payment":"p","status":"pending"}`)
	get("/v1/payments/p", `{"payment":"p","status":"paid","events":[]}`) // a merchant
	get("/v1/payments/p", `{"payment":"q","status":"paid"}`)
	get("/v1/payments/p", strings.Repeat(" ", 2*maxRead)+outcome)
	get("/v1/payments/p", "gone")
	get("/v1/payments/p/poll", outcome)
	get("/demo", outcome)
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored")
	get("/v1/payments/p", outcome)
	get("/v1/payments/p", outcome)
	wantKinds(t, l, "p", "1 received", "1 verified", "1 stored", "1 told snapshot")
}
