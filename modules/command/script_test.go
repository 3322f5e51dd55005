package command

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tillbell": func() { os.Exit(Main()) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"running": running, "request": request, "sign": sign, "occupy": occupy, "serving": serving,
			"free-port": freePort, "rsa-key": rsaKey, "nats-server": natsServer, "nats-stream": natsStream,
		},
	})
}

// running waits until the dev that the script started in the background answers, and sets $URL and $KEY. With the
// argument "another" it waits for one that is not at $URL.
func running(ts *testscript.TestScript, _ bool, args []string) {
	dir, not := filepath.Join(ts.Getenv("XDG_RUNTIME_DIR"), "tillbell"), ""
	if len(args) > 0 {
		not = ts.Getenv("URL")
	}
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		for _, path := range statePaths(dir) {
			if s, err := readState(path); err == nil && s.URL != not && s.answers(context.Background()) {
				ts.Setenv("URL", s.URL)
				ts.Setenv("KEY", s.APIKey)
				return
			}
		}
		select {
		case <-every.C:
		case <-deadline.C:
			ts.Fatalf("dev did not answer within 20 s")
		}
	}
}

// request asks the server at $URL, with $KEY as the API key unless it is empty, and leaves the status and the body in the file answer.
func request(ts *testscript.TestScript, _ bool, args []string) {
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	req, err := http.NewRequest(args[0], ts.Getenv("URL")+args[1], strings.NewReader(body))
	ts.Check(err)
	if key := ts.Getenv("KEY"); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), fmt.Appendf(nil, "%d %s\n", resp.StatusCode, text), 0o600))
}

// sign writes a captured Standard Webhooks callback, signed at the Unix time with the key of verify's configuration.
func sign(ts *testscript.TestScript, _ bool, args []string) {
	const body = `{"type":"payment.paid","data":{"order_id":"order-1","amount":4200,"currency":"EUR"}}`
	mac := hmac.New(sha256.New, []byte("01234567890123456789012345678901"))
	fmt.Fprintf(mac, "msg_1.%s.%s", args[0], body)
	text := fmt.Sprintf("POST /v1/callbacks/erp HTTP/1.1\r\nHost: x\r\nWebhook-Id: msg_1\r\nWebhook-Timestamp: %s\r\n"+
		"Webhook-Signature: v1,%s\r\n\r\n%s", args[0], base64.StdEncoding.EncodeToString(mac.Sum(nil)), body)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// occupy takes a port of this machine until the script ends, and sets $PORT_TAKEN.
func occupy(ts *testscript.TestScript, _ bool, _ []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
	ts.Setenv("PORT_TAKEN", strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
}

// freePort sets $FREE, or each variable that is named, to a port that nobody listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		args = []string{"FREE"}
	}
	for _, name := range args {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer ln.Close() // until all have one
		ts.Setenv(name, strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
	}
}

// rsaKey writes a private key and its public key as PEM into the two files named.
func rsaKey(ts *testscript.TestScript, _ bool, args []string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	for i, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: private}, {Type: "PUBLIC KEY", Bytes: public}} {
		ts.Check(os.WriteFile(ts.MkAbs(args[i]), pem.EncodeToMemory(block), 0o600))
	}
}

// serving waits until the server at $URL answers.
func serving(ts *testscript.TestScript, _ bool, _ []string) {
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		if resp, err := http.Get(ts.Getenv("URL") + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-every.C:
		case <-deadline.C:
			ts.Fatalf("the server did not answer within 20 s")
		}
	}
}
