package front

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPatience has clients that do not say what they have to. Each connection is closed, here or by net/http.
func TestPatience(t *testing.T) {
	const short = 50 * time.Millisecond
	s := newSite(t, Options{RequestTime: short, IdleTime: short, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(short))
		if body, err := io.ReadAll(r.Body); err == nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			echo(w, r)
		} else {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	})})
	type pair struct {
		*peer
		text string
	}
	peers := make(map[string]pair)
	for name, text := range map[string]string{
		"nothing":   "",
		"head":      post[:30],
		"body":      post[:len(post)-1],
		"idle":      post,
		"part":      post + get[:5],
		"a blank":   post + "\r\n",
		"cold":      cold[:9],
		"cold idle": cold,
	} {
		p := s.dial(t)
		for i := range text {
			p.say(text[i : i+1])
		}
		peers[name] = pair{p, text}
	}
	for name, p := range peers {
		if strings.HasPrefix(p.text, post) {
			p.expect(posted, true)
		}
		if p.text == cold {
			p.expect(answered, false)
		}
		want := "HTTP/1.1 400 " // or nothing, as net/http has it
		if name == "body" {     // which the handler waits for
			want = "HTTP/1.1 408 "
		}
		all, err := io.ReadAll(p)
		if err != nil || !strings.HasPrefix(string(all), want) && (len(all) != 0 || name == "body") {
			t.Errorf("%s: %q, %v", name, all, err)
		}
	}
}

// held is a handler whose requests wait to be let go, if they want that.
type held struct{ entered, release chan struct{} }

func newHeld() held { return held{make(chan struct{}), make(chan struct{})} }

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Held") != "" {
		h.entered <- struct{}{}
		<-h.release
	}
	echo(w, r)
}

var hold = strings.Replace(post, "Host: x\r\n", "Host: x\r\nHeld: yes\r\n", 1)

// TestLongHandler has a handler that takes longer than clients may be idle.
func TestLongHandler(t *testing.T) {
	h := newHeld()
	s := newSite(t, Options{RequestTime: 50 * time.Millisecond, IdleTime: 50 * time.Millisecond, Handler: h})
	p, others := s.dial(t), s.dial(t)
	p.say(hold)
	<-h.entered
	for range 3 { // of which each is closed for its idleness
		others.expectEnd()
		others = s.dial(t)
	}
	h.release <- struct{}{}
	p.expect(posted, true)
	p.expectEnd()
}

// TestHeld has more requests under way than workers are kept. Others are served meanwhile, and in the end so are they.
func TestHeld(t *testing.T) {
	const many = 2 * maxIdle
	h := newHeld()
	s := newSite(t, Options{Handler: h})
	var peers []*peer
	for range many {
		p := s.dial(t)
		p.say(hold)
		<-h.entered
		peers = append(peers, p)
	}
	other := s.dial(t)
	for range 10 {
		other.say(post + get)
		other.expect(posted, true)
		other.expect(got, true)
	}
	const more = 1000 // requests, which is more than is read at once
	peers[0].say(strings.Repeat(post, more))
	for range peers {
		h.release <- struct{}{}
	}
	for _, p := range peers {
		p.expect(posted, true)
	}
	for range more {
		peers[0].expect(posted, true)
	}
	for _, p := range peers {
		p.say(post)
		p.expect(posted, true)
	}
	s.workers.mu.Lock()
	defer s.workers.mu.Unlock()
	if n := len(s.workers.idle); n > maxIdle {
		t.Errorf("%d workers are kept", n)
	}
}

// TestReset has clients vanish while their requests are answered, and before.
func TestReset(t *testing.T) {
	h := newHeld()
	s := newSite(t, Options{Handler: h})
	for _, text := range []string{hold, hold + post, hold + post[:9], closing(hold)} {
		p := s.dial(t)
		p.say(text)
		<-h.entered
		p.SetLinger(0)
		p.TCPConn.Close()
		h.release <- struct{}{}
	}
	for _, text := range []string{"", post[:9], post[:len(post)-1]} {
		p := s.dial(t)
		if text != "" {
			p.say(text)
		}
		p.SetLinger(0)
		p.TCPConn.Close()
	}
	p := s.dial(t)
	p.say(post)
	p.expect(posted, true)
}

// TestNeverReads has a client that asks and asks, and reads nothing. It is cut, and nobody else notices.
func TestNeverReads(t *testing.T) {
	s := newSite(t, Options{Handler: http.HandlerFunc(answerAny)})
	p, other := s.dial(t), s.dial(t)
	p.SetReadBuffer(4 << 10)
	ask := strings.Repeat("POST /hot/large HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 100)
	for range 10000 {
		if _, err := io.WriteString(p.TCPConn, ask); err != nil {
			other.say(post)
			other.expect(posted, true)
			return
		}
	}
	t.Error("nothing keeps the client from asking")
}

// TestEndless sends on behind the last answer.
func TestEndless(t *testing.T) {
	s := newSite(t, Options{})
	p := s.dial(t)
	p.say(closing(post))
	p.expect(posted, true)
	junk := strings.Repeat("junk", 16<<10)
	for range 10000 {
		if _, err := io.WriteString(p.TCPConn, junk); err != nil {
			return
		}
	}
	t.Error("nothing keeps the client from sending")
}

// TestQuick opens very many connections that live shortly, in all kinds of ways, so that descriptors are reused at once.
// Nobody gets what is another's.
func TestQuick(t *testing.T) {
	const clients, each = 16, 625
	s := newSite(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x, ok := w.(*exchange); ok && strings.HasSuffix(r.URL.Path, "/taken/sse") {
			d, _ := x.Take()
			_, _ = d.Write([]byte("HTTP/1.1 200 OK\r\nX-Front: yes\r\nConnection: close\r\n\r\nGET " + r.RequestURI + " "))
			d.Release()
			_ = unix.Close(d.FD())
			return
		}
		echo(w, r)
	})})
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for j := range each {
				if err := s.quick(i, j); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// quick is one of TestQuick's connections.
func (s *site) quick(i, j int) error {
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	uri := fmt.Sprintf("/%d/%d/sse", i, j)
	ask := "GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n"
	switch j % 8 {
	case 0: // vanishes
		_, err := io.WriteString(nc, ask)
		nc.(*net.TCPConn).SetLinger(0)
		return err
	case 1: // says nothing
		return nil
	case 2:
		uri = fmt.Sprintf("/%d/%d/taken/sse", i, j)
		ask = strings.Replace(ask, fmt.Sprintf("/%d/%d/sse", i, j), uri, 1)
	case 3:
		ask = closing(ask)
	case 4: // net/http's
		ask = strings.Replace(ask, "HTTP/1.1", "HTTP/1.0", 1)
	case 5:
		ask = "GET /first/sse HTTP/1.1\r\nHost: x\r\n\r\n" + ask
	}
	if _, err := io.WriteString(nc, ask); err != nil {
		return err
	}
	if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	b, err := io.ReadAll(nc)
	if want := "\r\n\r\nGET " + uri + " "; err != nil || !strings.HasSuffix(string(b), want) {
		return fmt.Errorf("%q, %w, want %q", b, err, want)
	}
	return nil
}
