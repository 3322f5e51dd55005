package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The marks around what `tillbell providers` prints.
const (
	providersBegin = "<!-- providers -->\n"
	providersEnd   = "<!-- /providers -->\n"
)

// providerPages are the pages with such a block, and the arguments that print it.
var providerPages = map[string][]string{
	readmeEnglish:       {"providers", "--markdown"},
	readmeChinese:       {"providers", "--markdown"},
	"docs/providers.md": {"providers", "--markdown", "--details"},
}

// TestProviders holds the documentation against what the adapters say of themselves. With TILLBELL_WRITE_DOCS=1 it writes
// that into the pages.
func TestProviders(t *testing.T) {
	for page, args := range providerPages {
		out, err := exec.CommandContext(t.Context(), binary, args...).Output()
		if err != nil {
			t.Fatalf("tillbell %s: %v", strings.Join(args, " "), err)
		}
		text := readPage(t, page)
		before, rest, begins := strings.Cut(text, providersBegin)
		block, after, ends := strings.Cut(rest, providersEnd)
		if !begins || !ends {
			t.Errorf("%s has no %s…%s", page, strings.TrimSpace(providersBegin), strings.TrimSpace(providersEnd))
			continue
		}
		want := "\n" + string(out) + "\n" // tables and headings stand between empty lines
		switch {
		case block == want:
		case os.Getenv("TILLBELL_WRITE_DOCS") == "1":
			text := before + providersBegin + want + providersEnd + after
			if err := os.WriteFile(filepath.Join("..", page), []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s is not what go run . %s prints: run this test with TILLBELL_WRITE_DOCS=1", page, strings.Join(args, " "))
		}
	}
}

// withoutProviders returns a page without that block.
func withoutProviders(page string) string {
	before, rest, _ := strings.Cut(page, providersBegin)
	_, after, _ := strings.Cut(rest, providersEnd)
	return before + after
}
