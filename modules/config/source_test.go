package config_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport/callback"
)

type shared struct {
	Port  uint16  `yaml:"port"`
	Share float64 `yaml:"share"`
}

// kindOptions has the kinds of field that no adapter of the other tests has.
type kindOptions struct {
	Shared  shared                    `yaml:",inline"`
	Address netip.Addr                `yaml:"address"`
	Plain   string                    // its key is its name in lower case
	Hidden  string                    `yaml:"-"`
	Keys    struct{ Old, New string } `yaml:"keys" file:"secret"`
	Many    []shared                  `yaml:"many"`
	Never   map[int]string            `yaml:"never"`
	Any     any                       `yaml:"any"`
}

func kinds(t *testing.T, section string) (kindOptions, string) {
	t.Helper()
	c := inputs{blind: true, yaml: "sources: {s: {provider: x, " + section + "}}"}.must(t)
	var o kindOptions
	err := c.Sources["s"].Decode(&o)
	if err == nil {
		return o, ""
	}
	_, text, _ := strings.Cut(err.Error(), "tillbell.yaml:1: sources.s.")
	return o, text
}

func TestKinds(t *testing.T) {
	o, problems := kinds(t, "port: 80, share: 0.5, address: 10.0.0.1, plain: x, keys: {old: a, new: b}, many: [{port: 1}, {port: 2}]")
	equal(t, "problems", problems, "")
	want := kindOptions{Shared: shared{80, 0.5}, Address: netip.MustParseAddr("10.0.0.1"), Plain: "x", Many: []shared{{Port: 1}, {Port: 2}}}
	want.Keys.Old, want.Keys.New = "a", "b"
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v", o)
	}
	for section, want := range map[string]string{
		"port: 65536":            "port: must be a whole number",
		"share: .inf":            "share: must be a number",
		"share: NaN":             "share: must be a number",
		"address: s3cr3t":        "address: must be a valid value",
		"hidden: x":              "hidden: unknown key; allowed: provider, registration, port, share, address, plain, keys, many, never, any",
		"keys: {odl: x}":         "keys.odl: unknown key; did you mean old?",
		"keys: {old: [x]}":       "keys.old: must be a text",
		"many: [{prt: 1}]":       "many[0].prt: unknown key; did you mean port?",
		"never: {1: x}":          "never: cannot be configured",
		"any: x":                 "any: cannot be configured",
		"keys: {old: file:gone}": "keys.old: cannot read DIR/gone: no such file or directory",
	} {
		_, got := kinds(t, section)
		if i := strings.Index(got, "/"); i >= 0 {
			got = got[:i] + "DIR" + got[strings.LastIndex(got, "/"):]
		}
		equal(t, section, got, want)
	}
}

// A tag on a struct holds for what is in it.
func TestSecretStruct(t *testing.T) {
	c := config.Default()
	o := kindOptions{Shared: shared{Port: 7}, Many: []shared{{Port: 8}}}
	o.Keys.Old = "s3cr3t"
	c.Sources = map[string]config.Source{"s": config.NewSource("x", o)}
	text, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "source", string(text[strings.Index(string(text), "sources:"):]),
		"sources:\n  s:\n    provider: x\n    registration: optional\n    port: 7\n    keys:\n      old: REDACTED\n    many:\n    - port: 8\n")
}

func TestSourceDecode(t *testing.T) {
	made := config.NewSource("stripe", stripeOptions{Account: callback.List{"a"}})
	var o stripeOptions
	if err := made.Decode(&o); err != nil || !o.Account.Allows("a") || o.Account.Allows("b") {
		t.Errorf("NewSource: %+v, %v", o, err)
	}
	var w wechatOptions
	if err := made.Decode(&w); err == nil {
		t.Error("options of another provider accepted")
	}
	if err := made.Decode(o); err == nil {
		t.Error("a struct that is no pointer accepted")
	}
	if err := (config.Source{Provider: "stripe"}).Decode(&w); err != nil {
		t.Errorf("no section: %v", err)
	}

	c := inputs{blind: true, env: map[string]string{"TILLBELL_SOURCES_S_TOLERANCE": "bad"},
		yaml: lines("sources:", "  s:", "    provider: stripe", "    secretz: 1", "    retries: x", "  t: {provider: stripe, retries: 4}")}.must(t)
	err := c.Sources["s"].Decode(&o)
	if err == nil {
		t.Fatal("wrong section accepted")
	}
	text := err.Error()
	equal(t, "errors", strings.ReplaceAll(text, text[:strings.Index(text, "tillbell.yaml")], ""), lines(
		"tillbell.yaml:4: sources.s.secretz: unknown key; did you mean secrets?",
		"tillbell.yaml:5: sources.s.retries: must be a whole number",
		"TILLBELL_SOURCES_S_TOLERANCE: sources.s.tolerance: must be a duration such as 90s, 15m or 72h"))
	if err := c.Sources["t"].Decode(&o); err != nil || o.Retries != 4 {
		t.Errorf("%+v, %v", o, err)
	}
}
