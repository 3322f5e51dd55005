package network

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlainStream sends an event stream without X-Accel-Buffering through nginx: it is held unless nginx is told.
func TestPlainStream(t *testing.T) {
	for name, want := range map[string]string{"nginx, default buffering": held, "nginx, tuned": flows} {
		for _, p := range Paths() {
			if p.Name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				o := newOrigin(t)
				d := open(t, p, o.address())
				if got := stream(t, o, browser(t, d, false), d.URL+"/stream?plain", want); got != want {
					t.Errorf("it %s, want %s", got, want)
				}
			})
		}
	}
}

// TestHoldBack lets bytes come one by one.
func TestHoldBack(t *testing.T) {
	server, body := io.Pipe()
	r := &http.Response{Body: server}
	if err := holdingBack.spoil(r); err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	came := make(chan string)
	go func() {
		defer close(came)
		for b := make([]byte, 2*heldBytes); ; {
			n, err := r.Body.Read(b)
			if err != nil {
				return
			}
			came <- string(b[:n])
		}
	}()
	for range heldBytes - 1 {
		io.WriteString(body, "x") // returns when it is read
		select {
		case b := <-came:
			t.Fatalf("%q comes too early", b)
		default:
		}
	}
	io.WriteString(body, "y")
	if got, want := <-came, strings.Repeat("x", heldBytes-1)+"y"; got != want {
		t.Errorf("%q comes", got)
	}
	go io.WriteString(body, "z")
	if got := <-came; got != "z" {
		t.Errorf("then %q comes", got)
	}
	body.Close()
	if b, ok := <-came; ok {
		t.Errorf("at last %q comes", b)
	}
}

// roundTrip is a server.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestQuickOnly has a server that takes its time.
func TestQuickOnly(t *testing.T) {
	for takes, passes := range map[time.Duration]bool{0: true, time.Second: true, time.Second + time.Millisecond: false, time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			s := spoiler{quickOnly, roundTrip(func(r *http.Request) (*http.Response, error) {
				time.Sleep(takes)
				answer := httptest.NewRecorder().Result()
				answer.Request = r
				return answer, nil
			})}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			defer cancel()
			r, err := s.RoundTrip(request(ctx, "http://shop/poll"))
			if passes {
				if err != nil {
					t.Errorf("after %v: %v", takes, err)
				}
				return
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v, %v", takes, r, err)
			}
		})
	}
}

// TestMissing asks for a program that nobody has.
func TestMissing(t *testing.T) {
	p := Path{Name: "x", Needs: []string{"sh", "no-such-proxy"}}
	if got, want := p.Missing(), "no-such-proxy is not installed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Path{}).Missing(); got != "" {
		t.Errorf("none is missing: %q", got)
	}
}

// TestBroken has a program that ends at once: its last words are in the error, and nothing of it is left.
func TestBroken(t *testing.T) {
	p := Path{Name: "x", stage: func(ctx context.Context, server, dir string) (stage, error) {
		_, err := run(ctx, exec.Command("sh", "-c", "echo last words; exit 1"), dir, server)
		return stage{}, err
	}}
	address, err := unused(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Open(t.Context(), address, t.TempDir())
	if err == nil || !strings.HasSuffix(err.Error(), "it ended: last words") {
		t.Errorf("%v", err)
	}
}
