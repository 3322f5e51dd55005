package config_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/modules/config"
)

func TestRedacted(t *testing.T) {
	c := inputs{
		files: map[string]string{"pub.pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "key.pem": "-----BEGIN PRIVATE KEY-----\nBBBB\n"},
		yaml: lines("api_keys: [k1, k2]", "engine: nats://user:pass@a:4222", "listen: $${x}", "await: {ttl: 90s}",
			"sources:", "  w:", "    provider: wechatpay-v3", "    mchid: 1900000001", "    api_v3_key: s", "    key_ring: {b: s, a: s}",
			"    public_keys: {k: file:pub.pem, wrong: file:key.pem}", "    statuses: {'yes': 'true', a: '1'}",
			"  s: {provider: stripe, live: true, retries: 3, tolerance: 2h, secrets: [s, s], fields: {payment: a.b}}",
			"  other: {provider: unknown, token: s}"),
	}.must(t)
	got, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "yaml", string(got), `listen: $${x}
public_url: ''
admin: 127.0.0.1:9090
engine: nats://REDACTED@a:4222
cluster:
  name: ''
  listen: ''
  peers: []
  dir: ''
  secret: ''
  tls:
    cert: ''
    key: ''
    ca: ''
retention: 72h
api_keys: [REDACTED, REDACTED]
tickets:
  secret: ''
  secrets: []
  public_keys: []
  jwks_file: ''
await:
  ttl: 1m30s
  max_ttl: 24h
  heartbeat: 20s
limits:
  waiters: 0
  waiters_per_address: 0
  waiters_per_payment: 0
  callback_body: 1MiB
cors:
  origins: []
tls:
  cert: ''
  key: ''
trusted_proxies: []
shutdown:
  delay: 0s
  drain: 10s
log:
  level: info
  format: text
sources:
  other:
    provider: unknown
    registration: optional
  s:
    provider: stripe
    registration: optional
    secrets: [REDACTED, REDACTED]
    tolerance: 2h
    fields:
      payment: a.b
    retries: 3
    live: true
  w:
    provider: wechatpay-v3
    registration: optional
    mchid: ['1900000001']
    api_v3_key: REDACTED
    public_keys:
      k: |
        -----BEGIN PUBLIC KEY-----
        AAAA
        -----END PUBLIC KEY-----
      wrong: REDACTED
    key_ring:
      a: REDACTED
      b: REDACTED
    statuses:
      a: '1'
      yes: 'true'
`)
}

// What Redacted shows is a configuration again: the same but for the secrets.
func TestRedactedLoads(t *testing.T) {
	c := inputs{yaml: lines("public_url: https://pay.example", "listen: '$${x}: #y'", "limits: {callback_body: 1000, waiters: 5}",
		"cors: {origins: ['*', 'null', 'a, b', \"x\\ny\"]}", "sources: {s: {provider: stripe, live: false, account: ['007', '~']}}")}.must(t)
	text, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	again := inputs{yaml: string(text)}.must(t)
	if reloadable, restart := config.Diff(c, again); len(reloadable)+len(restart) > 0 {
		t.Errorf("differs in %v %v:\n%s", reloadable, restart, text)
	}
}

// document returns a configuration with a marked secret in every place for one, all of them listed.
func document(mark func(int) string) (text string, env, files map[string]string, secrets []string) {
	add := func() string {
		secrets = append(secrets, mark(len(secrets)))
		return secrets[len(secrets)-1]
	}
	env = map[string]string{"SECRET": add(), "TILLBELL_SOURCES_S2_SECRETS": add()}
	files = map[string]string{"secret": add() + "\n"}
	text = fmt.Sprintf(`api_keys: ["%s", '%s', "${SECRET}"]
tickets: {secret: %s, secrets: ["%s", file:secret]}
engine: "nats://u:%s@host:1"
cluster: {name: a, secret: "%s"}
sources:
  w:
    provider: wechatpay-v3
    api_v3_key: %s
    key_ring: {k1: "%s", k2: "${SECRET}"}
  s:
    provider: stripe
    secrets:
      - %s
      - file:secret
  s2: {provider: stripe}
  s3: {provider: unknown, token: "%s"}
`, add(), add(), add(), add(), add(), add(), add(), add(), add(), add())
	return text, env, files, secrets
}

func marked(i int) string { return fmt.Sprintf("S3CR3T%02d/abcdefghijklmnopqrstuvwxyz+=", i) }

func leak(text string, secrets []string) string {
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			return secret
		}
	}
	return ""
}

func TestRedactedShowsNoSecret(t *testing.T) {
	text, env, files, secrets := document(marked)
	c := inputs{yaml: text, env: env, files: files}.must(t)
	out, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if s := leak(string(out), secrets); s != "" {
		t.Errorf("%s is shown:\n%s", s, out)
	}
	if s := leak(fmt.Sprint(c.Validate(), c.ValidateServe(), c.Warnings()), secrets); s != "" {
		t.Errorf("%s is in an error", s)
	}
}

// Whatever character is lost, doubled or mistyped, no error has a secret in it.
func TestErrorsShowNoSecret(t *testing.T) {
	text, env, files, secrets := document(marked)
	t.Chdir(t.TempDir())
	for name, content := range files {
		write(t, name, content)
	}
	random := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for range 3000 {
		broken := []byte(text)
		for range 1 + random.IntN(3) {
			i := random.IntN(len(broken))
			switch c := "{}[]:,\"'#&*!|>% \n-?"[random.IntN(19)]; random.IntN(3) {
			case 0:
				broken = append(broken[:i], broken[i+1:]...)
			case 1:
				broken[i] = c
			default:
				broken = append(broken[:i], append([]byte{c}, broken[i:]...)...)
			}
		}
		c, problems := memory(broken, env)
		if problems != "" {
			failed++
		} else {
			problems = fmt.Sprint(c.Validate(), c.ValidateServe(), c.Warnings())
		}
		if s := leak(problems, secrets); s != "" {
			t.Fatalf("%s is in an error:\n%s\nof\n%s", s, problems, broken)
		}
	}
	if failed < 500 || failed > 2900 {
		t.Errorf("%d of the documents were wrong", failed)
	}
}

// A secret instead of any other value is not repeated either.
func TestErrorsShowNoSecretInTheWrongPlace(t *testing.T) {
	secret := marked(0)
	for _, where := range []string{
		"%", "- %", "listen: %", "public_url: %", "admin: %", "engine: %", "retention: %", "api_keys: %", "tickets: %", "tickets: {secret: [%]}",
		"tickets: {%}", "tickets: {%: x}", "tickets: {secret:%}", "tickets: {public_keys: [%]}", "await: %", "await: {ttl: %}", "limits: {waiters: %}",
		"limits: {callback_body: %}", "cors: {origins: [%]}", "tls: {cert: \"%\\n\", key: x}", "trusted_proxies: [%]", "log: {level: %}", "sources: %",
		"sources: {%: {provider: stripe}}", "sources: {s: %}", "sources: {s: {provider: %}}", "sources: {s: {provider: stripe, %: x}}",
		"sources: {s: {provider: stripe, registration: %}}", "sources: {s: {provider: stripe, retries: %}}", "sources: {s: {provider: stripe, tolerance: %}}",
		"sources: {s: {provider: stripe, live: %}}", "sources: {s: {provider: stripe, account: {%: x}}}", "sources: {w: {provider: wechatpay-v3, key_ring: {%: }}}",
		"sources: {w: {provider: wechatpay-v3, public_keys: [%]}}", "api_keys: *%", "api_keys: !%", "listen: !!int %", "%", "? %", "% : %",
	} {
		c, problems := memory([]byte(strings.ReplaceAll(where, "%", secret)), nil)
		if problems == "" {
			err := c.Validate()
			if err == nil {
				t.Errorf("%s: accepted", where)
				continue
			}
			problems = err.Error()
		}
		if strings.Contains(problems, "S3CR3T") {
			t.Errorf("%s: %s", where, problems)
		}
	}
}

// memory loads from TILLBELL_CONFIG and returns the error's text.
func memory(text []byte, env map[string]string) (*config.Config, string) {
	c, err := config.Load(config.LoadOptions{Schema: schema(), Getenv: func(name string) (string, bool) {
		if name == "TILLBELL_CONFIG" {
			return string(text), true
		}
		value, ok := env[name]
		return value, ok
	}})
	if err != nil {
		return nil, err.Error()
	}
	return c, ""
}

func TestDiff(t *testing.T) {
	base := lines("api_keys: [a]", "sources:", "  s: {provider: stripe, secrets: [x]}", "  t: {provider: stripe}", "  u: {provider: unknown}", "")
	for _, test := range []struct{ name, yaml, reloadable, restart string }{
		{"same", base, "sources.u", ""},
		{"keys", strings.Replace(base, "[a]", "[a, b]", 1), "api_keys sources.u", ""},
		{"source secret", strings.Replace(base, "[x]", "[y]", 1), "sources.s sources.u", ""},
		{"source registration", strings.Replace(base, "[x]", "[x], registration: required", 1), "sources.s sources.u", ""},
		{"source gone and come", strings.Replace(base, "  t:", "  v:", 1), "sources.t sources.u sources.v", ""},
		{"reloadable", base + "tickets: {secret: a, secrets: [b], jwks_file: x}\ncors: {origins: [c]}\n",
			"tickets.secret tickets.secrets tickets.jwks_file cors.origins sources.u", ""},
		{"restart", base + "listen: x\nengine: disk:/x\ncluster: {peers: [x], tls: {ca: x}}\nawait: {ttl: 1m, heartbeat: 5s}\nlimits: {waiters: 1}\ntls: {cert: x}\ntrusted_proxies: [x]\nlog: {level: x}\n", "sources.u",
			"listen engine cluster.peers cluster.tls.ca await.ttl await.heartbeat limits.waiters tls.cert trusted_proxies log.level"},
		{"empty is none", base + "trusted_proxies: []\ncors: {origins: []}\n", "sources.u", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			reloadable, restart := config.Diff(inputs{yaml: base}.must(t), inputs{yaml: test.yaml}.must(t))
			equal(t, "reloadable", strings.Join(reloadable, " "), test.reloadable)
			equal(t, "restart", strings.Join(restart, " "), test.restart)
		})
	}
}

func FuzzLoad(f *testing.F) {
	text, env, _, _ := document(marked)
	env["TILLBELL_API_KEY"], env["TILLBELL_TICKETS_SECRET"] = "k", "s"
	f.Add([]byte(strings.ReplaceAll(text, "file:", "f:")))
	f.Add([]byte(strings.ReplaceAll(contract, "file:", "f:")))
	f.Add([]byte("cors: &a {origins: [*a]}\n--- x"))
	f.Add([]byte("sources: {s: &s {provider: stripe, account: *s, fields: *s}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, problems := memory(data, env)
		if c == nil {
			if problems == "" {
				t.Fatal("an error without text")
			}
			return
		}
		_, _ = c.Validate(), c.ValidateServe()
		out, err := c.Redacted()
		if err != nil {
			t.Fatal(err)
		}
		if again, problems := memory(out, nil); again == nil && !strings.Contains(string(data), "file:") {
			t.Fatalf("what Redacted shows does not load: %s\n%s", problems, out)
		}
	})
}
