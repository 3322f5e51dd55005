//go:build unix

package integration_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// TestDrain: on SIGTERM the server is not ready at once, but serves for shutdown.delay as before, so that the platform
// has time to notice. Then every wait is told to come back, and the process exits with 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	const delay, drain = 2500 * time.Millisecond, 5 * time.Second
	s := start(t, defaults().with("shutdown", settings{"delay": delay.String(), "drain": drain.String()}))
	served := page.wait(t, request{server: s.url, payment: "served", ticket: s.register(t, "served")})
	served.wants(t, "opened", "state pending")
	left := page.wait(t, request{server: s.url, payment: "left", ticket: s.register(t, "left")})
	left.wants(t, "opened", "state pending")

	began := time.Now()
	s.signal(t, syscall.SIGTERM)
	s.awaitStatus(t, "/readyz", http.StatusServiceUnavailable)
	s.awaitStatus(t, "/healthz", http.StatusOK)
	s.tells(t, "served", relay.Paid, "129.00")
	served.wants(t, "event paid 129.00", "end done")
	late := page.wait(t, request{server: s.url, payment: "late", ticket: s.register(t, "late")})
	late.wants(t, "opened", "state pending")
	if spent := time.Since(began); spent > delay {
		t.Fatalf("all this took %s; it must happen within shutdown.delay, %s", spent, delay)
	}

	left.wants(t, "end closing")
	late.wants(t, "end closing")
	if after := left.last.at.Sub(began); after < delay {
		t.Errorf("the streams end %s after SIGTERM, want shutdown.delay, %s", after, delay)
	}
	s.awaitExit(t)
	if took := time.Since(began); took > delay+drain {
		t.Errorf("the process took %s to exit, want at most %s", took, delay+drain)
	}
	if s.err != nil {
		t.Errorf("the process: %v, want exit code 0", s.err)
	}
	if _, err := web.Get(s.url + "/healthz"); err == nil {
		t.Error("somebody listens still")
	}
}

// TestSecondSIGTERM: who asks twice does not want to wait.
func TestSecondSIGTERM(t *testing.T) {
	t.Parallel()
	s := start(t, defaults().with("shutdown", settings{"delay": "1h"}))
	s.kill = true
	s.signal(t, syscall.SIGTERM)
	s.awaitStatus(t, "/readyz", http.StatusServiceUnavailable)
	s.signal(t, syscall.SIGTERM)
	s.awaitExit(t)
}

// TestReload: SIGHUP reads the configuration again. A source's secret is rotated and nobody who waits is dropped.
func TestReload(t *testing.T) {
	t.Parallel()
	const rotated = "whsec_cm90YXRlZC1pbnRlZ3JhdGlvbi1zZWNyZXQtMDEyMzQ1"
	s := start(t, defaults())
	s.secret(rotated[6:])
	w := page.wait(t, request{server: s.url, payment: "rotation", ticket: s.register(t, "rotation")})
	w.wants(t, "opened", "state pending")
	pending, paid := notice("rotation", relay.Pending, "129.00"), notice("rotation", relay.Paid, "129.00")
	s.posts(t, "erp", erp(t, rotated), paid, http.StatusUnauthorized)

	next := defaults().with("sources", sources(rotated, erpSecret))
	next.write(t, s.path)
	s.signal(t, syscall.SIGHUP)
	if e := s.log.await(t, "configuration reloaded", 0); !strings.Contains(e.text("changed"), "erp") {
		t.Errorf("the log says that %q changed, want the source", e.text("changed"))
	}
	s.posts(t, "erp", erp(t, erpSecret), pending, http.StatusOK)
	w.wants(t, "event pending 129.00")

	defaults().with("sources", sources(rotated)).write(t, s.path)
	s.signal(t, syscall.SIGHUP)
	s.log.await(t, "configuration reloaded", 1)
	s.posts(t, "erp", erp(t, erpSecret), paid, http.StatusUnauthorized)
	s.posts(t, "erp", erp(t, rotated), paid, http.StatusOK)
	w.wants(t, "event paid 129.00")
	w.ends(t, "done")
}

// TestReloadKeys: API keys and ticket secrets change, for requests from then on. A wait that a ticket opened goes on.
func TestReloadKeys(t *testing.T) {
	t.Parallel()
	const otherKey, otherSecret = "integration-api-key-of-the-next-month", "integration-ticket-secret-of-the-next-month"
	s := start(t, defaults())
	s.secret(otherKey)
	s.secret(otherSecret)
	old := s.register(t, "keys")
	w := page.wait(t, request{server: s.url, payment: "keys", ticket: old})
	w.wants(t, "opened", "state pending")

	defaults().with("api_keys", []string{otherKey}).with("tickets", settings{"secret": otherSecret}).write(t, s.path)
	s.signal(t, syscall.SIGHUP)
	s.log.await(t, "configuration reloaded", 0)
	if status, body := s.call(t, http.MethodGet, paymentURL(s.url, "keys", ""), ""); status != http.StatusUnauthorized {
		t.Errorf("the old API key: %d %s, want 401", status, body)
	}
	page.wait(t, request{server: s.url, payment: "keys", ticket: old}).refused(t, http.StatusUnauthorized)
	fresh := s.sign(t, otherSecret, "keys", time.Now().Add(time.Hour), time.Now())
	page.wait(t, request{server: s.url, payment: "keys", ticket: fresh}).wants(t, "opened", "state pending")
	s.tells(t, "keys", relay.Paid, "129.00")
	w.wants(t, "event paid 129.00", "end done")
}

// TestReloadInvalid: a file that is wrong in one place changes nothing anywhere, and is logged without its values. What
// needs a restart is named.
func TestReloadInvalid(t *testing.T) {
	t.Parallel()
	const wrong = "whsec_bm90LWFjdGl2ZS1hcy10aGUtZmlsZS1pcy13cm9uZyE="
	s := start(t, defaults())
	s.secret(wrong[6:])
	for i, s2 := range []settings{
		defaults().with("sources", sources(wrong)).with("colour", "blue"),
		defaults().with("sources", sources(wrong)).with("tickets", settings{"secret": "short"}),
		defaults().with("sources", settings{"erp": settings{"provider": "standard-webhooks", "secrets": []string{wrong}}, "card": settings{"provider": "stripe"}}),
	} {
		s2.write(t, s.path)
		s.signal(t, syscall.SIGHUP)
		if e := s.log.await(t, "configuration not reloaded, nothing changed", i); e.text("error") == "" || e.text("level") != "ERROR" {
			t.Errorf("the log says %v, want an error", e)
		}
	}
	if err := os.WriteFile(s.path, []byte("listen: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	s.signal(t, syscall.SIGHUP)
	s.log.await(t, "configuration not reloaded, nothing changed", 3)
	s.posts(t, "erp", erp(t, wrong), notice("invalid", relay.Paid, "129.00"), http.StatusUnauthorized)
	s.posts(t, "erp", erp(t, erpSecret), notice("invalid", relay.Paid, "129.00"), http.StatusOK)

	defaults().with("listen", freeAddress(t)).with("retention", "80h").write(t, s.path)
	s.signal(t, syscall.SIGHUP)
	named := s.log.await(t, "some changes need a restart", 0).text("settings")
	if !strings.Contains(named, "listen") || !strings.Contains(named, "retention") {
		t.Errorf("%q is named as needing a restart, want listen and retention", named)
	}
	s.awaitStatus(t, "/readyz", http.StatusOK)
}

// TestEarlySIGHUP: SIGHUP kills a process that does not ask for it. One that comes while the server starts must not.
func TestEarlySIGHUP(t *testing.T) {
	t.Parallel()
	s, proceed := startSlowly(t)
	s.signal(t, syscall.SIGHUP)
	proceed()
	s.awaitReady(t)
	s.log.await(t, "configuration reloaded", 0)
}

// TestEarlySIGTERM: a platform may change its mind while the server starts. That is no error, and the server drains.
func TestEarlySIGTERM(t *testing.T) {
	t.Parallel()
	s, proceed := startSlowly(t)
	s.signal(t, syscall.SIGTERM)
	proceed()
	s.awaitExit(t)
	if s.err != nil {
		t.Errorf("the process: %v, want exit code 0", s.err)
	}
}

// startSlowly launches a server that stands still amid its start until proceed is called: it reads its key set from a
// pipe, once to validate it and once to use it, and says in between that its retention is short.
func startSlowly(t *testing.T) (s *server, proceed func()) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "jwks.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	jwks := fmt.Appendf(nil, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	s = launch(t, defaults().with("retention", "48h").
		with("tickets", settings{"secret": ticketSecret, "jwks_file": pipe}))
	feed := func(meanwhile func()) {
		t.Helper()
		var in *os.File
		var err error
		eventually(t, func() bool {
			in, err = os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0) // fails until there is a reader
			return err == nil
		}, func() string { return "the server reads its key set: " + err.Error() })
		defer in.Close()
		meanwhile()
		if _, err := in.Write(jwks); err != nil {
			t.Fatal(err)
		}
	}
	feed(func() {})
	s.log.await(t, "configuration", 0)
	return s, func() {
		t.Helper()
		feed(func() { // what is read from then on is a file
			if err := os.WriteFile(pipe+".next", jwks, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(pipe+".next", pipe); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRefusedStart: what keeps the server from starting is said in one line, with exit code 1.
func TestRefusedStart(t *testing.T) {
	t.Parallel()
	running := start(t, defaults())
	for name, c := range map[string]struct {
		settings settings
		want     string
	}{
		"no ticket key":   {defaults().with("tickets", settings{}), "tickets.secret"},
		"no API key":      {defaults().with("api_keys", []string{}), "api_keys"},
		"address in use":  {defaults().with("listen", strings.TrimPrefix(running.url, "http://")), "address already in use"},
		"source not made": {defaults().with("sources", settings{"card": settings{"provider": "stripe"}}), "secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/tillbell.yaml"
			c.settings.with("log", settings{"level": "error"}).write(t, path)
			cmd := exec.CommandContext(t.Context(), binary, "serve", "-c", path)
			cmd.Env = environment()
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%v, want exit code 1", err)
			}
			text := string(out)
			if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "tillbell: ") || !strings.Contains(text, c.want) {
				t.Errorf("it says\n%swant one line that names %q", text, c.want)
			}
		})
	}
}
