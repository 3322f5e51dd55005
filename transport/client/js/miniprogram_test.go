package js_test

import (
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func TestMiniProgramIsToldOverItsSocket(t *testing.T) {
	p := newPhone(t)
	var header http.Header
	p.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		if way == "ws" {
			header = r.Header.Clone()
		}
		return p.note(way, w, r)
	})
	token := p.mint(time.Hour)
	p.begin(payment, token)
	p.untilTold("state pending")
	p.untilAsked("ws")
	if got := header.Get("Authorization"); got != "Bearer "+token {
		t.Error("the socket has no ticket in its header")
	}
	if got := header.Get("Sec-WebSocket-Protocol"); got != "tillbell.v1" {
		t.Errorf("the protocols are %q", got)
	}
	p.untilParked()
	p.publish(relay.Failed)
	p.untilTold("state failed")
	p.publish(relay.Paid)
	p.wantPaid()
	want := []string{"state pending", "event failed", "state failed", "event paid", "state paid"}
	if !slices.Equal(p.told, want) {
		t.Errorf("told %q, want %q", p.told, want)
	}
}

func TestMiniProgramPollsWithoutASocket(t *testing.T) {
	t.Run("a proxy refuses it", func(t *testing.T) {
		p := newPhone(t)
		p.refuse("ws", http.StatusBadRequest)
		p.begin(payment, p.mint(time.Hour))
		p.untilAsked("poll")
		p.untilAsked("poll") // the one that waits
		p.publish(relay.Paid)
		p.wantPaid()
	})
	t.Run("its Origin is foreign", func(t *testing.T) { // which the server refuses
		p := newPhone(t)
		p.do("origin", map[string]any{"origin": "weapp://wechat-game-runtime"})
		p.begin(payment, p.mint(time.Hour))
		p.untilAsked("poll")
		p.untilAsked("poll")
		p.publish(relay.Paid)
		p.wantPaid()
	})
}

// The payer leaves for the bank's app, as long as the runtime lets the code run and longer.
func TestMiniProgramComesBack(t *testing.T) {
	for name, away := range map[string][]string{
		"soon": {"hide"}, "late": {"hide", "suspend"}, "late, and its socket is dead": {"hide", "forget", "suspend"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone(t)
			p.begin(payment, p.mint(time.Hour))
			p.untilParked()
			p.refuse(path.Base(payment), http.StatusBadGateway) // the state: it must be told over another socket
			for _, command := range away {
				p.do(command, nil)
			}
			p.publish(relay.Paid)
			p.do("show", nil)
			p.wantPaid()
		})
	}
}

func TestMiniProgramLosesItsNetwork(t *testing.T) {
	p := newPhone(t)
	p.begin(payment, p.mint(time.Hour))
	p.untilParked()
	p.refuse(path.Base(payment), http.StatusBadGateway)
	p.do("lose", nil)
	p.publish(relay.Paid) // which the socket does not bring
	p.do("regain", nil)
	p.wantPaid()
}

func TestMiniProgramLosesItsServer(t *testing.T) {
	p := newPhone(t)
	p.begin(payment, p.mint(time.Hour))
	p.untilParked()
	p.refuse(path.Base(payment), http.StatusBadGateway)
	p.cut()
	p.untilParked()
	p.publish(relay.Paid)
	p.wantPaid()
}

func TestMiniProgramsTicketIsRefused(t *testing.T) {
	p := newPhone(t)
	token := p.mint(time.Hour)
	p.begin(payment, token[:len(token)-4]+"AAAA")
	if s := p.untilOver(); s.Code != "unauthorized" || strings.Contains(s.Error, token[:20]) {
		t.Errorf("it ends with %+v", s)
	}
	p.do("rest", nil)
}

func TestMiniProgramExpires(t *testing.T) {
	p := newPhone(t)
	p.begin(payment, p.mint(4*time.Second))
	if s := p.untilOver(); s.Outcome == nil || s.Outcome.Code != "expired" || s.Outcome.Status != "pending" {
		t.Errorf("it ends with %+v", s)
	}
	p.do("rest", nil)
}

func TestMiniProgramAborts(t *testing.T) {
	for name, begin := range map[string]func(p *phone) (connections int){
		"its socket": func(p *phone) int {
			p.begin(payment, p.mint(time.Hour))
			p.untilParked()
			return 1
		},
		"its poll": func(p *phone) int {
			p.refuse("ws", http.StatusBadRequest)
			p.begin(payment, p.mint(time.Hour))
			p.untilAsked("poll")
			p.untilAsked("poll") // the one that waits
			return 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone(t)
			connections := begin(p)
			p.do("abort", map[string]any{"reason": "the page is closed"})
			if s := p.untilOver(); s.Error != "the page is closed" {
				t.Errorf("it ends with %+v", s)
			}
			p.log.Await(t, connections, "code=gone") // the server hears of it
			p.do("rest", nil)
		})
	}
}

// A socket that still connects cannot be closed, and must not stay when it opens.
func TestMiniProgramAbortsWhileItConnects(t *testing.T) {
	p := newPhone(t)
	connects, opens := make(chan struct{}), make(chan struct{})
	p.intercept(func(way string, _ http.ResponseWriter, _ *http.Request) bool {
		if way == "ws" {
			close(connects)
			<-opens
		}
		return false
	})
	p.begin(payment, p.mint(time.Hour))
	receive(p.shop, connects)
	p.do("abort", map[string]any{"reason": "the page is closed"})
	p.untilOver()
	close(opens)
	p.do("rest", nil)
}

func TestMiniProgramRemembersItsWay(t *testing.T) {
	p := newPhone(t)
	p.refuse("ws", http.StatusBadGateway)
	stopped := map[string]any{"reason": "closed"}
	p.begin(payment, p.mint(time.Hour))
	p.untilAsked("ws")
	p.untilAsked("poll")
	p.untilAsked("poll")
	p.publish(relay.Pending) // answers the second one, which proves that polls come back in time
	p.untilAsked("poll")
	p.do("abort", stopped)
	p.untilOver()

	p.begin(payment, p.mint(time.Hour))
	for {
		way := receive(p.shop, p.asked)
		if way == "ws" {
			t.Fatal("it tries again what did not work")
		}
		if way == "poll" {
			break
		}
	}
	p.publish(relay.Paid)
	p.wantPaid()
}

// Retry-After is in a header, whose name phones spell in their own ways.
func TestMiniProgramStaysAwayAsLongAsItIsTold(t *testing.T) {
	p := newPhone(t)
	polls := make(chan time.Time, 100)
	p.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		switch way {
		case "ws":
			http.NotFound(w, r)
		case "poll":
			polls <- time.Now()
			w.Header()["RETRY-after"] = []string{"3"}
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"code":"limit"}`)
		default:
			return false
		}
		return true
	})
	p.begin(payment, p.mint(time.Hour))
	first := receive(p.shop, polls)
	if away := receive(p.shop, polls).Sub(first); away < 3*time.Second {
		t.Errorf("it comes back after %v", away)
	}
	p.do("abort", nil)
	if s := p.untilOver(); s.Error != "Error: aborted" {
		t.Errorf("it ends with %+v", s)
	}
}

func TestMiniProgramsAddresses(t *testing.T) {
	p := newPhone(t)
	at := func(path string) string { return p.web.URL + path }
	for _, c := range []struct{ payment, base, want string }{
		{"order-1", at(""), "/v1/payments/order-1"},
		{"a/v1/payments/b", at("/"), "/v1/payments/a%2Fv1%2Fpayments%2Fb"},
		{"订单?1", at("/tillbell/"), "/tillbell/v1/payments/%E8%AE%A2%E5%8D%95%3F1"},
		{"order-1", at("/tillbell"), "/tillbell/v1/payments/order-1"},
		{"/v1/payments/o-2/ws", at(""), "/v1/payments/o-2"},
		{at("/v1/payments/o%2F1/sse"), at(""), "/v1/payments/o%2F1"},
		{strings.Replace(at("/tillbell/v1/payments/o-3/ws?after=1"), "http", "ws", 1), at(""), "/tillbell/v1/payments/o-3"},
		{"//evil.example/v1/payments/order-1", at(""), ""},
		{"http://evil.example/v1/payments/order-1", at(""), ""},
		{at("@evil.example/v1/payments/order-1"), at(""), ""},
		{at("\\@evil.example/v1/payments/order-1"), at(""), ""},
		{"order-1", "", ""},
		{"order-1", "/", ""},
		{"order-1", "pay.example", ""},
		{"order-1", "https://user@pay.example", ""},
	} {
		paths := make(chan string, 10)
		p.intercept(func(_ string, w http.ResponseWriter, r *http.Request) bool {
			paths <- r.URL.EscapedPath()
			http.Error(w, "enough", http.StatusTeapot)
			return true
		})
		p.beginAt(c.base, c.payment, "t")
		s := p.untilOver()
		select {
		case got := <-paths:
			if got != c.want {
				t.Errorf("%q at %q asks %q, want %q", c.payment, c.base, got, c.want)
			}
		default:
			if c.want != "" || !strings.HasPrefix(s.Error, "TypeError: ") {
				t.Errorf("%q at %q ends with %q, want %q", c.payment, c.base, s.Error, c.want)
			}
		}
	}
}
