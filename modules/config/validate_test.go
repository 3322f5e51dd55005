package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules/config"
)

func TestValidate(t *testing.T) {
	const host = "must be http:// or https:// and a host, without user, path, query and fragment"
	const origin = "must be * or scheme://host[:port] without a path or a slash at its end"
	const heartbeat = "must be from 1s to 5m; 20s is usual, since proxies cut what is silent for 30s or more"
	const provider = "sources: {%: {provider: stripe}}"
	const name = "a source's name must be 1 to 63 of a-z, 0-9 and -, and not start with -"
	for _, test := range []struct{ yaml, want string }{
		{"listen: ''", `listen: must be host:port, such as :8080 or 127.0.0.1:8080`},
		{"listen: localhost", `listen: must be host:port, such as :8080 or 127.0.0.1:8080`},
		{"listen: ':65536'", `listen: must be host:port, such as :8080 or 127.0.0.1:8080`},
		{"listen: '[::1]:0'", ""},
		{"admin: '9090'", `admin: must be host:port, such as 127.0.0.1:9090, or "" to turn it off`},
		{"admin: ''", ""},
		{"admin: ':8080'", "admin: must be another address than listen"},
		{"public_url: https://pay.example", ""},
		{"public_url: https://pay.example:8443/", ""},
		{"public_url: pay.example", "public_url: " + host},
		{"public_url: ftp://pay.example", "public_url: " + host},
		{"public_url: https://pay.example/a", "public_url: " + host},
		{"public_url: https://pay.example//", "public_url: " + host},
		{"public_url: https://u@pay.example", "public_url: " + host},
		{"public_url: https://pay.example?", "public_url: " + host},
		{"public_url: https://pay.example#x", "public_url: " + host},
		{"public_url: 'https://:80'", "public_url: " + host},
		{"public_url: 'https://a:99999'", "public_url: " + host},
		{"retention: 0s", "retention: must be longer than 0"},
		{"retention: -1h", "retention: must be longer than 0"},
		{"await: {ttl: 0s}", "await.ttl: must be longer than 0"},
		{"await: {max_ttl: 1m}", "await.ttl: must not be longer than await.max_ttl"},
		{"await: {ttl: 24h}", ""},
		{"await: {heartbeat: 1s}", ""},
		{"await: {heartbeat: 5m}", ""},
		{"await: {heartbeat: 999ms}", "await.heartbeat: " + heartbeat},
		{"await: {heartbeat: 5m1s}", "await.heartbeat: " + heartbeat},
		{"await: {heartbeat: 0s}", "await.heartbeat: " + heartbeat},
		{"await: {heartbeat: -20s}", "await.heartbeat: " + heartbeat},
		{"limits: {waiters: -1}", "limits.waiters: must not be negative"},
		{"limits: {waiters_per_address: -1}", "limits.waiters_per_address: must not be negative"},
		{"limits: {waiters_per_payment: -1}", "limits.waiters_per_payment: must not be negative"},
		{"limits: {callback_body: 0}", "limits.callback_body: must be at least 1 byte; 1MiB is usual"},
		{"shutdown: {delay: -1s}", "shutdown.delay: must not be negative"},
		{"shutdown: {drain: -1s}", "shutdown.drain: must not be negative"},
		{"cors: {origins: ['*', 'https://a.example', 'http://localhost:3000', 'capacitor://localhost']}", ""},
		{"cors: {origins: [https://a.example, https://b.example/]}", "cors.origins[1]: " + origin},
		{"cors: {origins: [a.example]}", "cors.origins[0]: " + origin},
		{"cors: {origins: ['null']}", "cors.origins[0]: " + origin},
		{"cors: {origins: ['https://a.example#']}", "cors.origins[0]: " + origin},
		{"cors: {origins: ['https://A.example']}", "cors.origins[0]: must be in lower case, as browsers send it"},
		{"cors: {origins: ['https://a.example:443']}", "cors.origins[0]: must leave out the scheme's own port, as browsers do"},
		{"tls: {cert: a.pem}", "tls.key: is missing; tls.cert is set"},
		{"tls: {key: a.pem}", "tls.cert: is missing; tls.key is set"},
		{"tls: {cert: gone, key: bad.pem}", "tls.cert: cannot read gone: no such file or directory"},
		{"tls: {cert: bad.pem, key: bad.pem}", "tls: cert and key must be PEM files that belong together"},
		{"tls: {cert: cert.pem, key: key.pem}", ""},
		{"trusted_proxies: [10.0.0.1, 10.0.0.0/8, '::1', 'fd00::/8']", ""},
		{"trusted_proxies: [10.0.0.1, proxy]", "trusted_proxies[1]: must be an IP address or a prefix such as 10.0.0.0/8"},
		{"trusted_proxies: ['fe80::1%eth0']", "trusted_proxies[0]: must be an IP address or a prefix such as 10.0.0.0/8"},
		{"log: {level: loud}", "log.level: must be debug, info, warn or error"},
		{"log: {format: xml}", "log.format: must be text or json"},
		{"tickets: {secret: short}", "tickets.secret: must be at least 32 bytes; make one with: openssl rand -base64 32"},
		{"tickets: {secrets: [short]}", "tickets.secrets[0]: must be at least 32 bytes; make one with: openssl rand -base64 32"},
		{"tickets: {public_keys: [file:cert.pem]}", ""},
		{"tickets: {public_keys: [file:key.pem]}", "tickets.public_keys[0]: must be a public key in PEM form (-----BEGIN PUBLIC KEY-----), or file: and its path"},
		{"tickets: {public_keys: [x]}", "tickets.public_keys[0]: must be a public key in PEM form (-----BEGIN PUBLIC KEY-----), or file: and its path"},
		{"tickets: {jwks_file: gone}", "tickets.jwks_file: cannot read gone: no such file or directory"},
		{"api_keys: ['']", "api_keys[0]: is empty"},
		{"api_keys: ['a b']", "api_keys[0]: must be printable ASCII without spaces, since it travels in a header"},
		{strings.Replace(provider, "%", "a-1", 1), ""},
		{strings.Replace(provider, "%", strings.Repeat("a", 63), 1), ""},
		{strings.Replace(provider, "%", strings.Repeat("a", 64), 1), "sources." + strings.Repeat("a", 64) + ": " + name},
		{strings.Replace(provider, "%", "-a", 1), "sources[…]: " + name},
		{strings.Replace(provider, "%", "Shop", 1), "sources.Shop: " + name},
		{strings.Replace(provider, "%", "merchant", 1), "sources.merchant: this name is reserved for what the merchant publishes; choose another"},
		{"sources: {s: {}}", "sources.s.provider: is missing; one of stripe, wechatpay-v3"},
		{"sources: {s: }", "sources.s.provider: is missing; one of stripe, wechatpay-v3"},
		{"sources: {s: {provider: strip}}", "sources.s.provider: unknown provider; did you mean stripe?"},
		{"sources: {s: {provider: x, key: y}}", "sources.s.provider: unknown provider; allowed: stripe, wechatpay-v3"},
		{"sources: {s: {provider: stripe, registration: maybe}}", "sources.s.registration: must be optional or required"},
	} {
		t.Run(test.yaml, func(t *testing.T) {
			cert, key := pair(t)
			c := inputs{yaml: test.yaml, files: map[string]string{"cert.pem": cert, "key.pem": key, "bad.pem": "x"}}.must(t)
			got := ""
			if err := c.Validate(); err != nil {
				got = err.Error()[strings.Index(err.Error(), "tillbell.yaml"):]
				if i := strings.Index(got, "cannot read "); i >= 0 {
					j := strings.LastIndex(got, "/")
					got = got[:i] + "cannot read " + got[j+1:]
				}
				got = strings.TrimPrefix(got, "tillbell.yaml:1: ")
			}
			equal(t, "error", got, test.want)
		})
	}
}

// A value from elsewhere is placed there, and a default nowhere.
func TestValidatePlaces(t *testing.T) {
	c := inputs{
		yaml:  lines("", "", "log: {level: x}", "retention: 0s"),
		env:   map[string]string{"TILLBELL_LOG_FORMAT": "x"},
		flags: map[string]string{"listen": "x"},
	}.must(t)
	got := c.Validate().Error()
	got = strings.ReplaceAll(got, got[:strings.Index(got, "tillbell.yaml")], "")
	equal(t, "errors", got, lines(
		"tillbell.yaml:3: log.level: must be debug, info, warn or error",
		"tillbell.yaml:4: retention: must be longer than 0",
		"flag: listen: must be host:port, such as :8080 or 127.0.0.1:8080",
		"TILLBELL_LOG_FORMAT: log.format: must be text or json"))
	d := config.Default()
	d.Engine = "x"
	equal(t, "by hand", d.Validate().Error(), "engine: unknown engine; it is memory, disk:PATH, nats://HOST:4222[,HOST:4222][?replicas=3] or nats-embedded")
}

func TestAnyProviderWithoutSchema(t *testing.T) {
	c := inputs{yaml: "sources: {s: {provider: any, x: y}, t: {}}", blind: true}.must(t)
	err := c.Validate()
	if err == nil || !strings.HasSuffix(err.Error(), "tillbell.yaml:1: sources.t.provider: is missing") || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("got %v", err)
	}
}

func TestPublicURLLosesItsSlash(t *testing.T) {
	equal(t, "url", inputs{yaml: "public_url: https://pay.example/"}.must(t).PublicURL, "https://pay.example")
}

func TestValidateServe(t *testing.T) {
	d := config.Default()
	equal(t, "default", d.ValidateServe().Error(), lines(
		"tickets.secret: is missing; set it, or TILLBELL_TICKETS_SECRET, to a key made with: openssl rand -base64 32",
		"api_keys: is missing; set it, or TILLBELL_API_KEYS, to a key made with: openssl rand -base64 32"))
	d.Log.Level = "x"
	d.Tickets.Secrets = []string{strings.Repeat("s", 32)}
	d.APIKeys = []string{strings.Repeat("k", 15), strings.Repeat("k", 16)}
	equal(t, "short", d.ValidateServe().Error(), lines(
		"log.level: must be debug, info, warn or error",
		"api_keys[0]: must be at least 16 bytes; make one with: openssl rand -base64 32"))
	d.Log.Level, d.APIKeys = "info", d.APIKeys[1:]
	if err := d.ValidateServe(); err != nil {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	d := config.Default()
	equal(t, "default", strings.Join(d.Warnings(), "\n"), "sources: there are none, every callback is answered 404")
	d.Sources = map[string]config.Source{"erp": config.NewSource("erp", nil)}
	equal(t, "with a source", len(d.Warnings()), 0)
	d.Await.Heartbeat = 30 * time.Second
	equal(t, "with a heartbeat of 30s", len(d.Warnings()), 0)
	d.Retention, d.Await.MaxTTL, d.Await.Heartbeat = 71*time.Hour, 100*time.Hour, 31*time.Second
	d.APIKeys = []string{strings.Repeat("k", 32), strings.Repeat("k", 31)}
	equal(t, "warnings", strings.Join(d.Warnings(), "\n"), lines(
		"retention: is shorter than await.max_ttl, so a waiter may outlive the outcome it waits for; raise it to 100h",
		"retention: is shorter than 72h, for which most providers retry, so a late repeat counts as a first; raise it to 72h",
		"await.heartbeat: is longer than 30s, after which proxies cut what is silent; Tillbell's own clients start over after 60s of silence",
		"api_keys[1]: is shorter than 32 bytes; make one with: openssl rand -base64 32"))
}

// pair returns a self-signed certificate and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
