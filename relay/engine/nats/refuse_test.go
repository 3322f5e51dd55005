package nats_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// secret stands for every password and token of the tests.
const secret = "s3cret-word"

// refused tries to open an engine, which must fail with one line that has all the words and no secret.
func refused(t *testing.T, o nats.Options, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	e, err := nats.New(ctx, o)
	if err == nil {
		e.Close()
		t.Fatalf("it starts, wanted an error with %q", words)
	}
	said := err.Error()
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("the error lacks %q: %s", w, said)
		}
	}
	if strings.Contains(said, secret) || strings.Contains(said, "\n") {
		t.Errorf("the error has a secret, or several lines: %s", said)
	}
	t.Log(said)
}

// admin returns what changes streams behind the engine's back.
func admin(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	c, err := client.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestRefusesServers(t *testing.T) {
	t.Parallel()
	t.Run("unreachable", func(t *testing.T) {
		refused(t, nats.Options{URL: "nats://user:" + secret + "@127.0.0.1:1,127.0.0.1:2"}, "none of 127.0.0.1:1, 127.0.0.1:2 can be reached")
	})
	t.Run("without JetStream", func(t *testing.T) {
		c := natstest.Start(t, 1, func(o *server.Options) { o.JetStream = false })
		refused(t, nats.Options{URL: "nats://" + c.Hosts(0)}, "JetStream is not enabled on the servers", "store_dir")
	})
	t.Run("too few for the replicas", func(t *testing.T) {
		c := natstest.Start(t, 1)
		refused(t, nats.Options{URL: "nats://" + c.Hosts(0) + "?replicas=3"}, "cannot have 3 replicas", "replicas=")
	})
	t.Run("without room", func(t *testing.T) {
		c := natstest.Start(t, 1, func(o *server.Options) { o.JetStreamMaxStore = 1 << 20 })
		refused(t, nats.Options{URL: "nats://" + c.Hosts(0) + "?max_bytes=1073741824"}, "storage", "limits", "max_bytes=")
	})
}

func TestRefusesAccounts(t *testing.T) {
	t.Parallel()
	without, with := server.NewAccount("without"), server.NewAccount("with")
	deny := func(subjects ...string) *server.Permissions {
		return &server.Permissions{Publish: &server.SubjectPermission{Deny: subjects}}
	}
	c := natstest.Start(t, 1, func(o *server.Options) {
		o.Accounts = []*server.Account{without, with}
		o.Users = []*server.User{
			{Username: "poor", Password: secret, Account: without},
			{Username: "rich", Password: secret, Account: with},
			{Username: "reader", Password: secret, Account: with, Permissions: deny("TILLBELL.>")},
			{Username: "stranger", Password: secret, Account: with, Permissions: deny("$JS.API.>")},
			{Username: "deaf", Password: secret, Account: with, Permissions: &server.Permissions{
				Subscribe: &server.SubjectPermission{Deny: []string{"_INBOX.>"}}}},
		}
	})
	account, err := c.Server(0).LookupAccount("with")
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		t.Fatal(err)
	}
	url := func(user string) nats.Options {
		return nats.Options{URL: "nats://" + user + ":" + secret + "@" + c.Hosts(0)}
	}
	refused(t, url("poor"), "JetStream is not enabled for this account")
	refused(t, url("nobody"), "refuses who calls", "user:password@")
	refused(t, nats.Options{URL: "nats://" + c.Hosts(0)}, "refuses who calls", "creds=")
	refused(t, nats.Options{URL: "nats://" + secret + "@" + c.Hosts(0)}, "refuses who calls", "token@")
	refused(t, url("reader"), "permissions violation", `"TILLBELL.`, "needs to publish to TILLBELL.>")
	refused(t, url("stranger"), "permissions violation", "$JS.API", "needs to publish to")
	refused(t, url("deaf"), "permissions violation", "_INBOX", "subscribe to _INBOX.>")
	e, err := nats.New(t.Context(), url("rich"))
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
}

func TestRefusesStreams(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	js := admin(t, "nats://"+c.Hosts(0))
	url := "nats://" + c.Hosts(0) + "?stream="
	e, err := nats.New(t.Context(), nats.Options{URL: url + "ours"})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	refused(t, nats.Options{URL: url + "ours", Retention: 24 * time.Hour}, "start: stream ours has other settings: max_age (retention) is 72h0m0s, wanted 24h0m0s", "nats stream edit")
	refused(t, nats.Options{URL: url + "ours&max_bytes=1000000"}, "max_bytes is -1, wanted 1000000")

	change := func(name string, f func(*jetstream.StreamConfig)) {
		t.Helper()
		e, err := nats.New(t.Context(), nats.Options{URL: url + name})
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		config := s.CachedInfo().Config
		f(&config)
		if _, err := js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	change("newer", func(c *jetstream.StreamConfig) { c.Metadata["tillbell-format"] = "2" })
	refused(t, nats.Options{URL: url + "newer"}, "stream newer has format 2, this program reads format 1")
	change("changed", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.Discard = 5, jetstream.DiscardOld })
	refused(t, nats.Options{URL: url + "changed"}, "max_msgs_per_subject is 5, wanted -1", "discard is DiscardOld, wanted DiscardNew")

	for name, subjects := range map[string][]string{"foreign": {"orders.*"}, "wide": {"taken.>"}} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: subjects}); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, nats.Options{URL: url + "foreign"}, "stream foreign exists and is not Tillbell's", "stream=")
	refused(t, nats.Options{URL: url + "taken"}, "another stream takes subjects of taken.>", "stream=")
	refused(t, nats.Options{URL: url + "ours", Retention: time.Millisecond}, "retention 1ms is under a second")
}

func TestRefusesURLs(t *testing.T) {
	t.Parallel()
	for url, word := range map[string]string{
		"":                                   "server 1: it is not nats://",
		"nats://a:4222,":                     "server 2: it is not",
		"http://a:4222":                      "neither nats:// nor tls://",
		"nats://u:" + secret + "@a:4222:1":   "server 1: it is not",
		"nats://u:" + secret + "/@a":         "server 1: it is not",
		"nats://u:" + secret + "%zz@a":       "server 1: it is not",
		"nats://a/path":                      "server 1: it is not",
		"nats://a?replicas=0":                "replicas=0 is not a number from 1 to 5",
		"nats://a?replicas=many":             "replicas=many is not",
		"nats://a?replica=3":                 `no option "replica"; those that exist are creds, max_bytes`,
		"nats://a?replicas=1&replicas=3":     "replicas needs one value",
		"nats://a?creds=":                    "creds needs one value",
		"nats://a?stream=a.b":                "letters, digits",
		"nats://a?max_bytes=1GB":             "max_bytes=1GB is not a number of bytes",
		"nats://a?creds=x&nkey=y":            "give one",
		"nats://a?tls_cert=x":                "tls_cert and tls_key belong together",
		"nats://a?creds=/nowhere/user.creds": "creds: open /nowhere/user.creds: no such file",
		"nats://a?tls_ca=/nowhere/ca.pem":    "tls_ca: open /nowhere/ca.pem",
		"nats://a?%zz":                       "what follows the question mark",
	} {
		t.Run(strings.ReplaceAll(url, secret, "…"), func(t *testing.T) { refused(t, nats.Options{URL: url}, word) })
	}
}
