package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Order: flag, environment, file, $PORT, default. Each row takes one more away.
func TestPrecedence(t *testing.T) {
	for _, test := range []struct {
		name, flag, env, file, port, want string
	}{
		{"flag", ":1", ":2", ":3", "4", ":1"},
		{"environment", "", ":2", ":3", "4", ":2"},
		{"file", "", "", ":3", "4", ":3"},
		{"PORT", "", "", "", "4", ":4"},
		{"default", "", "", "", "", ":8080"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputs{env: map[string]string{"PORT": test.port}, flags: map[string]string{}}
			if test.flag != "" {
				in.flags["listen"] = test.flag
			}
			if test.env != "" {
				in.env["TILLBELL_LISTEN"] = test.env
			}
			if test.file != "" {
				in.yaml = "listen: '" + test.file + "'\n"
			}
			equal(t, "listen", in.must(t).Listen, test.want)
		})
	}
	_, got := inputs{env: map[string]string{"PORT": "tcp://10.0.0.1:80"}}.load(t)
	equal(t, "bad PORT", got, "PORT: listen: must be a port from 0 to 65535")
	equal(t, "PORT is for listen alone", inputs{env: map[string]string{"PORT": "4"}}.must(t).Admin, "127.0.0.1:9090")
	equal(t, "bad PORT that is overridden", inputs{env: map[string]string{"PORT": "x", "TILLBELL_LISTEN": ":2"}}.must(t).Listen, ":2")
}

func TestEnvironment(t *testing.T) {
	c := inputs{
		yaml: lines("api_keys: ['${UNDEFINED_BUT_OVERRIDDEN}']", "await: {max_ttl: 1h}", "admin: ':1'",
			"sources:", "  stripe-main: {provider: wechatpay-v3, tolerance: 1m}", "  s2:"),
		env: map[string]string{
			"TILLBELL_API_KEYS":                           "a, b,c,",
			"TILLBELL_AWAIT_MAX_TTL":                      "2h",
			"TILLBELL_AWAIT_HEARTBEAT":                    "90s",
			"TILLBELL_ADMIN":                              "",
			"TILLBELL_LIMITS_CALLBACK_BODY":               "2MiB",
			"TILLBELL_TICKETS_SECRET":                     "${not expanded}",
			"TILLBELL_SOURCES_STRIPE_MAIN_PROVIDER":       "stripe",
			"TILLBELL_SOURCES_STRIPE_MAIN_REGISTRATION":   "required",
			"TILLBELL_SOURCES_STRIPE_MAIN_SECRETS":        "x,y",
			"TILLBELL_SOURCES_STRIPE_MAIN_FIELDS_PAYMENT": "data.id",
			"TILLBELL_SOURCES_STRIPE_MAIN_ACCOUNT":        "p,q",
			"TILLBELL_SOURCES_STRIPE_MAIN_LIVE":           "true",
			"TILLBELL_SOURCES_S2_PROVIDER":                "stripe",
			"TILLBELL_SOURCES_ABSENT_PROVIDER":            "stripe",
			"TILLBELL_SERVICE_HOST":                       "10.0.0.1",
			"TILLBELL_PORT":                               "tcp://10.0.0.1:8080",
		},
	}.must(t)
	equal(t, "api keys", strings.Join(c.APIKeys, "|"), "a|b|c")
	equal(t, "max_ttl", c.Await.MaxTTL, 2*time.Hour)
	equal(t, "heartbeat", c.Await.Heartbeat, 90*time.Second)
	equal(t, "admin", c.Admin, "")
	equal(t, "body", c.Limits.CallbackBody, 2<<20)
	equal(t, "secret", c.Tickets.Secret, "${not expanded}")
	equal(t, "sources", len(c.Sources), 2)
	equal(t, "bare source", c.Sources["s2"].Provider+c.Sources["s2"].Registration, "stripeoptional")
	s := c.Sources["stripe-main"]
	equal(t, "provider", s.Provider+s.Registration, "striperequired")
	var o stripeOptions
	if err := s.Decode(&o); err != nil {
		t.Fatal(err)
	}
	live := true
	want := stripeOptions{Secrets: []string{"x", "y"}, Tolerance: time.Minute, Fields: callback.Fields{Payment: "data.id"}, Live: &live, Account: callback.List{"p", "q"}}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v", o)
	}
}

func TestEnvironmentIsUnambiguous(t *testing.T) {
	_, got := inputs{
		yaml: "sources: {a: {provider: stripe}, a-fields: {provider: stripe}, b-c: {provider: stripe}, b_c: {provider: stripe}}\n",
		env:  map[string]string{"TILLBELL_SOURCES_B_C_TOLERANCE": "1m"},
	}.load(t)
	equal(t, "error", got, "TILLBELL_SOURCES_B_C_TOLERANCE: sources.b_c.tolerance: this variable also means sources.b-c.tolerance; set both in the file")
}

func TestFlags(t *testing.T) {
	c := inputs{
		yaml:  "sources: {s: {provider: stripe, tolerance: 1m}}\n",
		env:   map[string]string{"TILLBELL_CORS_ORIGINS": "https://env.example"},
		flags: map[string]string{"cors.origins": "https://a.example,https://b.example", "sources.s.tolerance": "2m", "log.level": "debug"},
	}.must(t)
	equal(t, "list", strings.Join(c.CORS.Origins, " "), "https://a.example https://b.example")
	equal(t, "level", c.Log.Level, "debug")
	var o stripeOptions
	if err := c.Sources["s"].Decode(&o); err != nil {
		t.Fatal(err)
	}
	equal(t, "tolerance", o.Tolerance, 2*time.Minute)
}
