package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// proxies are those of docs/proxies.md that run here.
var proxies = []struct {
	name, language  string // of the program, and of its block
	listens, listen string // where the block listens, and what stands there instead on this machine
	run             func(t *testing.T, block, dir string) *exec.Cmd
}{
	{"nginx", "nginx", "listen 80;", "listen %s;", runNginx},
	{"haproxy", "haproxy", "bind :80\n", "bind %s\n", runHaproxy},
	{"caddy", "caddyfile", "pay.shop.example {", "http://%s {", runCaddy},
}

// TestDocumentedProxies runs the blocks of docs/proxies.md in front of Tillbell. A heartbeat is 1 s instead of 20 s and
// the documented timeouts are shortened alike, so that a stream outlives them by its heartbeats alone.
func TestDocumentedProxies(t *testing.T) {
	text, err := os.ReadFile("../docs/proxies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := codeBlocks(string(text))
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			need(t, p.name)
			srv := start(t, defaults().with("await", settings{"heartbeat": "1s"}))
			address := freeAddress(t)
			block := onlyBlock(t, blocks, p.language)
			block = change(t, block, p.listens, fmt.Sprintf(p.listen, address))
			block = change(t, block, "127.0.0.1:8080", strings.TrimPrefix(srv.url, "http://"))
			block = strings.ReplaceAll(block, "60s", "3s")

			log := new(output)
			runUntilEnd(t, p.run(t, block, t.TempDir()), log)
			eventually(t, func() bool {
				resp, err := web.Get("http://" + address + "/readyz")
				if err != nil {
					return false
				}
				resp.Body.Close()
				return resp.StatusCode == 200
			}, func() string { return p.name + " answers; it says\n" + log.String() })
			flows(t, srv, "http://"+address)
		})
	}
}

// flows waits for payments through a proxy, over a stream and a WebSocket, until heartbeats have kept them for longer than
// the proxy's timeouts are, and has them told.
func flows(t *testing.T, srv *server, proxy string) {
	t.Helper()
	for _, c := range []client{
		{name: "go-sse", kind: eventSource, need: needNothing, open: goSSE},
		{name: "gorilla websocket", kind: webSocket, need: needNothing, open: gorillaWebSocket},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			payment := "order " + c.name
			w := c.wait(t, request{server: proxy, payment: payment, ticket: srv.register(t, payment)})
			w.wants(t, "opened", "state pending")
			pings(t, w, 5)
			srv.tells(t, payment, relay.Paid, "129.00")
			w.wants(t, "event paid 129.00")
			w.ends(t, "done")
		})
	}
}

// pings waits for that many heartbeats, and nothing else.
func pings(t *testing.T, w *wait, n int) {
	t.Helper()
	for i := range n {
		select {
		case f, ok := <-w.frames:
			if !ok || f.said != "ping" {
				t.Fatalf("after %d heartbeats the client saw %q, want another one", i, f.said)
			}
		case <-time.After(patience):
			t.Fatalf("after %d heartbeats nothing for %s", i, patience)
		}
	}
}

func runNginx(t *testing.T, block, dir string) *exec.Cmd {
	t.Helper()
	conf := fmt.Sprintf("daemon off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/1; proxy_temp_path %[1]s/2; fastcgi_temp_path %[1]s/3; uwsgi_temp_path %[1]s/4; scgi_temp_path %[1]s/5;\n"+
		"%[2]s}\n", dir, block)
	return exec.Command("nginx", "-c", writeConf(t, dir, "nginx.conf", conf), "-p", dir)
}

func runHaproxy(t *testing.T, block, dir string) *exec.Cmd {
	t.Helper()
	return exec.Command("haproxy", "-db", "-f", writeConf(t, dir, "haproxy.cfg", block))
}

func runCaddy(t *testing.T, block, dir string) *exec.Cmd {
	t.Helper()
	conf := writeConf(t, dir, "Caddyfile", "{\n\tadmin off\n}\n"+block)
	cmd := exec.Command("caddy", "run", "--config", conf, "--adapter", "caddyfile")
	cmd.Env = append(environment(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd
}

func writeConf(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
