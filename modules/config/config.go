// Package config reads Tillbell's configuration: one YAML document, the environment and the command line's flags,
// as DESIGN section 7 describes them.
//
// A value is taken from the first of flag, environment, document, $PORT (for listen alone) and default that has it.
// What is overridden is not looked at, so a reference to an unset variable behind an override is no error.
//
// Reading is strict: an unknown key, a key given twice, a wrong type, a malformed duration or size, a second document,
// a merge key and a YAML tag are errors. All of them are reported, each on one line that starts with where it is:
//
//	tillbell.yaml:12: sources.stripe-main.secretz: unknown key; did you mean secrets?
//
// No error repeats a value, because any value may be a secret in the wrong place. Errors name paths, lines, the names
// of environment variables, and the paths of files that cannot be read.
//
// In the document's scalars ${NAME} stands for an environment variable and $${ for the characters ${. Expansion comes
// after parsing, so a variable cannot add YAML, and it is not repeated on its own result. Values from the environment
// and from flags are taken as they are. In secrets, keys, certificates and the engine, from wherever they come, file:PATH
// stands for a file's content. A relative path is relative to the folder of the configuration file, and to the working
// directory where there is none.
package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Config is the whole configuration. Load makes one; a Config made by hand starts from Default. It is not changed
// after that, and then any number of goroutines may read it.
type Config struct {
	// Listen is the public listener's host:port.
	Listen string `yaml:"listen"`
	// PublicURL is what payers' browsers reach the public listener by, without a slash at its end; "" is unknown.
	PublicURL string `yaml:"public_url"`
	// Admin is the admin listener's host:port; "" turns it off.
	Admin string `yaml:"admin"`
	// Engine is the log's place: memory, disk:PATH, nats://… or tls://…, or nats-embedded, which has its settings in Cluster.
	// A URL may hold a password.
	Engine  string  `yaml:"engine" file:"url"`
	Cluster Cluster `yaml:"cluster"`
	// Retention is how long events, states and ids are kept.
	Retention time.Duration `yaml:"retention"`
	// APIKeys are the merchant's; each is valid.
	APIKeys []string `yaml:"api_keys" file:"secret"`
	Tickets Tickets  `yaml:"tickets"`
	Await   Await    `yaml:"await"`
	Limits  Limits   `yaml:"limits"`
	CORS    CORS     `yaml:"cors"`
	TLS     TLS      `yaml:"tls"`
	// TrustedProxies are addresses and CIDR prefixes whose forwarding headers are believed.
	TrustedProxies []string          `yaml:"trusted_proxies"`
	Shutdown       Shutdown          `yaml:"shutdown"`
	Log            Log               `yaml:"log"`
	Sources        map[string]Source `yaml:"sources"`

	providers []string         // the schema's, sorted; nil: not known
	places    map[string]place // where each value came from, by path
}

// Tickets has the keys that tickets are signed and verified with.
type Tickets struct {
	// Secret signs and verifies HS256, as text of at least 32 bytes.
	Secret string `yaml:"secret" file:"secret"`
	// Secrets are older ones that verify. The first signs where Secret is empty.
	Secrets []string `yaml:"secrets" file:"secret"`
	// PublicKeys are PEM texts for EdDSA, ES256 and RS256.
	PublicKeys []string `yaml:"public_keys" file:"public"`
	// JWKSFile is the path of a JSON Web Key Set (RFC 7517).
	JWKSFile string `yaml:"jwks_file" file:"path"`
}

// Await bounds waits.
type Await struct {
	// TTL is the life of a minted ticket that names no expiry.
	TTL time.Duration `yaml:"ttl"`
	// MaxTTL ends every wait.
	MaxTTL time.Duration `yaml:"max_ttl"`
	// Heartbeat is how long a stream or a WebSocket may be silent before it is sent a ping, from 1 s to 5 min.
	Heartbeat time.Duration `yaml:"heartbeat"`
}

// Limits bounds what the process holds. For the waiters 0 leaves the choice to the program.
type Limits struct {
	Waiters           int `yaml:"waiters"`
	WaitersPerAddress int `yaml:"waiters_per_address"`
	WaitersPerPayment int `yaml:"waiters_per_payment"`
	// CallbackBody is the longest callback body, at least one byte.
	CallbackBody Size `yaml:"callback_body"`
}

// CORS names the origins whose pages may wait: "*" or scheme://host[:port].
type CORS struct {
	Origins []string `yaml:"origins"`
}

// TLS has the paths of a PEM certificate chain and its key; both are empty where a proxy ends TLS.
type TLS struct {
	Cert string `yaml:"cert" file:"path"`
	Key  string `yaml:"key" file:"path"`
}

// Shutdown times the end of the process.
type Shutdown struct {
	// Delay is how long the listeners stay open after /readyz says 503.
	Delay time.Duration `yaml:"delay"`
	// Drain is how long streams are given to end after that.
	Drain time.Duration `yaml:"drain"`
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is text or json.
	Format string `yaml:"format"`
}

// Default returns the configuration of an empty document.
func Default() *Config {
	return &Config{
		Listen:    ":8080",
		Admin:     "127.0.0.1:9090",
		Engine:    "memory",
		Retention: 72 * time.Hour,
		Await:     Await{TTL: 15 * time.Minute, MaxTTL: 24 * time.Hour, Heartbeat: 20 * time.Second},
		Limits:    Limits{CallbackBody: 1 << 20},
		Shutdown:  Shutdown{Drain: 10 * time.Second},
		Log:       Log{Level: "info", Format: "text"},
	}
}

// Size is a number of bytes. As text it is a whole number and a unit: none or B, KiB, MiB, GiB, kB, MB or GB.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1},
}

// UnmarshalText reads a size. The error does not repeat the text.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n > math.MaxInt64/unit.bytes || n < math.MinInt64/unit.bytes {
			break
		}
		*s = Size(n * unit.bytes)
		return nil
	}
	return errors.New("config: read size: want a size such as 1MiB")
}

// String writes the size with the largest binary unit that divides it.
func (s Size) String() string {
	for _, unit := range sizeUnits[:3] {
		if s != 0 && int64(s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
