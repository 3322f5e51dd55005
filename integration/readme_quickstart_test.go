package integration_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestQuickStart follows the README: it saves the blocks as files, runs the commands, and watches the page become
// "paid". Only the two addresses are others, because the README's ports may be taken.
func TestQuickStart(t *testing.T) {
	readme := readPage(t, readmeEnglish)
	_, section, found := strings.Cut(readme, "\n## Quick start\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := codeBlocks(section)
	if !found || len(blocks) != 4 || blocks[0].language != "sh" || blocks[3].language != "sh" {
		t.Fatalf("the quick start has not its four blocks: %q", blocks)
	}
	tillbell, shopAt := freeAddress(t), freeAddress(t)
	moved := func(text string) string {
		return strings.NewReplacer("127.0.0.1:8080", tillbell, "127.0.0.1:3000", shopAt).Replace(text)
	}
	conf := moved(readPage(t, "transport/client/examples/tillbell.yaml"))
	here := func(command string) string {
		return change(t, command, "transport/client/examples/tillbell.yaml", writeConf(t, t.TempDir(), "tillbell.yaml", conf))
	}

	page := openTab(t)
	shell(t, "..", here(blocks[0].text))
	answers(t, "http://"+tillbell+"/readyz")
	folder := t.TempDir()
	writeConf(t, folder, "shop.go", moved(onlyBlock(t, blocks, "go")))
	writeConf(t, folder, "checkout.html", moved(onlyBlock(t, blocks, "html")))
	change(t, section, "`go run shop.go`", "")
	shell(t, folder, "go run shop.go")
	answers(t, "http://"+shopAt)

	page.visit(t, "http://"+shopAt)
	page.shows(t, "Waiting for your payment…")
	send := exec.CommandContext(t.Context(), "sh", "-c", here(blocks[3].text))
	send.Dir, send.Env = "..", environment()
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", blocks[3].text, err, out)
	}
	page.shows(t, "paid")
}

// shell runs a command of the README in a folder until the test is over.
func shell(t *testing.T, folder, command string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = folder, environment()
	runUntilEnd(t, cmd, new(output))
}

// compileTime is how long the go command may take for the whole program on a machine that has compiled nothing of it.
const compileTime = 5 * time.Minute

// answers waits until a program answers at the address, which has to be compiled first.
func answers(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	over := time.After(compileTime)
	for {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%s does not answer within %s", address, compileTime)
		}
		resp, err := web.Get(address)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

// TestExampleConfigurations holds that each configuration in the documentation is one that Tillbell takes. What the adapters
// say of themselves is held by callbacktest.About.
func TestExampleConfigurations(t *testing.T) {
	key := somePublicKey(t)
	for _, page := range docPages(t) {
		for _, block := range codeBlocks(withoutProviders(readPage(t, page))) {
			if block.language != "yaml" {
				continue
			}
			dir := t.TempDir()
			text := strings.NewReplacer("file:/run/secrets/wechat_v3", "0123456789abcdef0123456789abcdef",
				"file:/etc/tillbell/wechat_pub.pem", "file:"+filepath.Join(dir, "public.pem"),
				"file:/etc/tillbell/alipay_pub.pem", "file:"+filepath.Join(dir, "public.pem"),
				"/var/lib/tillbell", dir).Replace(block.text)
			if !strings.Contains(text, "api_keys:") { // a part of one
				text += "api_keys: [" + apiKey + "]\ntickets: {secret: " + ticketSecret + "}\n"
			}
			writeConf(t, dir, "public.pem", key)
			cmd := exec.CommandContext(t.Context(), binary, "check", "-c", writeConf(t, dir, "tillbell.yaml", text))
			cmd.Env = append(environment(), "NODE=1", "TILLBELL_API_KEY="+apiKey, "TILLBELL_TICKETS_SECRET="+ticketSecret,
				"STRIPE_WEBHOOK_SECRET="+cardSecret, "ERP_WEBHOOK_SECRET="+erpSecret)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: a configuration is refused: %v\n%s\n%s", page, err, out, block.text)
			}
		}
	}
}

// TestTicketSnippet mints a ticket with the documentation's code, which must open the wait for its payment alone.
func TestTicketSnippet(t *testing.T) {
	node := need(t, "node")
	code := onlyBlock(t, codeBlocks(readPage(t, "docs/http.md")), "js")
	srv := start(t, defaults())
	for _, payment := range []string{"order-1001", "订单/1"} {
		code := code + fmt.Sprintf("\nconsole.log(ticket(%q, %q))\n", payment, ticketSecret)
		out, err := exec.CommandContext(t.Context(), node, writeConf(t, t.TempDir(), "ticket.mjs", code)).Output()
		if err != nil {
			t.Fatalf("node: %v", err)
		}
		ticket := strings.TrimSpace(string(out))
		srv.secret(ticket)
		for target, want := range map[string]int{payment: http.StatusOK, "order-1002": http.StatusUnauthorized} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, paymentURL(srv.url, target, ""), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+ticket)
			if status, body := do(t, req); status != want {
				t.Errorf("with a ticket for %s the state of %s is answered %d %s, want %d", payment, target, status, body, want)
			}
		}
	}
}

// somePublicKey returns an RSA key as PEM.
func somePublicKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
