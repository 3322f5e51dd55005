package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tillbell/tillbell"

// leaves know nothing of the HTTP edge around them, so everything there may import them.
var leaves = []string{"transport/wire", "transport/money", "transport/metrics", "transport/ticket"}

// edge is everything that a plug-in or a client must not know of: only modules puts it together.
var edge = []string{"relay/...", "transport/..."}

// layer is the row of one package, or of several alike.
type layer struct {
	pkg string
	may []string
}

// layers says which packages of the module each package may import: main → modules/command → modules → plug-ins →
// transport → relay. In a pattern * is one path element and a trailing /... is any number. The first row that matches a
// package is its own; a package without a row has no place yet.
var layers = []layer{
	{"relay/yield", nil},
	{"relay/wheel", []string{"relay/yield"}},
	{"relay", []string{"relay/wheel", "relay/yield"}},
	{"relay/engine/codec", []string{"relay"}},
	{"relay/engine/disk/internal/guard", nil},
	{"relay/engine/disk", []string{"relay", "relay/engine/codec", "relay/engine/disk/internal/guard", "relay/yield"}},
	{"relay/engine/*", []string{"relay", "relay/engine/codec", "relay/yield"}},
	{"relay/engine/nats/embedded", nil}, // a server, which the engine meets over its connection
	{"relay/engine/nats/natstest", nil},
	{"transport/wire", []string{"relay"}},
	{"transport/money", []string{"relay"}},
	{"transport/metrics", nil},
	{"transport/ticket", []string{"relay"}},
	{"transport/epoll", nil},
	{"transport/front", []string{"relay/wheel", "transport/epoll"}},
	{"transport/park", []string{"relay", "relay/wheel", "transport/epoll"}},
	{"transport", append([]string{"relay", "transport/front"}, leaves...)},
	{"transport/callback", append([]string{"relay", "transport"}, leaves...)},
	{"transport/callback/scheme", append([]string{"relay", "transport/callback"}, leaves...)},
	{"transport/callback/format", append([]string{"relay", "transport/callback"}, leaves...)},
	{"transport/callback/fetch", append([]string{"relay", "transport/callback"}, leaves...)},
	{"transport/callback/fetch/simulator", append([]string{"relay", "transport/callback", "transport/callback/fetch"}, leaves...)},
	{"transport/callback/*", append([]string{"relay", "transport/callback", "transport/callback/scheme", "transport/callback/format", "transport/callback/fetch", "transport/callback/fetch/simulator"}, leaves...)},
	{"transport/transporttest", append([]string{"relay", "relay/wheel", "relay/engine/memory", "transport", "transport/park"}, leaves...)},
	{"transport/client/js", nil},
	{"transport/client/js/bundle", nil},
	{"transport/client/js/bundle/make", []string{"transport/client/js/bundle"}},
	{"transport/client/wiretest", nil},
	{"transport/client/examples/...", nil}, // they are other people's programs
	{"transport/client", append([]string{"relay"}, leaves...)},
	{"transport/demo/line", []string{"transport"}},
	{"transport/demo/live", []string{"relay", "transport", "transport/callback"}},
	{"transport/demo", append([]string{"relay", "transport", "transport/callback", "transport/callback/fault", "transport/demo/*"}, leaves...)},
	{"transport/*", append([]string{"relay", "relay/wheel", "transport", "transport/park"}, leaves...)}, // sse, ws, poll
	{"modules/config", []string{"relay"}},
	{"modules/heap", nil},
	{"modules", append([]string{"modules/config", "modules/heap"}, edge...)},
	{"modules/command", append([]string{"modules", "modules/config"}, edge...)},
	{".", []string{"modules/command"}},
	// They measure and break the program, and are part of nothing.
	{"integration/harness", nil},
	{"integration/load/...", append([]string{"integration/harness", "integration/load/...", "modules/heap"}, edge...)},
	{"integration/abuse", append([]string{"integration/harness", "integration/load/...", "modules", "modules/config"}, edge...)},
	{"integration/matrix/...", append([]string{"integration/harness", "integration/matrix/...", "integration/load/..."}, edge...)},
	{"integration/chaos/...", append([]string{"integration/harness", "integration/chaos/...", "integration/load/..."}, edge...)},
}

// programs are the folders of integration that hold more than tests.
var programs = []string{"integration/harness", "integration/load", "integration/chaos", "integration/matrix", "integration/abuse"}

// suites are packages that only tests may import.
var suites = []string{"relay/engine/enginetest", "relay/engine/nats/natstest", "transport/callback/callbacktest", "transport/client/wiretest", "transport/transporttest"}

// pkg is one package of the module as `go list -json` tells of it. Imports are those of the code without its tests.
type pkg struct {
	ImportPath string
	GoFiles    []string
	Imports    []string
	Deps       []string // what Imports come to in the end
}

// TestImports holds the one direction of imports.
func TestImports(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

// TestImportsDeep holds what packages from elsewhere could smuggle in: relay and all it depends on is the standard
// library, and fx is nowhere below modules.
func TestImportsDeep(t *testing.T) {
	for _, p := range list(t) {
		name := local(p.ImportPath)
		if under(name, "modules") || name == "." || name == "integration/abuse" { // which has all providers from modules
			continue
		}
		for _, dep := range p.Deps {
			if isFx(dep) {
				t.Errorf("%s depends on %s", name, dep)
			}
			if standardOnly(name) && !isStandard(dep) && !under(dep, module) {
				t.Errorf("%s depends on %s, which is not the standard library", name, dep)
			}
		}
	}
}

// TestViolations shows that each rule can be broken.
func TestViolations(t *testing.T) {
	for _, c := range []struct{ importer, imported, want string }{
		{"relay", "github.com/google/uuid", "standard library"},
		{"relay", module + "/transport/wire", "may not import"},
		{"relay/engine/memory", module + "/relay/engine/disk", "may not import"},
		{"transport", module + "/transport/sse", "may not import"},
		{"transport/wire", module + "/transport", "may not import"},
		{"transport/sse", "go.uber.org/fx", "fx"},
		{"transport/callback/stripe", module + "/transport/callback/standard", "may not import"},
		{"transport/callback/stripe", module + "/modules/config", "may not import"},
		{"modules", module + "/modules/command", "may not import"},
		{"modules", module + "/relay/engine/enginetest", "tests"},
		{".", module + "/modules", "may not import"},
		{"util", "fmt", "no row"},
		{"integration", "fmt", "only tests"},
	} {
		p := pkg{ImportPath: path.Join(module, c.importer), GoFiles: []string{"a.go"}, Imports: []string{c.imported}}
		got := violations([]pkg{p})
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s importing %s: %q, want one violation with %q", c.importer, c.imported, got, c.want)
		}
	}
	fine := pkg{ImportPath: module + "/transport/callback/stripe", GoFiles: []string{"a.go"},
		Imports: []string{"fmt", "github.com/tidwall/gjson", module + "/relay", module + "/transport/callback", module + "/transport/money"}}
	if got := violations([]pkg{fine}); len(got) != 0 {
		t.Errorf("a provider as it should be: %q", got)
	}
}

// TestTopLevel holds the folders of the repository.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders, code []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."), name == "bin", name == "dist": // tools' own, and what builds leave
		case e.IsDir():
			folders = append(folders, name)
		case strings.HasSuffix(name, ".go"):
			code = append(code, name)
		}
	}
	if want := []string{"docs", "integration", "modules", "relay", "transport"}; !slices.Equal(folders, want) {
		t.Errorf("top-level folders %q, want %q", folders, want)
	}
	if want := []string{"main.go"}; !slices.Equal(code, want) {
		t.Errorf("top-level code %q, want %q", code, want)
	}
}

func violations(pkgs []pkg) []string {
	var all []string
	for _, p := range pkgs {
		all = append(all, p.violations()...)
	}
	return all
}

func (p pkg) violations() []string {
	name := local(p.ImportPath)
	if under(name, "integration") && !slices.ContainsFunc(programs, func(folder string) bool { return under(name, folder) }) {
		if len(p.GoFiles) > 0 {
			return []string{fmt.Sprintf("%s has the code %q; it holds only tests", name, p.GoFiles)}
		}
		return nil
	}
	row := slices.IndexFunc(layers, func(l layer) bool { return fits(l.pkg, name) })
	if row < 0 {
		return []string{name + " has no row in the table of layers"}
	}
	var all []string
	for _, imported := range p.Imports {
		if why := refused(name, imported, layers[row].may); why != "" {
			all = append(all, fmt.Sprintf("%s may not import %s: %s", name, local(imported), why))
		}
	}
	return all
}

// refused says why the package of the name may not import another.
func refused(name, imported string, may []string) string {
	if isStandard(imported) {
		return ""
	}
	if !under(imported, module) {
		switch {
		case standardOnly(name):
			return "it imports the standard library alone"
		case isFx(imported) && !under(name, "modules") && name != ".":
			return "only modules and main know fx"
		}
		return ""
	}
	target := local(imported)
	switch {
	case slices.Contains(suites, target):
		return "only tests may"
	case !slices.ContainsFunc(may, func(pattern string) bool { return fits(pattern, target) }):
		return "imports point one way, and to no package beside"
	}
	return ""
}

func standardOnly(name string) bool { return name == "relay" || name == "relay/wheel" }

// isStandard goes by the rule of the go command: only the standard library has no dot in the first path element.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func isFx(imported string) bool {
	return under(imported, "go.uber.org/fx") || under(imported, "go.uber.org/dig")
}

// local returns the package's path within the module, "." for main.
func local(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func under(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func fits(pattern, name string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return under(name, folder)
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// list returns what the go command says of all packages of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,GoFiles,Imports,Deps", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
