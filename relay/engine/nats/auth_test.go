package nats_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// accepted opens an engine and appends with it.
func accepted(t *testing.T, url string) {
	t.Helper()
	var log bytes.Buffer
	e, err := nats.New(t.Context(), nats.Options{URL: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if _, stored, err := e.Append(t.Context(), relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid}); err != nil || !stored {
		t.Errorf("Append: stored %v, error %v", stored, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if log.Len() > 0 {
		t.Errorf("it logs %s", log.String())
	}
}

// file writes a file and returns its path.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPassword(t *testing.T) {
	const word = "p@ss:/?,%word"
	c := natstest.Start(t, 1, func(o *server.Options) { o.Username, o.Password = "tillbell", word })
	accepted(t, "nats://tillbell:p%40ss%3A%2F%3F%2C%25word@"+c.Hosts(0))
	refused(t, nats.Options{URL: "nats://tillbell:" + secret + "@" + c.Hosts(0)}, "refuses who calls")
}

func TestToken(t *testing.T) {
	c := natstest.Start(t, 1, func(o *server.Options) { o.Authorization = secret })
	accepted(t, "nats://"+secret+"@"+c.Hosts(0))
	refused(t, nats.Options{URL: "nats://" + secret + "1@" + c.Hosts(0)}, "refuses who calls")
}

func TestNKey(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := user.Seed()
	public, _ := user.PublicKey()
	c := natstest.Start(t, 1, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	accepted(t, "nats://"+c.Hosts(0)+"?nkey="+file(t, "user.nk", seed))

	other, _ := nkeys.CreateUser()
	seed, _ = other.Seed()
	refused(t, nats.Options{URL: "nats://" + c.Hosts(0) + "?nkey=" + file(t, "other.nk", seed)}, "refuses who calls")
	refused(t, nats.Options{URL: "nats://" + c.Hosts(0) + "?nkey=" + file(t, "bad.nk", []byte(secret))}, "does not hold a user's nkey seed")
}

func TestCredentials(t *testing.T) {
	operator, _ := nkeys.CreateOperator()
	operatorKey, _ := operator.PublicKey()
	account, _ := nkeys.CreateAccount()
	accountKey, _ := account.PublicKey()
	system, _ := nkeys.CreateAccount()
	systemKey, _ := system.PublicKey()
	user, _ := nkeys.CreateUser()
	userKey, _ := user.PublicKey()
	userSeed, _ := user.Seed()

	claims := jwt.NewAccountClaims(accountKey)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: jwt.NoLimit, MemoryStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	accountJWT, err := claims.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	systemJWT, _ := jwt.NewAccountClaims(systemKey).Encode(operator)
	userJWT, err := jwt.NewUserClaims(userKey).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userJWT, userSeed)
	if err != nil {
		t.Fatal(err)
	}
	c := natstest.Start(t, 1, func(o *server.Options) {
		o.TrustedKeys = []string{operatorKey}
		o.SystemAccount = systemKey
		resolver := &server.MemAccResolver{}
		_ = resolver.Store(accountKey, accountJWT)
		_ = resolver.Store(systemKey, systemJWT)
		o.AccountResolver = resolver
	})
	accepted(t, "nats://"+c.Hosts(0)+"?creds="+file(t, "user.creds", creds))
	refused(t, nats.Options{URL: "nats://" + c.Hosts(0)}, "refuses who calls")
	refused(t, nats.Options{URL: "nats://" + c.Hosts(0) + "?creds=" + file(t, "bad.creds", []byte(secret))}, "none of", "creds")
}

func TestTLS(t *testing.T) {
	ca, caKey := certificate(t, nil, nil)
	cert, key := certificate(t, ca, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	c := natstest.Start(t, 1, func(o *server.Options) {
		o.TLS, o.TLSTimeout = true, 5
		o.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
			Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		}
	})
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	caFile := file(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
	files := "&tls_cert=" + file(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})) +
		"&tls_key=" + file(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	accepted(t, "tls://"+c.Hosts(0)+"?tls_ca="+caFile+files)
	refused(t, nats.Options{URL: "tls://" + c.Hosts(0) + "?" + files[1:]}, "is not trusted", "tls_ca=")
	refused(t, nats.Options{URL: "tls://" + c.Hosts(0) + "?tls_ca=" + caFile}, "tls")
	refused(t, nats.Options{URL: "tls://" + c.Hosts(0) + "?tls_ca=" + file(t, "bad.pem", []byte(secret))}, "none of", "root certificate")
	plain := natstest.Start(t, 1)
	refused(t, nats.Options{URL: "tls://" + plain.Hosts(0)}, "does not speak TLS", "nats://")
}

// certificate makes one for 127.0.0.1, signed by a CA, or a CA's own.
func certificate(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "tillbell test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		ca, caKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// TestNoSecretIsLogged loses and regains a connection that has a password, and one that is refused later.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1, func(o *server.Options) { o.Username, o.Password = "tillbell", secret })
	lines := make(lines, 100)
	e, err := nats.New(t.Context(), nats.Options{URL: "nats://tillbell:" + secret + "@" + c.Hosts(0), Log: slog.New(slog.NewTextHandler(lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c.Stop(0)
	lines.wait(t, "connection lost", c.Host(0))
	if _, err := e.Head(t.Context()); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("Head without a connection: %v", err)
	}
	c.Start(0)
	lines.wait(t, "connected again", c.Host(0))
	if _, err := e.Head(t.Context()); err != nil {
		t.Errorf("Head after the reconnect: %v", err)
	}
}

// lines is a log that a test waits for lines of.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// wait returns when a line with all the words was logged. No line may have the secret.
func (l lines) wait(t *testing.T, words ...string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line := <-l:
			if strings.Contains(line, secret) {
				t.Errorf("a secret is logged: %s", line)
			}
			found := true
			for _, w := range words {
				found = found && strings.Contains(line, w)
			}
			if found {
				return
			}
		case <-deadline:
			t.Fatalf("no line with %q is logged", words)
		}
	}
}
