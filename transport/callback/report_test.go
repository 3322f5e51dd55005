package callback_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Anybody can post what is refused, and must not fill the log with it. All of it is counted, and so is what is left out.
func TestRefusalsDoNotFloodTheLog(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		forged := map[string]callback.Request{}
		for _, name := range []string{"stripe", "erp"} {
			forged[name] = spoil(accounts()[name].sign(t, paid))
		}
		post := func(name string, n int) {
			for range n {
				if w := h.post(name, forged[name]); w.Code != http.StatusUnauthorized {
					t.Errorf("answered %d, want 401", w.Code)
				}
			}
		}
		post("stripe", 25)
		post("erp", 3)
		h.post("stripe", accounts()["stripe"].sign(t, paid))
		time.Sleep(time.Second)
		post("stripe", 2)
		lines := map[any]int{}
		var omitted []any
		for _, l := range h.log.of(t, "callback") {
			lines[l["source"].(string)+" "+l["result"].(string)]++
			if n, ok := l["omitted"]; ok {
				omitted = append(omitted, n)
			}
		}
		if lines["stripe bad_signature"] != 12 || lines["erp bad_signature"] != 3 || lines["stripe stored"] != 1 {
			t.Errorf("lines %v, want 10 and 2 of stripe's, all of the others", lines)
		}
		if len(omitted) != 1 || omitted[0] != 15.0 {
			t.Errorf("omitted %v, want 15 once", omitted)
		}
		h.counted("stripe", "bad_signature", "27")
	})
}

// Who has seen one genuine callback can post it as often as they like.
func TestRepetitionsDoNotFloodTheLog(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		r := accounts()["alipay"].sign(t, paid)
		for range 50 {
			h.post("alipay", r)
		}
		lines := map[any]int{}
		for _, l := range h.log.of(t, "callback") {
			lines[l["result"]]++
		}
		if lines["stored"] != 1 || lines["duplicate"] != 10 || len(lines) != 2 {
			t.Errorf("lines %v, want the first and ten of the others", lines)
		}
		h.counted("alipay", "duplicate", "49")
	})
}

// What a proven sender causes is always logged: a failed store most of all.
func TestFailuresAreAllLogged(t *testing.T) {
	h := start(t)
	h.engine.before = func(context.Context, relay.Event) error { return errors.New("disk full") }
	r := accounts()["stripe"].sign(t, paid)
	for range 25 {
		h.post("stripe", r)
	}
	l := h.log.of(t, "callback")
	if len(l) != 25 || l[0]["level"] != slog.LevelError.String() || l[0]["result"] != "unavailable" {
		t.Errorf("%d lines, the first %v; want 25 errors", len(l), l[0])
	}
}
