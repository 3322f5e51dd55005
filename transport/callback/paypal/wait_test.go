package paypal_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// pipes is a listener without a network, for bubbles.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bubble is a Provider that downloads from a server within the bubble.
type bubble struct {
	*paypal.Provider
	signed callback.Request
	chain  string
}

// newBubble returns a Provider whose downloads the handler answers, and what ends the server.
func newBubble(t *testing.T, handler func(w http.ResponseWriter, r *http.Request)) (b *bubble, stop func()) {
	o, key := throwaway()
	b = &bubble{signed: sign(t, signer(t, o, key)), chain: o.Certificates[first(o.Certificates)]}
	b.Provider = provider(t, paypal.Options{WebhookID: o.WebhookID, TrustedRoots: o.TrustedRoots})
	own, roots := hostCertificate(t, "api.paypal.com")
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	b.Reach(l.dial, roots)
	server := &http.Server{Handler: http.HandlerFunc(handler), TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}},
		ErrorLog: log.New(io.Discard, "", 0)}
	var served sync.WaitGroup
	served.Go(func() { _ = server.ServeTLS(l, "", "") })
	return b, func() {
		_ = server.Close()
		served.Wait()
		<-time.After(10 * time.Second) // TLS says goodbye for 5 s, and nobody reads it
	}
}

func TestFiveSeconds(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	trickle := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // a byte a second keeps a connection alive
			fmt.Fprint(w, "-")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
			}
		}
	}
	silent := func(context.Context, string, string) (net.Conn, error) {
		ours, _ := net.Pipe() // nobody reads what is written
		return ours, nil
	}
	hole := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, c := range map[string]struct {
		handler func(http.ResponseWriter, *http.Request)
		dial    paypal.Dial
	}{
		"connecting": {hang, hole}, "TLS": {hang, silent}, "headers": {hang, nil}, "body": {trickle, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, stop := newBubble(t, c.handler)
				defer stop()
				if c.dial != nil {
					b.Reach(c.dial, nil)
				}
				begin := time.Now()
				err := busy(t, b.Provider, b.signed, at)
				if took := time.Since(begin); took != 5*time.Second {
					t.Errorf("gave up after %s, want 5s (%v)", took, err)
				}
				if strings.Contains(fmt.Sprint(err), "CERT-") {
					t.Errorf("the error repeats the address: %v", err)
				}
				busy(t, b.Provider, b.signed, at.Add(59*time.Second))
				if took := time.Since(begin); took != 5*time.Second {
					t.Errorf("tried again within a minute, for %s", took)
				}
			})
		})
	}
}

func TestOneDownloadForManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		release := make(chan struct{})
		var b *bubble
		b, stop := newBubble(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			<-release
			fmt.Fprint(w, b.chain)
		})
		defer stop()
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() { accepted(t, b.Provider, b.signed, at) })
		}
		synctest.Wait()
		close(release)
		calls.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("%d downloads, want 1", n)
		}
	})
}

func TestManyCallsShareAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b, stop := newBubble(t, func(_ http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			<-r.Context().Done()
		})
		defer stop()
		begin := time.Now()
		var calls sync.WaitGroup
		for range paypal.MaxWaiting + 1 { // one of them downloads
			calls.Go(func() { busy(t, b.Provider, b.signed, at) })
		}
		synctest.Wait()
		if err := busy(t, b.Provider, b.signed, at); !strings.Contains(fmt.Sprint(err), "wait already") || time.Since(begin) != 0 {
			t.Errorf("%v after %s, want an answer at once", err, time.Since(begin))
		}
		calls.Wait()
		if took := time.Since(begin); took != 5*time.Second || asked.Load() != 1 {
			t.Errorf("%d downloads in %s, want one in 5s", asked.Load(), took)
		}
	})
}

// A download that hangs holds up no call whose certificate is known.
func TestKnownCertificateDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bubble
		b, stop := newBubble(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(b.signed.Header.Get("Paypal-Cert-Url"), r.URL.Path) {
				fmt.Fprint(w, b.chain)
				return
			}
			<-r.Context().Done()
		})
		defer stop()
		accepted(t, b.Provider, b.signed, at)
		var stuck sync.WaitGroup
		for i := range 5 {
			stuck.Go(func() { busy(t, b.Provider, with(b.signed, "Paypal-Cert-Url", number(i)), at) })
		}
		synctest.Wait()
		begin := time.Now()
		accepted(t, b.Provider, b.signed, at)
		if took := time.Since(begin); took != 0 {
			t.Errorf("waited %s", took)
		}
		stuck.Wait()
	})
}
