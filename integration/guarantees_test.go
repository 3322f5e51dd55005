package integration_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuarantees holds that each guarantee of relay/doc.go names tests, and that these exist.
func TestGuarantees(t *testing.T) {
	doc, err := os.ReadFile("../relay/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), "// # Guarantees\n")
	section, _, end := strings.Cut(section, "\n// # ")
	if !found || !end {
		t.Fatal("relay/doc.go has no section on guarantees, or nothing after it")
	}
	guarantees := regexp.MustCompile(`(?m)^// Guarantee [1-9]\. `).Split(section, -1)[1:]
	if len(guarantees) != 5 {
		t.Errorf("%d guarantees, want the 5 of the design", len(guarantees))
	}
	row := regexp.MustCompile(`(?m)^//\t([a-z/*]+): (.*)$`)
	for i, g := range guarantees {
		rows := row.FindAllStringSubmatch(g, -1)
		if len(rows) == 0 {
			t.Errorf("guarantee %d names no test", i+1)
		}
		for _, r := range rows {
			for name := range strings.SplitSeq(r[2], ", ") {
				if !isTest(t, r[1], name) {
					t.Errorf("guarantee %d: %s has no %s", i+1, r[1], name)
				}
			}
		}
	}
}

// isTest reports whether the package has the test, or each of them where the path is a pattern.
func isTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join("..", pkg))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		has := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			has = has || strings.Contains(string(text), "\nfunc "+name+"(")
		}
		if !has {
			return false
		}
	}
	return len(folders) > 0
}
