package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// The engines, by the first word of `engine`.
const (
	memoryEngine   = "memory"
	diskEngine     = "disk"
	natsEngine     = "nats"
	secureEngine   = "tls" // NATS over TLS
	embeddedEngine = "nats-embedded"
)

const engineForms = "memory, disk:PATH, nats://HOST:4222[,HOST:4222][?replicas=3] or nats-embedded"

// EngineKind returns the first word of Engine, which says what it is.
func (c *Config) EngineKind() string {
	kind, _, _ := strings.Cut(c.Engine, ":")
	return kind
}

// EnginePath returns the folder of engine disk.
func (c *Config) EnginePath() string {
	_, path, _ := strings.Cut(c.Engine, ":")
	return path
}

// engine looks at the form of the engine. What stands in the URL of one is for that engine to judge.
func (k *checker) engine() {
	kind, rest, colon := strings.Cut(k.c.Engine, ":")
	switch kind {
	case memoryEngine:
		k.need(!colon, "engine", "memory has nothing behind it")
	case diskEngine:
		k.need(rest != "", "engine", "the path of a folder is missing, as in disk:/var/lib/tillbell")
		k.need(rest != "~" && !strings.HasPrefix(rest, "~/"), "engine", "~ is not expanded here; write the whole path, as in disk:/var/lib/tillbell")
		k.need(!strings.ContainsAny(rest, "\r\n\x00"), "engine", "must be the path of a folder, on one line")
	case natsEngine, secureEngine:
		k.need(strings.HasPrefix(rest, "//"), "engine", "must be nats://HOST:4222, tls://HOST:4222 or nats-embedded")
	case embeddedEngine:
		k.need(!colon, "engine", "nats-embedded has nothing behind it; its settings are in cluster")
		k.cluster()
	default:
		text := suggest(kind, []string{memoryEngine, diskEngine, natsEngine, embeddedEngine})
		if strings.HasPrefix(text, "; allowed") {
			text = "; it is " + engineForms
		}
		k.fail("engine", "unknown engine"+text)
	}
}

// engineFiles are the options of a NATS URL that name files.
var engineFiles = map[string]bool{"creds": true, "nkey": true, "tls_ca": true, "tls_cert": true, "tls_key": true}

// absolute returns an engine's value in which relative paths start at the configuration's folder.
func (in *inputs) absolute(engine string) string {
	from := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(in.dir, path)
	}
	if path, ok := strings.CutPrefix(engine, diskEngine+":"); ok {
		return diskEngine + ":" + from(path)
	}
	servers, query, ok := strings.Cut(engine, "?")
	if !ok || !strings.Contains(servers, "://") {
		return engine
	}
	options := strings.Split(query, "&")
	for i, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if path, err := url.QueryUnescape(value); err == nil && engineFiles[name] && path != from(path) {
			options[i] = name + "=" + strings.ReplaceAll(url.QueryEscape(from(path)), "%2F", "/")
		}
	}
	return servers + "?" + strings.Join(options, "&")
}
