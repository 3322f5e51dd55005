package callback_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

func TestSameCallbackFromManyAtOnce(t *testing.T) {
	const many = 50
	each(t, func(t *testing.T, name string, a account) {
		h := start(t)
		r := a.sign(t, paid)
		var all sync.WaitGroup
		for range many {
			all.Go(func() { answers(t, h.post(name, r), a.Provider, nil) })
		}
		all.Wait()
		if state, ids := h.stored("order-1"); len(ids) != 1 || state.Status != relay.Paid || state.Conflict {
			t.Errorf("%+v of %q", state, ids)
		}
		h.counted(name, "stored", "1")
		h.counted(name, "duplicate", fmt.Sprint(many-1))
	})
}

func TestSourcesChangeWhileCallbacksRun(t *testing.T) {
	h := start(t)
	a := accounts()["stripe"]
	stays := callback.Source{Name: "stays", Provider: a.Provider}
	comes := callback.Source{Name: "comes", Provider: a.Provider}
	h.route.SetSources(map[string]callback.Source{"stays": stays})
	r := a.sign(t, paid)
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				answers(t, h.post("stays", r), a.Provider, nil)
				if w := h.post("comes", r); w.Code != 200 && w.Code != 404 {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
			}
		})
	}
	for i := range 500 {
		sources := map[string]callback.Source{"stays": stays}
		if i%2 == 0 {
			sources["comes"] = comes
		}
		h.route.SetSources(sources)
		if !h.route.Knows("stays") || h.route.Knows("comes") != (i%2 == 0) {
			t.Error("the sources of before")
		}
	}
	close(done)
	all.Wait()
}

// A callback that is being stored is answered by the source that it came for.
func TestSourceRemovedMeanwhile(t *testing.T) {
	h := start(t)
	h.engine.before = func(context.Context, relay.Event) error {
		h.route.SetSources(nil)
		return nil
	}
	a := accounts()["alipay"]
	r := a.sign(t, paid)
	answers(t, h.post("alipay", r), a.Provider, nil)
	if w := h.post("alipay", r); w.Code != http.StatusNotFound {
		t.Errorf("answered %d, want 404", w.Code)
	}
}

func TestSenderThatIsGoneLeavesNothingHalfStored(t *testing.T) {
	h := start(t)
	ctx, hangUp := context.WithCancel(t.Context())
	h.engine.before = func(ctx context.Context, _ relay.Event) error {
		hangUp()
		return ctx.Err()
	}
	h.serve(request("wechat", combined(t, "o-1", "o-2")).WithContext(ctx))
	for _, payment := range []string{"o-1", "o-2"} {
		if state, _ := h.stored(payment); state.Status != relay.Paid {
			t.Errorf("%s: %+v", payment, state)
		}
	}
	h.counted("wechat", "stored", "1")
}

// An engine that hangs must not hold the provider's connection for longer than the provider waits.
func TestStoreHasATimeLimit(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.engine.before = func(ctx context.Context, _ relay.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}
		a := accounts()["stripe"]
		began := time.Now()
		w := h.post("stripe", a.sign(t, paid))
		answers(t, w, a.Provider, context.DeadlineExceeded)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("answered after %s, want 4s", took)
		}
	})
}

// pipes is a listener whose connections are in memory, so that their deadlines go by a bubble's clock.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.conns) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipes) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// serve runs the house on a server of net/http within the bubble, and stop ends both. From gone comes each connection
// that the server has closed.
func serve(t *testing.T) (h *house, dial func() net.Conn, gone <-chan struct{}, stop func()) {
	h, end := newHouse(t)
	l := &pipes{conns: make(chan net.Conn)}
	closed := make(chan struct{}, 1)
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	return h, l.dial, closed, func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		end()
	}
}

// head writes the request's head, announcing the whole body.
func head(c io.Writer, source string, r callback.Request) error {
	_, err := fmt.Fprintf(c, "POST /v1/callbacks/%s HTTP/1.1\r\nHost: pay.example\r\nContent-Length: %d\r\n", source, len(r.Body))
	if err == nil {
		err = r.Header.Write(c)
	}
	if err == nil {
		_, err = io.WriteString(c, "\r\n")
	}
	return err
}

func TestSlowBodyIsNotWaitedFor(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, dial, _, stop := serve(t)
		defer stop()
		a := accounts()["wechat"]
		r := a.sign(t, paid)
		c := dial()
		defer c.Close()
		began := time.Now()
		if err := head(c, "wechat", r); err != nil {
			t.Fatal(err)
		}
		half := len(r.Body) / 2
		if _, err := c.Write(r.Body[:half]); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), `"FAIL"`) {
			t.Errorf("answered %d %q", answer.StatusCode, body)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("answered after %s, want 10s", took)
		}
		h.counted("wechat", "malformed", "1")
		h.empty()
	})
}

func TestAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, dial, gone, stop := serve(t)
		defer stop()
		r := accounts()["erp"].sign(t, paid)
		c := dial()
		defer c.Close()
		began := time.Now()
		if err := head(c, "erp", r); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(r.Body); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
		case <-time.After(time.Hour):
			t.Fatal("the connection is still open")
		}
		if took := time.Since(began); took != 24*time.Second {
			t.Errorf("given up after %s, want 24s", took)
		}
		h.counted("erp", "stored", "1")
	})
}

// What net/http does when a sender hangs up: the request's context is cancelled while the engine still writes.
func TestHangingUpDuringTheStore(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, dial, _, stop := serve(t)
		defer stop()
		writing, release := make(chan struct{}), make(chan struct{})
		h.engine.before = func(ctx context.Context, e relay.Event) error {
			if e.Payment == "o-1" {
				close(writing)
				<-release
			}
			return ctx.Err()
		}
		r := combined(t, "o-1", "o-2")
		c := dial()
		if err := head(c, "wechat", r); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(r.Body); err != nil {
			t.Fatal(err)
		}
		<-writing
		c.Close()
		synctest.Wait() // the server has noticed
		close(release)
		synctest.Wait()
		for _, payment := range []string{"o-1", "o-2"} {
			if state, _ := h.stored(payment); state.Status != relay.Paid {
				t.Errorf("%s: %+v", payment, state)
			}
		}
		h.counted("wechat", "stored", "1")
	})
}
