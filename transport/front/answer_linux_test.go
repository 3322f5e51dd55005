package front

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answers are handlers by path. Each reads the body that it is sent.
var answers = map[string]http.HandlerFunc{
	"echo":    echo,
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
	"twice": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "short and ")
		_, _ = io.WriteString(w, "stout")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "body"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"early": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusConflict)
	},
	"length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "4")
		_, _ = io.WriteString(w, "four")
	},
	"typed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "{}")
	},
	"sniffed": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	"values": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Vary"] = []string{"Origin", "Accept"}
		w.Header()["X-Empty"] = []string{""}
		w.Header()["X-None"] = nil
		w.Header()["x-odd-NAME"] = []string{"a"}
	},
	"line breaks": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-A", "b\r\nX-C: d\n\ne")
		w.Header().Set("X-B", "\r\n")
	},
	"close": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") },
	"upgrade": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusUpgradeRequired)
		_, _ = io.WriteString(w, "no")
	},
	"controller": func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		soon := time.Now().Add(time.Minute)
		_, _ = io.WriteString(w, "flushed")
		if err := errors.Join(c.SetReadDeadline(soon), c.SetWriteDeadline(soon), c.Flush()); err != nil {
			panic(err)
		}
	},
	"unread":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whatever it was") },
	"large":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("large"), 4<<10)) },
	"abort":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"panic":   func(http.ResponseWriter, *http.Request) { panic("on purpose") },
	"too far": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic(io.EOF) },
	"hijack":  hijack,
}

// hijack takes the connection over, with what is there behind the request, and says as much.
func hijack(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	if _, err := w.Write([]byte("a")); !errors.Is(err, http.ErrHijacked) {
		panic(err)
	}
	rest, err := io.ReadAll(rw)
	if err != nil {
		panic(err)
	}
	_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(rest)) + "\r\n\r\n" + string(rest))
	_ = rw.Flush()
}

func answerAny(w http.ResponseWriter, r *http.Request) {
	h, ok := answers[strings.Trim(strings.TrimPrefix(r.URL.Path, "/hot/"), "/")]
	if !ok {
		h = echo
	}
	h(w, r)
}

// beside is a site and net/http alone with the same handler.
type beside struct {
	front *site
	alone net.Addr
}

func newBeside(t testing.TB) beside {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI = "" // echo's, where the two differ by nothing but X-Front
		answerAny(w, r)
		w.Header().Del("X-Front")
	})
	server := &http.Server{Handler: h, ErrorLog: quiet, DisableGeneralOptionsHandler: true}
	served := make(chan error)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return beside{newSite(t, Options{Handler: h}), ln.Addr()}
}

// reply is an answer without what may differ: the date, and how the length is told.
type reply struct {
	status int
	header http.Header
	body   string
	close  bool
}

// ask says text to the address, shuts its side, and returns all answers.
func ask(t testing.TB, addr string, text []byte) []reply {
	t.Helper()
	all := []reply{}
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write(text); err == nil {
		_ = nc.(*net.TCPConn).CloseWrite()
	}
	for r := bufio.NewReader(nc); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			break
		}
		if resp.StatusCode < 200 {
			continue
		}
		resp.Header.Del("Date")
		resp.Header.Del("Content-Length")
		all = append(all, reply{resp.StatusCode, resp.Header, string(body), resp.Close})
	}
	return all
}

func (b beside) compare(t *testing.T, name string, text []byte) []reply {
	t.Helper()
	got, want := ask(t, b.front.addr, text), ask(t, b.alone.String(), text)
	// Behind an answer net/http waits for four bytes, and closes where fewer come; here it is asked, and refuses them.
	if n := len(want); len(got) == n+1 && n != 0 && got[n].status == http.StatusBadRequest && got[n].close {
		got = got[:n]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%+v, net/http alone answers\n%+v", name, got, want)
	}
	return got
}

// TestBeside asks for every answer, twice over one connection, and sends every request.
func TestBeside(t *testing.T) {
	b := newBeside(t)
	for name := range answers {
		path := "/hot/" + strings.ReplaceAll(name, " ", "%20")
		one := "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
		all := b.compare(t, name, []byte(one+one+closing(one)))
		if len(all) == 0 && !slices.Contains([]string{"abort", "panic", "too far"}, name) {
			t.Errorf("%s: no answer", name)
		}
		b.compare(t, name+", wait", []byte("GET "+path+"/sse HTTP/1.1\r\nHost: x\r\n\r\n"))
	}
	for name, c := range requests {
		b.compare(t, name, []byte(c.text))
		b.compare(t, name+", behind another", []byte(post+c.text+get))
	}
}

// FuzzBeside asks both servers anything.
func FuzzBeside(f *testing.F) {
	for name := range answers {
		one := "POST /hot/" + strings.ReplaceAll(name, " ", "%20") + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
		f.Add([]byte(one))
		f.Add([]byte(get + one + closing(get)))
	}
	for _, c := range requests {
		if len(c.text) < maxHead {
			f.Add([]byte(c.text + post))
		}
	}
	b := newBeside(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) <= 4<<10 { // more net/http does not read at once, and its refusal may be lost by a reset
			b.compare(t, "fuzzed", text)
		}
	})
}
