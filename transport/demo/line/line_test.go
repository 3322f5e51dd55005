package line_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/transport/demo/line"
)

// TestStream: what the server streams comes through piece by piece, and its end too.
func TestStream(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "order%2F1")
	r := p.wait.request
	if r.PathValue("payment") != "order/1" || r.URL.RequestURI() != "/v1/payments/order%2F1/sse?after=7" || r.Host != "shop.example" ||
		r.Header.Get("Authorization") != "Bearer t" || !r.Close {
		t.Errorf("the server is asked for %s of %s, %v", r.URL, r.Host, r.Header)
	}
	for _, text := range []string{"one", "two"} {
		p.wait.say(t, text)
		p.want(text)
	}
	close(p.wait.says)
	p.wantEnd()
}

// TestPageLeaves: the server hears of it.
func TestPageLeaves(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "p")
	_ = p.conn.Close()
	<-p.wait.request.Context().Done()
}

// TestCut: the page's connections break without an end, those of other payments do not, and the page may come back.
func TestCut(t *testing.T) {
	s := newServer(t)
	first, second, other := s.open(t, "p"), s.open(t, "p"), s.open(t, "q")
	for _, p := range []*page{first, second, other} {
		p.wait.say(t, "one")
		p.want("one")
	}
	s.do(t, "p", "cut", 2)
	for _, p := range []*page{first, second} {
		if _, err := p.text.ReadString(0); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the page reads %v, want a reset", err)
		}
		<-p.wait.request.Context().Done()
	}
	other.wait.say(t, "two")
	other.want("two")
	back := s.open(t, "p")
	back.wait.say(t, "two")
	back.want("two")
}

// TestFreeze: nothing comes through, not over connections of before and not over later ones, until the thaw.
func TestFreeze(t *testing.T) {
	s := newServer(t)
	before, other := s.open(t, "p"), s.open(t, "q")
	before.wait.say(t, "one")
	before.want("one")
	s.do(t, "p", "freeze", 1)
	before.wait.say(t, "two")
	other.wait.say(t, "two")
	other.want("two")
	before.wantNothing()
	later := s.ask(t, "/v1/payments/p/sse")
	later.wantNothing()
	select {
	case w := <-s.waits:
		t.Errorf("the server is asked for %s", w.request.URL)
	default:
	}
	s.do(t, "p", "thaw", 2)
	before.want("two")
	later.wait = <-s.waits
	later.wait.say(t, "three")
	later.want("three")
}

// TestFreezeHoldsTheEnd: a page behind a frozen line does not hear that the server has closed.
func TestFreezeHoldsTheEnd(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "p")
	p.wait.say(t, "one")
	p.want("one")
	s.do(t, "p", "freeze", 1)
	close(p.wait.says)
	p.wantNothing()
	s.do(t, "p", "thaw", 1)
	p.wantEnd()
}

// TestCutWhileFrozen: a frozen line can be cut, and stays frozen for who comes back.
func TestCutWhileFrozen(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "p")
	p.wait.say(t, "one")
	p.want("one")
	s.do(t, "p", "freeze", 1)
	p.wait.say(t, "two")
	s.do(t, "p", "cut", 1)
	if text, err := p.text.ReadString(0); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the page reads %q, %v; want a reset", text, err)
	}
	s.ask(t, "/v1/payments/p/sse").wantNothing()
}

// TestWebSocket: both directions, through a freeze and a cut.
func TestWebSocket(t *testing.T) {
	s := newServer(t)
	c, _, err := websocket.Dial(t.Context(), s.URL+"/demo/line/v1/payments/p/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	say := func(text string) {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(text string) {
		t.Helper()
		if _, got, err := c.Read(t.Context()); err != nil || string(got) != text {
			t.Fatalf("read %q, %v; want %q", got, err, text)
		}
	}
	say("one")
	want("one")
	s.do(t, "p", "freeze", 1)
	say("two")
	s.do(t, "p", "thaw", 1)
	want("two")
	s.do(t, "p", "cut", 1)
	if _, text, err := c.Read(t.Context()); err == nil {
		t.Errorf("over a line that is cut: %q", text)
	}
}

// TestDrain: a server that says good-bye is heard through a frozen line, and no connection is left behind it.
func TestDrain(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "p")
	s.do(t, "p", "freeze", 1)
	p.wait.say(t, "good-bye")
	s.drain()
	p.want("good-bye")
	later := s.open(t, "p") // frozen no more
	close(p.wait.says)
	p.wantEnd()
	later.wait.say(t, "good-bye")
	later.want("good-bye")
}

// TestStop: what does not end by itself is cut when its time is over, and nothing comes after it.
func TestStop(t *testing.T) {
	s := newServer(t)
	p := s.open(t, "p")
	p.wait.say(t, "one")
	p.want("one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.lines.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	if _, err := p.text.ReadString(0); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the page reads %v, want a reset", err)
	}
	s.ask(t, "/v1/payments/p/sse").want("503")
	if err := s.lines.Stop(t.Context()); err != nil {
		t.Errorf("with nothing left: %v", err)
	}
}

func TestRefused(t *testing.T) {
	s := newServer(t)
	if _, err := s.lines.Do("p", "burn"); !errors.Is(err, line.ErrUnknown) {
		t.Errorf("burn: %v", err)
	}
	resp, err := http.Post(s.URL+"/demo/line/v1/payments/p/sse", "text/plain", strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("with a body: %s", resp.Status)
	}
}
