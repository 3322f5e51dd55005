package config_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport/callback"
)

// contract is the example of DESIGN section 7, less the adapters that the test's schema leaves out.
const contract = `
listen: ":8080"
public_url: ""                   # https://pay.shop.example
admin: "127.0.0.1:9090"
engine: memory
retention: 72h
api_keys: ["${TILLBELL_API_KEY}"]
tickets: {secret: "${TILLBELL_TICKETS_SECRET}"}
await: {ttl: 15m, max_ttl: 24h, heartbeat: 20s}
limits: {waiters: 0, waiters_per_address: 0, waiters_per_payment: 0, callback_body: 1MiB}
cors: {origins: ["https://shop.example"]}
tls: {cert: "", key: ""}
trusted_proxies: []
shutdown: {delay: 0s, drain: 10s}
log: {level: info, format: text}
sources:
  wechat-main:
    provider: wechatpay-v3
    mchid: "1900000001"
    appid: ["wx1", "wx2"]
    api_v3_key: file:wechat_v3
    public_keys: {"PUB_KEY_ID_0114": file:wechat_pub.pem}
    certificates: [file:wechat_cert.pem]
    registration: required
  stripe-main: {provider: stripe, secrets: ["whsec_new", "whsec_old"], account: acct_1}
`

func contractInputs() inputs {
	return inputs{
		yaml: contract,
		env: map[string]string{
			"TILLBELL_API_KEY":        "an api key of thirty-two bytes!!",
			"TILLBELL_TICKETS_SECRET": "a ticket secret of thirty-two by",
		},
		files: map[string]string{"wechat_v3": "v3 key\n", "wechat_pub.pem": "PUB\n", "wechat_cert.pem": "CERT\n"},
	}
}

func TestContractExample(t *testing.T) {
	c := contractInputs().must(t)
	if err := c.ValidateServe(); err == nil || !strings.Contains(err.Error(), "printable") {
		t.Errorf("an API key with spaces passed: %v", err)
	}
	in := contractInputs()
	in.env["TILLBELL_API_KEY"] = strings.Repeat("k", 32)
	c = in.must(t)
	if err := c.ValidateServe(); err != nil {
		t.Errorf("ValidateServe: %v", err)
	}
	equal(t, "warnings", len(c.Warnings()), 0)
	equal(t, "secret", c.Tickets.Secret, "a ticket secret of thirty-two by")
	equal(t, "registration", c.Sources["wechat-main"].Registration, config.Required)
	equal(t, "default registration", c.Sources["stripe-main"].Registration, config.Optional)

	var w wechatOptions
	if err := c.Sources["wechat-main"].Decode(&w); err != nil {
		t.Fatal(err)
	}
	want := wechatOptions{
		Mchid: callback.List{"1900000001"}, Appid: callback.List{"wx1", "wx2"}, APIv3Key: "v3 key",
		PublicKeys: map[string]string{"PUB_KEY_ID_0114": "PUB\n"}, Certificates: []string{"CERT\n"},
	}
	if !reflect.DeepEqual(w, want) {
		t.Errorf("got %+v", w)
	}
}

func TestEmptyDocumentIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "---\n", "# nothing\n", "null\n", "await:\nlisten: ~\n"} {
		c := inputs{yaml: text}.must(t)
		d := config.Default()
		if reloadable, restart := config.Diff(c, d); len(reloadable)+len(restart) > 0 {
			t.Errorf("%q differs from the default in %v %v", text, reloadable, restart)
		}
	}
	d := config.Default()
	equal(t, "listen", d.Listen, ":8080")
	equal(t, "admin", d.Admin, "127.0.0.1:9090")
	equal(t, "await", d.Await, config.Await{TTL: 15 * time.Minute, MaxTTL: 24 * time.Hour, Heartbeat: 20 * time.Second})
	equal(t, "callback body", d.Limits.CallbackBody, 1<<20)
	equal(t, "shutdown", d.Shutdown, config.Shutdown{Drain: 10 * time.Second})
	equal(t, "log", d.Log, config.Log{Level: "info", Format: "text"})
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}

func TestStrict(t *testing.T) {
	const stripe = "sources:\n  s:\n    provider: stripe\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"unknown key", "listen: ':1'\nretentoin: 72h\n", "tillbell.yaml:2: retentoin: unknown key; did you mean retention?"},
		{"unknown nested key", "await:\n  ttl: 1m\n  zzzzzzzz: 1\n", "tillbell.yaml:3: await.zzzzzzzz: unknown key; allowed: ttl, max_ttl, heartbeat"},
		{"unknown source key", stripe + "    secretz: [x]\n", "tillbell.yaml:4: sources.s.secretz: unknown key; did you mean secrets?"},
		{"unknown nested source key", stripe + "    fields: {paymnt: x}\n", "tillbell.yaml:4: sources.s.fields.paymnt: unknown key; did you mean payment?"},
		{"duplicate key", "listen: a\nadmin: b\nlisten: c\n", "tillbell.yaml:3: listen: set twice; the first is on line 1"},
		{"duplicate source", stripe + "  s: {provider: stripe}\n", "tillbell.yaml:4: sources.s: set twice; the first is on line 2"},
		{"duplicate source key", stripe + "    provider: stripe\n", "tillbell.yaml:4: sources.s.provider: set twice; the first is on line 3"},
		{"scalar for mapping", "await: 15m\n", "tillbell.yaml:1: await: must be a mapping (key: value)"},
		{"scalar for list", "api_keys: abc\n", "tillbell.yaml:1: api_keys: must be a list ([a, b])"},
		{"list for scalar", "\nlisten: [a]\n", "tillbell.yaml:2: listen: must be a text"},
		{"mapping in list", "api_keys: [{a: b}]\n", "tillbell.yaml:1: api_keys[0]: must be a text"},
		{"null in list", "api_keys:\n  - a\n  -\n", "tillbell.yaml:3: api_keys[1]: must have a value"},
		{"mapping for List", stripe + "    account: {a: b}\n", "tillbell.yaml:4: sources.s.account: must be a text or a list of texts"},
		{"nested List", stripe + "    account: [[b]]\n", "tillbell.yaml:4: sources.s.account: must be a text or a list of texts"},
		{"bad number", "limits: {waiters: many}\n", "tillbell.yaml:1: limits.waiters: must be a whole number"},
		{"fraction", "limits: {waiters: 1.5}\n", "tillbell.yaml:1: limits.waiters: must be a whole number"},
		{"bad bool", stripe + "    live: yes\n", "tillbell.yaml:4: sources.s.live: must be true or false"},
		{"bad duration", "retention: 72\n", "tillbell.yaml:1: retention: must be a duration such as 90s, 15m or 72h"},
		{"bad source duration", stripe + "    tolerance: soon\n", "tillbell.yaml:4: sources.s.tolerance: must be a duration such as 90s, 15m or 72h"},
		{"bad size", "limits:\n  callback_body: 1 gallon\n", "tillbell.yaml:2: limits.callback_body: must be a size such as 512KiB or 1MiB"},
		{"huge size", "limits:\n  callback_body: 9999999999GiB\n", "tillbell.yaml:2: limits.callback_body: must be a size such as 512KiB or 1MiB"},
		{"two documents", "listen: a\n---\nlisten: b\n", "tillbell.yaml:2: a second document; put everything into one"},
		{"root list", "- a\n", "tillbell.yaml:1: must be a mapping (key: value)"},
		{"merge key", "x: 1\nawait:\n  <<: {ttl: 1m}\n", lines("tillbell.yaml:1: x: unknown key; allowed: listen, public_url, admin, engine, cluster, retention, api_keys, tickets, await, limits, cors, tls, trusted_proxies, shutdown, log, sources",
			"tillbell.yaml:3: await: merge keys (<<) are not supported; write the settings out")},
		{"tag", "listen: !!binary aGk=\n", "tillbell.yaml:1: listen: YAML tags are not supported; remove it"},
		{"syntax", "listen: a\n  b: c\n", "tillbell.yaml:2: not valid YAML: mapping values are not allowed in this context"},
		{"unknown anchor", "listen: *hunter2\n", "tillbell.yaml:1: not valid YAML: an alias without its anchor; put text that starts with * into quotes"},
		{"key for value", "tickets: {secret:hunter2}\n", "tillbell.yaml:1: tickets: a key here is not a setting; is a space missing after a colon? allowed: secret, secrets, public_keys, jwks_file"},
		{"bare key in braces", "tickets: {hunter2}\n", "tillbell.yaml:1: tickets: a key here is not a setting; is a space missing after a colon? allowed: secret, secrets, public_keys, jwks_file"},
		{"complex key", "[a]: b\n", "tillbell.yaml:1: a key here is not plain text"},
		{"null map value", "sources:\n  w:\n    provider: wechatpay-v3\n    public_keys: {k1: }\n", "tillbell.yaml:4: sources.w.public_keys.k1: must have a value"},
		{"a secret map's key", "sources:\n  w:\n    provider: wechatpay-v3\n    key_ring: {k1: }\n", "tillbell.yaml:4: sources.w.key_ring[…]: must have a value"},
		{"file where none may be", "public_url: file:x\n", "tillbell.yaml:1: public_url: file: is for secrets, keys and certificates; write the value itself"},
		{"PEM for path", "tls:\n  key: |\n    -----BEGIN\n    x\n", "tillbell.yaml:2: tls.key: must be the path of a file, not its content"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got := inputs{yaml: test.yaml}.load(t)
			equal(t, "error", got, test.want)
		})
	}
}

// All problems are reported, in the order of the file whatever the order of the fields, then the others.
func TestAllProblemsInOrder(t *testing.T) {
	_, got := inputs{
		yaml: lines("sources:", "  s:", "    provider: stripe", "    tolerance: x", "    oops: 1", "log: []", "listen: [1]", "await: {max_ttl: x, ttl: y}"),
		env:  map[string]string{"TILLBELL_LIMITS_WAITERS": "x"},
		flags: map[string]string{
			"retention": "x", "no.such": "1", "sources.s.fields": "x",
		},
	}.load(t)
	equal(t, "errors", got, lines(
		"tillbell.yaml:4: sources.s.tolerance: must be a duration such as 90s, 15m or 72h",
		"tillbell.yaml:5: sources.s.oops: unknown key; allowed: provider, registration, secrets, tolerance, fields, retries, live, account",
		"tillbell.yaml:6: log: must be a mapping (key: value)",
		"tillbell.yaml:7: listen: must be a text",
		"tillbell.yaml:8: await.max_ttl: must be a duration such as 90s, 15m or 72h",
		"tillbell.yaml:8: await.ttl: must be a duration such as 90s, 15m or 72h",
		"flag: retention: must be a duration such as 90s, 15m or 72h",
		"TILLBELL_LIMITS_WAITERS: limits.waiters: must be a whole number",
		"flag: no.such: no single value or list has this name",
		"flag: sources.s.fields: no single value or list has this name",
	))
}

func TestExpansion(t *testing.T) {
	env := map[string]string{"A": "alpha", "N": "7", "D": "3m", "EMPTY": "", "YAML": "x\nengine: disk", "TWICE": "${A}", "S": "2KiB", "T": "true"}
	for _, test := range []struct{ in, want, err string }{
		{in: "${A}", want: "alpha"},
		{in: "x-${A}-${A}-y", want: "x-alpha-alpha-y"},
		{in: "$${A}", want: "${A}"},
		{in: "$$${A}", want: "$${A}"},
		{in: "$A $ $$ {A}", want: "$A $ $$ {A}"},
		{in: "${EMPTY}", want: ""},
		{in: "${TWICE}", want: "${A}"},
		{in: "${YAML}", want: "x\nengine: disk"},
		{in: "${NOPE}", err: "the environment variable NOPE is not set"},
		{in: "${", err: "${ must be followed by a variable's name and }; write $${ for the characters themselves"},
		{in: "${A-b}", err: "${ must be followed by a variable's name and }; write $${ for the characters themselves"},
	} {
		c, got := inputs{yaml: "listen: '" + test.in + "'\n", env: env}.load(t)
		if test.err != "" {
			equal(t, test.in, got, "tillbell.yaml:1: listen: "+test.err)
			continue
		}
		equal(t, test.in+" error", got, "")
		equal(t, test.in, c.Listen, test.want)
		equal(t, test.in+" injects", c.Engine, "memory")
	}

	c := inputs{env: env, yaml: lines("limits:", "  waiters: ${N}", "  callback_body: '${S}'", "await: {ttl: '${D}'}", "cors: {origins: ['${A}', '$${A}']}",
		"sources: {s: {provider: stripe, retries: '${N}', live: '${T}', account: [a, '${A}']}}")}.must(t)
	equal(t, "waiters", c.Limits.Waiters, 7)
	equal(t, "size", c.Limits.CallbackBody, 2048)
	equal(t, "ttl", c.Await.TTL, 3*time.Minute)
	equal(t, "origins", strings.Join(c.CORS.Origins, " "), "alpha ${A}")
	var o stripeOptions
	if err := c.Sources["s"].Decode(&o); err != nil {
		t.Fatal(err)
	}
	equal(t, "retries", o.Retries, 7)
	equal(t, "live", *o.Live, true)
	equal(t, "account", strings.Join(o.Account, " "), "a alpha")

	_, got := inputs{yaml: "${A}: x\n", env: env}.load(t)
	if !strings.Contains(got, "a key here is not a setting") {
		t.Errorf("a key was expanded: %s", got)
	}
	_, got = inputs{yaml: "limits: {waiters: '${A}'}\n", env: env}.load(t)
	equal(t, "wrong type", got, "tillbell.yaml:1: limits.waiters: must be a whole number")
}

func TestFiles(t *testing.T) {
	c := inputs{
		files: map[string]string{"one": "s1\n", "two": "s2\r\n", "three": "s3\n\n", "pub.pem": "PUB\n", "bare": "s4"},
		env:   map[string]string{"TILLBELL_API_KEYS": "file:one, plain", "REF": "file:bare"},
		yaml: lines("tickets:", "  secret: file:two", "  secrets: [file:three, '${REF}', lit]", "  public_keys: [file:pub.pem]", "  jwks_file: jwks.json",
			"tls: {cert: file:c.pem, key: /abs/k.pem}", "sources: {w: {provider: wechatpay-v3, key_ring: {a: file:one, b: x}}}"),
	}.must(t)
	equal(t, "api keys", strings.Join(c.APIKeys, "|"), "s1|plain")
	equal(t, "secret", c.Tickets.Secret, "s2")
	equal(t, "secrets", strings.Join(c.Tickets.Secrets, "|"), "s3\n|s4|lit")
	equal(t, "public", strings.Join(c.Tickets.PublicKeys, "|"), "PUB\n")
	equal(t, "jwks", filepath.Base(c.Tickets.JWKSFile), "jwks.json")
	equal(t, "jwks is absolute", filepath.IsAbs(c.Tickets.JWKSFile), true)
	equal(t, "cert", filepath.Base(c.TLS.Cert), "c.pem")
	equal(t, "cert has the folder", filepath.Dir(c.TLS.Cert), filepath.Dir(c.Tickets.JWKSFile))
	equal(t, "key", c.TLS.Key, "/abs/k.pem")
	var w wechatOptions
	if err := c.Sources["w"].Decode(&w); err != nil {
		t.Fatal(err)
	}
	equal(t, "map", w.KeyRing["a"]+w.KeyRing["b"], "s1x")

	_, got := inputs{
		files: map[string]string{"empty": "", "large": strings.Repeat("x", 1<<20+1)},
		yaml:  lines("api_keys: [x, file:gone]", "tickets:", "  secret: file:empty", "  secrets: [file:large]", "  public_keys: [file:.]"),
	}.load(t)
	dir := got[strings.LastIndex(got, "cannot read ")+len("cannot read ") : strings.LastIndex(got, ": is a dir")]
	equal(t, "errors", strings.ReplaceAll(got, dir, "DIR"), lines(
		"tillbell.yaml:1: api_keys[1]: cannot read gone: no such file or directory",
		"tillbell.yaml:3: tickets.secret: cannot read empty: the file is empty",
		"tillbell.yaml:4: tickets.secrets[0]: cannot read large: larger than 1 MiB",
		"tillbell.yaml:5: tickets.public_keys[0]: cannot read DIR: is a directory",
	))
}

func TestWhereTheDocumentIs(t *testing.T) {
	env := map[string]string{"TILLBELL_CONFIG": "listen: ':1'\nengin: x\n"}
	in := inputs{env: env}
	_, err := config.Load(config.LoadOptions{Getenv: in.getenv})
	equal(t, "variable", err.Error(), "TILLBELL_CONFIG:2: engin: unknown key; did you mean engine?")

	in.yaml = "listen: ':2'\n"
	equal(t, "the flag wins", in.must(t).Listen, ":2")

	c, err := config.Load(config.LoadOptions{Getenv: inputs{env: map[string]string{"TILLBELL_ENGINE": "x"}}.getenv})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "environment alone", c.Engine, "x")

	_, err = config.Load(config.LoadOptions{Path: "no-such.yaml", Getenv: in.getenv})
	equal(t, "missing", err.Error(), "config: no-such.yaml does not exist: name a file with -c, or set TILLBELL_CONFIG to the YAML itself")
	_, err = config.Load(config.LoadOptions{Path: ".", Getenv: in.getenv})
	equal(t, "folder", err.Error(), "config: read .: is a directory")

	t.Setenv("TILLBELL_LISTEN", ":77")
	path := filepath.Join(t.TempDir(), "c.yaml")
	write(t, path, "")
	c, err = config.Load(config.LoadOptions{Path: path})
	if err != nil || c.Listen != ":77" {
		t.Errorf("the process's environment: %v, %v", c, err)
	}
}

func TestAliases(t *testing.T) {
	c := inputs{yaml: lines("cors: {origins: &o [https://a.example]}", "trusted_proxies: *o",
		"sources:", "  a: &s {provider: stripe, secrets: &k [x], account: *k}", "  b: *s")}.must(t)
	equal(t, "list", strings.Join(c.TrustedProxies, ""), "https://a.example")
	var o stripeOptions
	if err := c.Sources["b"].Decode(&o); err != nil {
		t.Fatal(err)
	}
	equal(t, "section", strings.Join(o.Secrets, "")+strings.Join(o.Account, ""), "xx")

	chain := "sources:\n  s: &a0 {provider: stripe, account: x}\n"
	for i := range 11 {
		chain += fmt.Sprintf("  s%d: {provider: stripe, fields: &a%d {payment: x, zz: *a%d}}\n", i, i+1, i)
	}
	if _, got := (inputs{yaml: chain}).load(t); strings.Contains(got, "aliases") {
		t.Errorf("aliases under unknown keys are followed: %s", got)
	}

	for name, text := range map[string]string{
		"deep": lines("api_keys: [&a0 x]", "cors: {origins: [x]}", "sources:", "  s: {provider: stripe, account: [x, &a1 [*a0], &a2 [*a1], &a3 [*a2], &a4 [*a3],",
			"    &a5 [*a4], &a6 [*a5], &a7 [*a6], &a8 [*a7], &a9 [*a8], &a10 [*a9], [*a10]]}"),
		"cycle in a list": "api_keys: &a [*a]\n",
		"cycle in a List": "sources: {s: {provider: stripe, account: &a [*a]}}\n",
		"billion laughs": lines("trusted_proxies: &a [x,x,x,x,x,x,x,x,x,x]", "cors: {origins: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]}",
			"sources:", "  s:", "    provider: stripe",
			"    account: [&c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]]"),
	} {
		_, got := inputs{yaml: text}.load(t)
		if got == "" {
			t.Errorf("%s: accepted", name)
		}
		if name != "cycle in a list" && !strings.Contains(got, "aliases stand for too many values") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{"0": 0, "12": 12, "12B": 12, "1KiB": 1024, "3 MiB": 3 << 20, "2GiB": 2 << 30, "1kB": 1000, "1MB": 1e6, "1GB": 1e9, "-1": -1} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "MiB", "1 XiB", "1.5MiB", "0x10", "9223372036854775808", "9223372036854775807KiB", "1mib"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: read as %d", text, s)
		}
	}
	for size, want := range map[config.Size]string{0: "0", 1: "1", 1024: "1KiB", 1 << 20: "1MiB", 3 << 30: "3GiB", 1000: "1000", 1536: "1536"} {
		equal(t, "text", size.String(), want)
	}
}
