package modules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

// folders returns the folders with vectors by the provider that the vectors are for.
func folders(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, pattern := range []string{"../transport/callback/*/testdata/vectors", "../transport/callback/*/testdata/vectors/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range found {
			files, err := filepath.Glob(filepath.Join(folder, "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 {
				continue
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			var v struct{ Provider string }
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatalf("%s: %v", files[0], err)
			}
			all[v.Provider] = append(all[v.Provider], folder)
		}
	}
	return all
}

// source returns a vector's configuration as it is read from a file.
func source(t *testing.T, section map[string]any) config.Source {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{"sources": map[string]any{"it": section}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tillbell.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.LoadOptions{Path: path, Schema: modules.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Sources["it"]
}

// Every provider of the table passes its vectors as a configured source, and every folder of vectors has its provider.
func TestVectorsOfAllProviders(t *testing.T) {
	all := folders(t)
	for _, a := range modules.Adapters {
		name := a.About.Name
		var vectors []callbacktest.Vector
		for _, folder := range all[name] {
			vectors = append(vectors, callbacktest.EachIn(t, folder)...)
		}
		delete(all, name)
		if len(vectors) != a.About.Vectors {
			t.Errorf("%s: About says %d vectors, there are %d", name, a.About.Vectors, len(vectors))
		}
		for _, v := range vectors {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				p, err := a.New(source(t, v.Config))
				if err != nil {
					t.Fatal(err)
				}
				v.Check(t, p)
			})
		}
	}
	for name, folder := range all {
		t.Errorf("%v: no provider %q", folder, name)
	}
}

// What a provider signs, it reads: all statuses that it says it has.
func TestSignersOfAllProviders(t *testing.T) {
	for _, a := range modules.Adapters {
		t.Run(a.About.Name, func(t *testing.T) {
			options, key, err := a.Throwaway()
			if err != nil {
				t.Fatal(err)
			}
			s := config.NewSource(a.About.Name, options)
			p, err := a.New(s)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := a.NewSigner(s, key)
			if err != nil {
				t.Fatal(err)
			}
			n := callback.Notification{Payment: "order-7", Amount: "12.30", Currency: a.About.Currency,
				Time: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)}
			callbacktest.RoundTrips(t, p, signer, n, a.About.Statuses...)
		})
	}
}
