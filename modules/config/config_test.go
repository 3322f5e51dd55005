package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport/callback"
)

// The options of two adapters in miniature, with every kind of field that adapters use.
type stripeOptions struct {
	Secrets   []string        `yaml:"secrets,omitempty" file:"secret"`
	Tolerance time.Duration   `yaml:"tolerance,omitempty"`
	Fields    callback.Fields `yaml:"fields,omitempty"`
	Retries   int             `yaml:"retries,omitempty"`
	Live      *bool           `yaml:"live,omitempty"`
	Account   callback.List   `yaml:"account,omitempty"`
}

type wechatOptions struct {
	Mchid        callback.List     `yaml:"mchid,omitempty"`
	Appid        callback.List     `yaml:"appid,omitempty"`
	APIv3Key     string            `yaml:"api_v3_key,omitempty" file:"secret"`
	PublicKeys   map[string]string `yaml:"public_keys,omitempty" file:"public"`
	Certificates []string          `yaml:"certificates,omitempty" file:"public"`
	KeyRing      map[string]string `yaml:"key_ring,omitempty" file:"secret"`
	Statuses     map[string]string `yaml:"statuses,omitempty"`
}

func schema() map[string]any {
	return map[string]any{"stripe": stripeOptions{}, "wechatpay-v3": wechatOptions{}}
}

// inputs is what one test loads from.
type inputs struct {
	yaml  string
	env   map[string]string
	flags map[string]string
	files map[string]string
	blind bool // without a schema
}

func (in inputs) getenv(name string) (string, bool) {
	value, ok := in.env[name]
	return value, ok
}

// load writes the files beside tillbell.yaml and loads it. In the error the folder is replaced by DIR.
func (in inputs) load(t testing.TB) (*config.Config, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range in.files {
		write(t, filepath.Join(dir, name), content)
	}
	path := filepath.Join(dir, "tillbell.yaml")
	write(t, path, in.yaml)
	o := config.LoadOptions{Path: path, Getenv: in.getenv, Flags: in.flags, Schema: schema()}
	if in.blind {
		o.Schema = nil
	}
	c, err := config.Load(o)
	if err != nil {
		return nil, strings.ReplaceAll(err.Error(), dir+"/", "")
	}
	return c, ""
}

func (in inputs) must(t testing.TB) *config.Config {
	t.Helper()
	c, text := in.load(t)
	if text != "" {
		t.Fatalf("Load: %s", text)
	}
	return c
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func lines(text ...string) string { return strings.Join(text, "\n") }
