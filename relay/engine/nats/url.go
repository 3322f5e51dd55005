package nats

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// place is what an engine's URL says: where the servers are, who calls, and which stream it is.
type place struct {
	servers        []string // with user names and passwords: never shown
	hosts          []string // the same without, for errors and log lines
	secure         bool
	replicas       int
	stream         string
	maxBytes       int64  // 0 is no bound
	creds, nkey    string // files
	tlsCA, tlsCert string // files
	tlsKey         string // file
}

// maxReplicas is what JetStream allows.
const maxReplicas = 5

// keys are what may stand behind the question mark of a URL.
var keys = []string{"creds", "max_bytes", "nkey", "replicas", "stream", "tls_ca", "tls_cert", "tls_key"}

// Check reports why raw cannot be an engine's URL, as New does, without looking at files or the network.
func Check(raw string) error {
	if _, err := parseURL(raw); err != nil {
		return fmt.Errorf("nats: url: %w", err)
	}
	return nil
}

// parseURL reads the URL of an engine. Its errors show nothing of it but option names, the values of options that are
// no secrets, and the number of a server.
func parseURL(raw string) (place, error) {
	p := place{replicas: 1, stream: DefaultStream}
	list, query, _ := strings.Cut(raw, "?")
	for i, one := range strings.Split(list, ",") {
		if err := p.addServer(strings.TrimSpace(one)); err != nil {
			return place{}, fmt.Errorf("server %d: %w", i+1, err)
		}
	}
	if !p.oneCaller() {
		return place{}, errServer
	}
	if strings.Contains(query, "@") {
		return place{}, errors.New("there is an @ behind the question mark; a ? in a password is written as %3F, an @ in a path as %40")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return place{}, errors.New("what follows the question mark is not name=value&name=value")
	}
	for name, all := range values {
		if !slices.Contains(keys, name) {
			return place{}, fmt.Errorf("it has no option %.32q; those that exist are %s", name, strings.Join(keys, ", "))
		}
		if len(all) != 1 || all[0] == "" {
			return place{}, fmt.Errorf("option %s needs one value", name)
		}
	}
	return p, p.setOptions(values)
}

var errServer = errors.New("it is not nats://[user:password@]host:port; characters like @ : / ? , % in a password are written as %40 %3A %2F %3F %2C %25")

func (p *place) addServer(one string) error {
	if !strings.Contains(one, "://") {
		one = "nats://" + one
	}
	u, err := url.Parse(one)
	if err != nil || u.Hostname() == "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return errServer // without the cause, which may quote a password
	}
	switch u.Scheme {
	case "nats":
	case "tls":
		p.secure = true
	default:
		return errors.New("its scheme is neither nats:// nor tls://")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "4222")
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		return errServer
	}
	u.Path = ""
	p.servers, p.hosts = append(p.servers, u.String()), append(p.hosts, u.Host)
	return nil
}

// oneCaller reports whether the servers that say who calls say it in the same way, the first among them. Where they do
// not, a password has a comma that is not escaped: what stands before it would be taken, and shown, for a host.
func (p *place) oneCaller() bool {
	var first string
	for i, server := range p.servers {
		u, err := url.Parse(server)
		if err != nil {
			return false
		}
		kind := "" // nobody
		if u.User != nil {
			kind = "token"
			if _, ok := u.User.Password(); ok {
				kind = "user"
			}
		}
		switch {
		case i == 0:
			first = kind
		case kind != "" && kind != first:
			return false
		}
	}
	return true
}

func (p *place) setOptions(values url.Values) error {
	var err error
	if s := values.Get("replicas"); s != "" {
		if p.replicas, err = strconv.Atoi(s); err != nil || p.replicas < 1 || p.replicas > maxReplicas {
			return fmt.Errorf("replicas=%.16s is not a number from 1 to %d; 3 tolerate the loss of one server", s, maxReplicas)
		}
	}
	if s := values.Get("stream"); s != "" {
		if p.stream = s; len(s) > 64 || strings.ContainsFunc(s, func(c rune) bool { return c > 0x7f || !plain(byte(c)) }) {
			return fmt.Errorf("stream=%.70q is not 1 to 64 letters, digits, - and _", s)
		}
	}
	if s := values.Get("max_bytes"); s != "" {
		if p.maxBytes, err = strconv.ParseInt(s, 10, 64); err != nil || p.maxBytes < 1 {
			return fmt.Errorf("max_bytes=%.24s is not a number of bytes", s)
		}
	}
	p.creds, p.nkey = values.Get("creds"), values.Get("nkey")
	p.tlsCA, p.tlsCert, p.tlsKey = values.Get("tls_ca"), values.Get("tls_cert"), values.Get("tls_key")
	if p.creds != "" && p.nkey != "" {
		return errors.New("creds and nkey are two ways to say who calls; give one")
	}
	if (p.tlsCert == "") != (p.tlsKey == "") {
		return errors.New("tls_cert and tls_key belong together; give both")
	}
	p.secure = p.secure || p.tlsCA != "" || p.tlsCert != ""
	return nil
}
