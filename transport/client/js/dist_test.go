package js_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/transport/client/js/bundle"
)

// TestDistIsBuilt holds what is served and published to its sources.
func TestDistIsBuilt(t *testing.T) {
	for _, f := range bundle.Files() {
		want, err := f.Build(".")
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("dist", f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what its source makes: run make js", f.Name)
		}
	}
}

// TestSize holds the client to 4 KiB of what travels, which is compressed as Tillbell compresses it; gzip -9 makes a
// few bytes less of it.
func TestSize(t *testing.T) {
	const limit = 4096
	for _, name := range []string{"client.js", "client.classic.js", "index.js"} {
		text, err := os.ReadFile(filepath.Join("dist", name))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if packed.Len() > limit {
			t.Errorf("dist/%s has %d bytes, compressed; %d are the most", name, packed.Len(), limit)
		}
		t.Logf("dist/%s: %d bytes, compressed", name, packed.Len())
	}
}

// TestTypes checks the types of the sources, and that dist has their declarations and no others.
func TestTypes(t *testing.T) {
	node := needNode(t)
	compiler := filepath.Join("node_modules", "typescript", "bin", "tsc")
	if _, err := os.Stat(compiler); err != nil {
		skip(t, "TypeScript is not installed: run make clients")
	}
	made := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), node, compiler, "--outDir", made).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, got := declarations(t, made), declarations(t, "dist")
	if len(want) == 0 {
		t.Fatal("no declarations are made")
	}
	if !maps.Equal(got, want) {
		t.Error("the declarations in dist are not what the sources make: run make js")
	}
}

// declarations returns the text of each declaration file in a folder.
func declarations(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = string(text)
	}
	return all
}

// TestPackage holds what npm publishes: the entries, their types, and what both refer to.
func TestPackage(t *testing.T) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		skip(t, "npm is not installed")
	}
	out, err := exec.CommandContext(t.Context(), npm, "pack", "--dry-run", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packed []struct{ Files []struct{ Path string } }
	if err := json.Unmarshal(out, &packed); err != nil || len(packed) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	var files []string
	for _, f := range packed[0].Files {
		files = append(files, f.Path)
	}
	slices.Sort(files)
	want := []string{"LICENSE", "README.md", "dist/index.d.ts", "dist/index.js", "dist/miniprogram.d.ts", "dist/miniprogram.js",
		"dist/options.d.ts", "dist/react.d.ts", "dist/react.js", "dist/types.d.ts", "package.json"}
	if !slices.Equal(files, want) {
		t.Errorf("it publishes %q, want %q", files, want)
	}
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("../../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(licence, whole) {
		t.Error("the package's licence is not the program's")
	}
}
