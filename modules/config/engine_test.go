package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/modules/config"
)

func TestValidateEngine(t *testing.T) {
	const forms = "; it is memory, disk:PATH, nats://HOST:4222[,HOST:4222][?replicas=3] or nats-embedded"
	const scheme = "engine: must be nats://HOST:4222, tls://HOST:4222 or nats-embedded"
	const name = "cluster.name: must be 1 to 63 of A-Z, a-z, 0-9, -, _ and ., and this node's own, such as its host name"
	const peer = "must be host:port, such as 10.0.0.1:6222"
	const listen = "cluster.listen: must be host:port for the other nodes, such as :6222"
	const no = "cluster.secret: is missing; set it on all nodes, or TILLBELL_CLUSTER_SECRET, to one key made with: openssl rand -base64 32"
	secret := strings.Repeat("s", 32)
	cluster := func(settings string) string { return "{engine: nats-embedded, cluster: {" + settings + "}}" }
	for _, test := range []struct{ yaml, want string }{
		{"engine: memory", ""},
		{"engine: 'memory:'", "engine: memory has nothing behind it"},
		{"engine: memroy", "engine: unknown engine; did you mean memory?"},
		{"engine: dsik:/var/lib/tillbell", "engine: unknown engine; did you mean disk?"},
		{"engine: redis", "engine: unknown engine" + forms},
		{"engine: ''", "engine: unknown engine" + forms},
		{"engine: /var/lib/tillbell", "engine: unknown engine" + forms},
		{"engine: disk:/var/lib/tillbell", ""},
		{"engine: disk:tillbell", ""},
		{"engine: disk", "engine: the path of a folder is missing, as in disk:/var/lib/tillbell"},
		{"engine: 'disk:'", "engine: the path of a folder is missing, as in disk:/var/lib/tillbell"},
		{`engine: "disk:/a\nb"`, "engine: must be the path of a folder, on one line"},
		{"engine: nats://a:4222,nats://b:4222?replicas=3", ""},
		{"engine: tls://a:4222", ""},
		{"engine: nats", scheme},
		{"engine: 'nats:a:4222'", scheme},
		{"engine: nats-embed", "engine: unknown engine; did you mean nats-embedded?"},
		{"engine: nats-embedded", "cluster: is missing; engine nats-embedded needs cluster: {name: NODE, dir: PATH}, and listen, peers and secret for more nodes than one"},
		{"{engine: 'nats-embedded:x', cluster: {name: a, dir: d}}", "engine: nats-embedded has nothing behind it; its settings are in cluster"},
		{cluster("name: a, dir: d"), ""},
		{cluster("name: a"), "cluster.dir: is missing; set it to a folder of this node's own"},
		{cluster("dir: d"), name},
		{cluster("name: a b, dir: d"), name},
		{cluster("name: a, dir: d, listen: ':6222', peers: ['b:6222', 'c:6222'], secret: " + secret), ""},
		{cluster("name: a, dir: d, listen: ':6222', peers: ['b:6222', c], secret: " + secret), "cluster.peers[1]: " + peer},
		{cluster("name: a, dir: d, listen: ':6222', peers: ['b:0', 'c:6222'], secret: " + secret), "cluster.peers[0]: " + peer},
		{cluster("name: a, dir: d, peers: ['b:6222', 'c:6222'], secret: " + secret), listen},
		{cluster("name: a, dir: d, listen: ':0', peers: ['b:6222', 'c:6222'], secret: " + secret), listen},
		{cluster("name: a, dir: d, listen: ':8080', peers: ['b:6222', 'c:6222'], secret: " + secret), "cluster.listen: must be another address than listen and admin"},
		{cluster("name: a, dir: d, listen: ':6222', peers: ['b:6222', 'c:6222'], secret: short"), "cluster.secret: must be at least 32 bytes; make one with: openssl rand -base64 32"},
		{cluster("name: a, dir: d, listen: ':6222', peers: ['b:6222', 'c:6222']"), no},
		{cluster("name: a, dir: d, listen: ':6221', peers: ['127.0.0.1:6222', '127.0.0.1:6223']"), no},
		{cluster("name: a, dir: d, listen: '127.0.0.1:6221', peers: ['127.0.0.1:6222', 'localhost:6223', '[::1]:6224']"), ""},
		{cluster("name: a, dir: d, tls: {cert: gone, key: gone}"), "cluster.tls.cert: cannot read gone: no such file or directory\n" +
			"cluster.tls.key: cannot read gone: no such file or directory\ncluster.tls.ca: is missing; cluster.tls needs cert, key and ca"},
	} {
		t.Run(test.yaml, func(t *testing.T) {
			got := ""
			if err := (inputs{yaml: test.yaml}).must(t).Validate(); err != nil {
				for line := range strings.SplitSeq(err.Error(), "\n") {
					_, text, _ := strings.Cut(line, "tillbell.yaml:1: ")
					before, after, gone := strings.Cut(text, "cannot read ")
					if gone {
						text = before + "cannot read " + after[strings.Index(after, "gone"):]
					}
					got += text + "\n"
				}
			}
			equal(t, "error", strings.TrimSuffix(got, "\n"), test.want)
		})
	}
}

func TestClusterWarning(t *testing.T) {
	d := config.Default()
	d.Cluster.Name = "a"
	equal(t, "warning", d.Warnings()[0], "cluster: is not used: it belongs to engine nats-embedded")
	d.Engine = "nats-embedded"
	equal(t, "warnings", len(d.Warnings()), 1) // of the sources that are not there
}

// Paths in the engine start at the configuration's folder, wherever the value comes from.
func TestEnginePaths(t *testing.T) {
	for _, test := range []struct{ engine, want string }{
		{"memory", "memory"},
		{"disk:/var/lib/tillbell", "disk:/var/lib/tillbell"},
		{"disk:tillbell", "disk:DIR/tillbell"},
		{"disk:../a/./b", "disk:DIR/../a/b"},
		{"disk:", "disk:"},
		{"nats://a:4222", "nats://a:4222"},
		{"nats://u:p%3F@a:4222?creds=user.creds&replicas=3", "nats://u:p%3F@a:4222?creds=DIR/user.creds&replicas=3"},
		{"nats://a:4222?nkey=/etc/a.nk&tls_ca=a%20b.pem", "nats://a:4222?nkey=/etc/a.nk&tls_ca=DIR/a+b.pem"},
	} {
		in := inputs{yaml: "{engine: '" + test.engine + "', cluster: {dir: .}}"}.must(t)
		want := strings.ReplaceAll(test.want, "DIR/..", filepath.Dir(in.Cluster.Dir))
		want = strings.ReplaceAll(want, "DIR", in.Cluster.Dir)
		equal(t, test.engine, in.Engine, want)
	}
	c, err := config.Load(config.LoadOptions{Getenv: func(name string) (string, bool) {
		if name != "TILLBELL_ENGINE" {
			return "", false
		}
		return "disk:x", true
	}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "without a file", c.Engine, "disk:x")
	equal(t, "kind", c.EngineKind(), "disk")
	equal(t, "path", c.EnginePath(), "x")
}

func TestEngineFromFile(t *testing.T) {
	c := inputs{yaml: "engine: file:engine", files: map[string]string{"engine": "nats://u:sekrit@a:4222\n"}}.must(t)
	equal(t, "engine", c.Engine, "nats://u:sekrit@a:4222")
	c = inputs{yaml: "engine: nats://u:${PASS}@a:4222", env: map[string]string{"PASS": "sekrit"}}.must(t)
	equal(t, "engine", c.Engine, "nats://u:sekrit@a:4222")
}

func TestEngineRedacted(t *testing.T) {
	for _, test := range []struct{ engine, want string }{
		{"disk:/a,b", "disk:/a,b"},
		{"nats://a:4222,nats://b:4222?replicas=3", "nats://a:4222,nats://b:4222?replicas=3"},
		{"nats://u:sekrit@a:4222,nats://u:sekrit@b:4222?replicas=3", "nats://REDACTED@a:4222,nats://REDACTED@b:4222?replicas=3"},
		{"nats://u:sekrit@a:4222,b:4222", "nats://REDACTED@a:4222,b:4222"},
		{"nats://u:sek,rit@a:4222", "nats://REDACTED@a:4222"},
		{"nats://u:sek,nats://rit@a:4222", "nats://REDACTED@a:4222"},
		{"nats://u:sek@rit@a:4222", "nats://REDACTED@a:4222"},
		{"tls://sekrit@a:4222", "tls://REDACTED@a:4222"},
	} {
		c := config.Default()
		c.Engine = test.engine
		text, err := c.Redacted()
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(string(text), "\nengine: ")
		got, _, _ = strings.Cut(got, "\n")
		equal(t, test.engine, got, test.want)
	}
}
