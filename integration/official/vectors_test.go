package official_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/transport/callback"
)

// vector is a signed callback of an adapter's testdata, with what the providers' code said of it.
type vector struct {
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
	Expect struct {
		Accept bool `json:"accept"`
	} `json:"expect"`
	VerifiedBy []struct {
		Tool   string `json:"tool"`
		Result string `json:"result"`
	} `json:"verified_by"`
}

// vectors returns those of all adapters.
func vectors(t *testing.T) []vector {
	t.Helper()
	var all []vector
	root := filepath.Join("..", "..", "transport", "callback")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" || !strings.Contains(filepath.ToSlash(path), "/testdata/vectors/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		all = append(all, v)
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d vectors in %s (%v)", len(all), root, err)
	}
	return all
}

func (v vector) request(t *testing.T) callback.Request {
	t.Helper()
	u, err := url.Parse(v.Request.Path)
	if err != nil {
		t.Fatal(err)
	}
	body := v.Request.Body
	if g := v.Request.Gen; g != nil {
		body = append(append(g.Prefix, bytes.Repeat(g.Repeat, g.Count)...), g.Suffix...)
	}
	return callback.Request{Method: v.Request.Method, URL: u, Header: v.Request.Headers, Body: body}
}

// verdicts returns what the judges should say by their names: what they did when the vector was made. Mollie's code was published later
// than its vectors, so they are held to what is expected of the receiver; of classic calls it says only that they have no
// signature.
func (v vector) verdicts() map[string]bool {
	all := make(map[string]bool)
	for _, by := range v.VerifiedBy {
		all[by.Tool] = by.Result == "accept"
	}
	if v.Provider == "mollie" && v.Config["style"] == "next-gen" {
		all["mollie-api-typescript"] = v.Expect.Accept
	}
	return all
}

// TestVectors holds what the packages say of the vectors against what stands in them. Each package must have accepted
// some and refused some, which shows that it is asked in the right way.
func TestVectors(t *testing.T) {
	needNode(t)
	type verdict struct {
		of   string // the vector
		by   string
		want bool
	}
	judged := make(map[string]string) // a judge's name → its provider
	for _, j := range judges {
		if _, ok := modules.Providers[j.provider]; ok {
			judged[j.name] = j.provider
		}
	}
	var questions []question
	var verdicts []verdict
	for _, v := range vectors(t) {
		r := v.request(t)
		for name, want := range v.verdicts() {
			if judged[name] == v.Provider {
				questions = append(questions, about(name, v.Config, r, time.Unix(v.Now, 0)))
				verdicts = append(verdicts, verdict{v.Provider + "/" + v.Name, name, want})
			}
		}
	}
	accepted, refused := make(map[string]int), make(map[string]int)
	for i, a := range ask(t, questions) {
		v := verdicts[i]
		if a.Accept != v.want {
			t.Errorf("%s: %s accepts: %v (%s), want %v", v.of, v.by, a.Accept, a.Detail, v.want)
		}
		if a.Accept {
			accepted[v.by]++
		} else {
			refused[v.by]++
		}
	}
	for name, provider := range judged {
		t.Logf("%s: %s accepts %d and refuses %d", provider, name, accepted[name], refused[name])
		if accepted[name] == 0 || refused[name] == 0 {
			t.Errorf("%s: %s accepts %d vectors and refuses %d, want some of both", provider, name, accepted[name], refused[name])
		}
	}
}
