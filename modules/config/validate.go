package config

import (
	"crypto/tls"
	"encoding/pem"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tillbell/tillbell/relay"
)

// The shortest keys. 32 bytes are what RFC 7518 section 3.2 asks of HS256.
const (
	minTicketSecret = 32
	minAPIKey       = 16
	goodAPIKey      = 32
)

// The silence that may be asked for. Under a second heartbeats cost more than everything else; common proxies cut after
// 30 s or more, and few networks on the way keep a connection that is silent for longer than five minutes.
const (
	minHeartbeat  = time.Second
	goodHeartbeat = 30 * time.Second
	maxHeartbeat  = 5 * time.Minute
)

// providerRetries is how long providers go on retrying a callback.
const providerRetries = 72 * time.Hour

// checker collects what is wrong with a configuration's values.
type checker struct {
	c        *Config
	problems []problem
}

// fail reports a value.
func (k *checker) fail(path, text string) {
	k.problems = append(k.problems, problem{place: k.c.place(path), path: path, text: text})
}

// need fails where ok is false.
func (k *checker) need(ok bool, path, text string) {
	if !ok {
		k.fail(path, text)
	}
}

// Validate judges the values, and joins all that is wrong with them. Each line names a path and what to change.
// It reads the files of tls and tickets.jwks_file.
func (c *Config) Validate() error {
	k := c.check()
	return join(k.problems)
}

// ValidateServe is Validate for a production start, which also needs a ticket key and API keys of at least 16 bytes.
func (c *Config) ValidateServe() error {
	k := c.check()
	t := c.Tickets
	k.need(t.Secret != "" || len(t.Secrets)+len(t.PublicKeys) > 0 || t.JWKSFile != "", "tickets.secret",
		"is missing; set it, or TILLBELL_TICKETS_SECRET, to a key made with: openssl rand -base64 32")
	k.need(len(c.APIKeys) > 0, "api_keys",
		"is missing; set it, or TILLBELL_API_KEYS, to a key made with: openssl rand -base64 32")
	for i, key := range c.APIKeys {
		k.need(key == "" || len(key) >= minAPIKey, element("api_keys", i),
			"must be at least 16 bytes; make one with: openssl rand -base64 32")
	}
	return join(k.problems)
}

// Warnings names what works and is probably not meant, one line each.
func (c *Config) Warnings() []string {
	var all []string
	warn := func(path, text string) { all = append(all, path+": "+text) }
	if c.Retention < c.Await.MaxTTL {
		warn("retention", "is shorter than await.max_ttl, so a waiter may outlive the outcome it waits for; raise it to "+duration(c.Await.MaxTTL))
	}
	if c.Retention < providerRetries {
		warn("retention", "is shorter than 72h, for which most providers retry, so a late repeat counts as a first; raise it to 72h")
	}
	if servers, options, _ := strings.Cut(c.Engine, "?"); strings.Contains(servers, "://") && strings.Contains(servers, ",") &&
		!strings.Contains(options, "replicas=") {
		warn("engine", "names several servers and no replicas, so one of them keeps each event; add ?replicas=3")
	}
	if c.Await.Heartbeat > goodHeartbeat {
		warn("await.heartbeat", "is longer than 30s, after which proxies cut what is silent; Tillbell's own clients start over after 60s of silence")
	}
	for i, key := range c.APIKeys {
		if len(key) < goodAPIKey {
			warn(element("api_keys", i), "is shorter than 32 bytes; make one with: openssl rand -base64 32")
		}
	}
	if c.EngineKind() != embeddedEngine && !c.Cluster.isZero() {
		warn("cluster", "is not used: it belongs to engine nats-embedded")
	}
	if len(c.Sources) == 0 {
		warn("sources", "there are none, every callback is answered 404")
	}
	return all
}

func (c *Config) check() *checker {
	k := &checker{c: c}
	k.listeners()
	k.need(validURL(c.PublicURL), "public_url", "must be http:// or https:// and a host, without user, path, query and fragment")
	k.engine()
	k.keys()
	k.bounds()
	for i, origin := range c.CORS.Origins {
		if text := originProblem(origin); text != "" {
			k.fail(element("cors.origins", i), text)
		}
	}
	k.tls()
	for i, proxy := range c.TrustedProxies {
		k.need(validProxy(proxy), element("trusted_proxies", i), "must be an IP address or a prefix such as 10.0.0.0/8")
	}
	k.need(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level", "must be debug, info, warn or error")
	k.need(slices.Contains([]string{"text", "json"}, c.Log.Format), "log.format", "must be text or json")
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		k.source(name, c.Sources[name])
	}
	return k
}

func (k *checker) listeners() {
	c := k.c
	k.need(validAddress(c.Listen), "listen", "must be host:port, such as :8080 or 127.0.0.1:8080")
	k.need(c.Admin == "" || validAddress(c.Admin), "admin", `must be host:port, such as 127.0.0.1:9090, or "" to turn it off`)
	_, port, _ := net.SplitHostPort(c.Admin)
	k.need(c.Admin == "" || c.Admin != c.Listen || port == "0", "admin", "must be another address than listen")
}

func validAddress(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsFunc(host, func(r rune) bool { return unicode.IsSpace(r) || r == '/' }) {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func validURL(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && bareURL(u)
}

// bareURL reports whether u is a scheme and a host, with or without port, and nothing else.
func bareURL(u *url.URL) bool {
	return u.Hostname() != "" && u.User == nil && u.Path == "" && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && validPort(u)
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	_, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil
}

// originProblem says why a browser never sends origin: it is compared byte by byte (RFC 6454 section 6.2).
func originProblem(origin string) string {
	if origin == "*" {
		return ""
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme == "" || !bareURL(u) || strings.HasSuffix(origin, "#"):
		return "must be * or scheme://host[:port] without a path or a slash at its end"
	case origin != strings.ToLower(origin):
		return "must be in lower case, as browsers send it"
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		return "must leave out the scheme's own port, as browsers do"
	}
	return ""
}

// keys looks at the form of keys. A key with a space or line end in it was cut or pasted wrongly.
func (k *checker) keys() {
	t := k.c.Tickets
	for i, key := range k.c.APIKeys {
		k.need(key != "", element("api_keys", i), "is empty")
		k.need(!strings.ContainsFunc(key, unprintable), element("api_keys", i), "must be printable ASCII without spaces, since it travels in a header")
	}
	const short = "must be at least 32 bytes; make one with: openssl rand -base64 32"
	k.need(t.Secret == "" || len(t.Secret) >= minTicketSecret, "tickets.secret", short)
	for i, secret := range t.Secrets {
		k.need(len(secret) >= minTicketSecret, element("tickets.secrets", i), short)
	}
	for i, key := range t.PublicKeys {
		block, _ := pem.Decode([]byte(key))
		k.need(block != nil && !strings.Contains(block.Type, "PRIVATE"), element("tickets.public_keys", i),
			"must be a public key in PEM form (-----BEGIN PUBLIC KEY-----), or file: and its path")
	}
	if t.JWKSFile != "" {
		k.readable("tickets.jwks_file", t.JWKSFile)
	}
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func (k *checker) readable(path, file string) bool {
	_, err := readFile(file)
	if err != nil {
		k.fail(path, "cannot read "+file+": "+err.Error())
	}
	return err == nil
}

func (k *checker) bounds() {
	c := k.c
	const positive, notNegative = "must be longer than 0", "must not be negative"
	k.need(c.Retention > 0, "retention", positive)
	k.need(c.Await.TTL > 0, "await.ttl", positive)
	k.need(c.Await.MaxTTL > 0, "await.max_ttl", positive)
	k.need(c.Await.TTL <= c.Await.MaxTTL, "await.ttl", "must not be longer than await.max_ttl")
	k.need(minHeartbeat <= c.Await.Heartbeat && c.Await.Heartbeat <= maxHeartbeat, "await.heartbeat",
		"must be from 1s to 5m; 20s is usual, since proxies cut what is silent for 30s or more")
	k.need(c.Limits.Waiters >= 0, "limits.waiters", notNegative)
	k.need(c.Limits.WaitersPerAddress >= 0, "limits.waiters_per_address", notNegative)
	k.need(c.Limits.WaitersPerPayment >= 0, "limits.waiters_per_payment", notNegative)
	k.need(c.Limits.CallbackBody > 0, "limits.callback_body", "must be at least 1 byte; 1MiB is usual")
	k.need(c.Shutdown.Delay >= 0, "shutdown.delay", notNegative)
	k.need(c.Shutdown.Drain >= 0, "shutdown.drain", notNegative)
}

func (k *checker) tls() {
	t := k.c.TLS
	switch {
	case t.Cert == "" && t.Key == "":
		return
	case t.Cert == "":
		k.fail("tls.cert", "is missing; tls.key is set")
		return
	case t.Key == "":
		k.fail("tls.key", "is missing; tls.cert is set")
		return
	}
	cert, key := k.readable("tls.cert", t.Cert), k.readable("tls.key", t.Key)
	if !cert || !key {
		return
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		k.fail("tls", "cert and key must be PEM files that belong together")
	}
}

func validProxy(text string) bool {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.IsValid()
	}
	address, err := netip.ParseAddr(text)
	return err == nil && address.Zone() == ""
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func (k *checker) source(name string, s Source) {
	path := entry(here{path: "sources"}, name)
	k.need(sourceName.MatchString(name), path, "a source's name must be 1 to 63 of a-z, 0-9 and -, and not start with -")
	k.need(name != relay.Merchant, path, "this name is reserved for what the merchant publishes; choose another")
	switch {
	case s.Provider == "" && k.c.providers == nil:
		k.fail(path+".provider", "is missing")
	case s.Provider == "":
		k.fail(path+".provider", "is missing; one of "+strings.Join(k.c.providers, ", "))
	case k.c.providers != nil && !slices.Contains(k.c.providers, s.Provider):
		k.fail(path+".provider", "unknown provider"+suggest(s.Provider, k.c.providers))
	}
	k.need(s.Registration == Optional || s.Registration == Required, path+".registration", "must be optional or required")
}

func element(path string, i int) string { return path + "[" + itoa(i) + "]" }
