package integration_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The README in each of its languages.
const (
	readmeEnglish = "README.md"
	readmeChinese = "README.zh-CN.md"
)

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeLanguages holds the Chinese README beside the English one: the same sections in the same order, the same
// code, the same tables' sizes, and the same links.
func TestReadmeLanguages(t *testing.T) {
	english, chinese := readPage(t, readmeEnglish), readPage(t, readmeChinese)
	levels, texts := headings(english)
	otherLevels, otherTexts := headings(chinese)
	if !slices.Equal(levels, otherLevels) {
		t.Errorf("the sections differ:\n%q\n%q", texts, otherTexts)
	}
	code, otherCode := codeBlocks(english), codeBlocks(chinese)
	if len(code) != len(otherCode) {
		t.Errorf("%d blocks of code in English, %d in Chinese", len(code), len(otherCode))
	}
	for i := range min(len(code), len(otherCode)) {
		if code[i] != otherCode[i] {
			t.Errorf("block %d of code differs:\n%s\n%s", i+1, code[i].text, otherCode[i].text)
		}
	}
	if rows, otherRows := tables(english), tables(chinese); !slices.Equal(rows, otherRows) {
		t.Errorf("the tables' cells by rows differ:\n%v\n%v", rows, otherRows)
	}
	if to, otherTo := linksElsewhere(english), linksElsewhere(chinese); !slices.Equal(to, otherTo) {
		t.Errorf("the links differ:\n%q\n%q", to, otherTo)
	}
	for page, other := range map[string]string{english: readmeChinese, chinese: readmeEnglish} {
		top, _, _ := strings.Cut(page, "\n## ")
		if !slices.Contains(links(top), other) {
			t.Errorf("the top of one README does not link to %s", other)
		}
	}
}

// tables returns how many cells each row of a table has.
func tables(page string) []int {
	var rows []int
	for _, line := range prose(page) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Count(line, "|"))
		}
	}
	return rows
}

// linksElsewhere returns the page's links but those to sections of its own and to the other language.
func linksElsewhere(page string) []string {
	return slices.DeleteFunc(links(page), func(to string) bool {
		return strings.HasPrefix(to, "#") || to == readmeEnglish || to == readmeChinese
	})
}

// TestDocLinks follows every link of the documentation that stays in the repository, to its file and its section.
func TestDocLinks(t *testing.T) {
	for _, page := range docPages(t) {
		text := readPage(t, page)
		for _, to := range links(text) {
			target, err := url.Parse(to)
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if target.Scheme != "" {
				continue
			}
			file := page
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(page), filepath.FromSlash(target.Path))
			}
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, to)
				continue
			}
			if target.Fragment != "" && !hasSection(readPage(t, file), target.Fragment) {
				t.Errorf("%s links to %s, which has no such section", page, to)
			}
		}
	}
}

// TestDocPages holds that each page of docs, and each example, is found from each README.
func TestDocPages(t *testing.T) {
	for _, readme := range []string{readmeEnglish, readmeChinese} {
		to := links(readPage(t, readme))
		for _, page := range docPages(t) {
			if under(page, "docs") && !slices.Contains(to, page) {
				t.Errorf("%s does not link to %s", readme, page)
			}
		}
	}
	const index = "transport/client/examples/README.md"
	to := links(readPage(t, index))
	for _, page := range docPages(t) {
		folder, example := strings.CutPrefix(filepath.Dir(page), filepath.Dir(index)+"/")
		if example && !slices.Contains(to, folder+"/README.md") {
			t.Errorf("%s does not link to %s", index, page)
		}
	}
}

// docPages returns the repository's pages for adopters, with slashes.
func docPages(t *testing.T) []string {
	t.Helper()
	pages := []string{readmeEnglish, readmeChinese, "CONTRIBUTING.md", "transport/client/js/README.md"}
	for _, root := range []string{"docs", "transport/client/examples"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() && e.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if err == nil && strings.HasSuffix(path, ".md") {
				pages = append(pages, filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator))))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

func hasSection(page, fragment string) bool {
	_, texts := headings(page)
	return slices.ContainsFunc(texts, func(text string) bool { return anchor(text) == fragment })
}
