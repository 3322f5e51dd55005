// Package callbacktest is the suite that every callback.Provider passes. Its vectors are signed callbacks, one JSON
// file each in the testdata/vectors folder of the adapter's package, that were made and checked with the providers'
// own SDKs.
package callbacktest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/transport/callback"
)

// Vector is one signed callback and what must become of it.
type Vector struct {
	Name     string
	Provider string
	Config   map[string]any // a source's section of the configuration, with `provider`
	Now      time.Time      // the verifier's clock
	Request  callback.Request
	Expect   Expect
	// SignerKey is the private half that the vector was signed with, where the provider has one.
	SignerKey string
	// VerifiedBy is what providers' own code said of it.
	VerifiedBy []Verdict
}

// Verdict is what one piece of providers' code, by its name, did with a vector: accept or reject.
type Verdict struct {
	Tool   string `json:"tool"`
	Result string `json:"result"`
}

// Expect is the verdict on a vector.
type Expect struct {
	Accept bool `json:"accept"`
	// Optional allows the opposite verdict; of the given one the rest must still hold.
	Optional  bool              `json:"optional"`
	Reason    callback.Reason   `json:"reason"`
	ReasonAny []callback.Reason `json:"reason_any"`
	Events    []Event           `json:"events"`
	Ack       Ack               `json:"ack"`
}

// Event is what must be read from an accepted vector. Status `other` stands for no event.
type Event struct {
	ID          string       `json:"event_id"`
	Type        string       `json:"event_type"`
	Payment     string       `json:"payment_id"`
	Transaction string       `json:"provider_payment_id"`
	Status      string       `json:"status"`
	AmountMinor *json.Number `json:"amount_minor"`
	Amount      string       `json:"amount"`
	Currency    string       `json:"currency"`
}

// Ack is how the provider reads answers. StatusOK has single codes ("204") and ranges ("200-299"); BodyMatch is
// exact, any, or not:X, where X counts as success.
type Ack struct {
	Body      string   `json:"body"`
	StatusOK  []string `json:"status_ok"`
	BodyMatch string   `json:"body_match"`
}

// file is a vector as it is stored.
type file struct {
	Name     string         `json:"name"`
	Provider string         `json:"provider"`
	Config   map[string]any `json:"config"`
	Now      int64          `json:"now"`
	Request  struct {
		Method  string              `json:"method"`
		Path    string              `json:"path"`
		Headers map[string][]string `json:"headers"`
		Body    []byte              `json:"body_base64"`
		Gen     *struct {
			Prefix []byte `json:"prefix_base64"`
			Repeat []byte `json:"repeat_base64"`
			Count  int    `json:"count"`
			Suffix []byte `json:"suffix_base64"`
		} `json:"body_gen"`
	} `json:"request"`
	Expect    Expect `json:"expect"`
	SignerKey string `json:"signer_key"`

	VerifiedBy []Verdict `json:"verified_by"`
}

// Each returns the vectors of the package under test, by file name. None at all fails the test.
func Each(t testing.TB) []Vector {
	t.Helper()
	return EachIn(t, filepath.Join("testdata", "vectors"))
}

// EachIn returns the vectors in a folder, by file name. None at all fails the test.
func EachIn(t testing.TB, folder string) []Vector {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no vectors in %s (%v)", folder, err)
	}
	vectors := make([]Vector, len(names))
	for i, name := range names {
		vectors[i] = read(t, name)
	}
	return vectors
}

// Under returns the vectors of all adapters in a folder, by the provider that they are for. None at all fails the test.
func Under(t testing.TB, folder string) map[string][]Vector {
	t.Helper()
	all := make(map[string][]Vector)
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".json" && strings.Contains(filepath.ToSlash(path), "/testdata/vectors/") {
			v := read(t, path)
			all[v.Provider] = append(all[v.Provider], v)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("no vectors under %s (%v)", folder, err)
	}
	return all
}

func read(t testing.TB, name string) Vector {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	u, err := url.Parse(f.Request.Path)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	header := make(http.Header)
	for name, values := range f.Request.Headers {
		for _, v := range values {
			header.Add(name, v)
		}
	}
	body := f.Request.Body
	if g := f.Request.Gen; g != nil {
		body = append(append(g.Prefix, bytes.Repeat(g.Repeat, g.Count)...), g.Suffix...)
	}
	return Vector{
		Name:       f.Name,
		Provider:   f.Provider,
		VerifiedBy: f.VerifiedBy,
		Config:     f.Config,
		Now:        time.Unix(f.Now, 0),
		Request:    callback.Request{Method: f.Request.Method, URL: u, Header: header, Body: body},
		Expect:     f.Expect,
		SignerKey:  f.SignerKey,
	}
}

// Decode reads a vector's configuration as an adapter's Options, as strictly as the configuration file is read.
func Decode[O any](t testing.TB, config map[string]any) O {
	t.Helper()
	var o O
	DecodeInto(t, config, &o)
	return o
}

// DecodeInto is Decode into what options points to.
func DecodeInto(t testing.TB, config map[string]any, options any) {
	t.Helper()
	section := make(map[string]any, len(config))
	for name, value := range config {
		if name != "provider" {
			section[name] = value
		}
	}
	text, err := json.Marshal(section) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(options); err != nil {
		t.Fatalf("config: %v", err)
	}
}
