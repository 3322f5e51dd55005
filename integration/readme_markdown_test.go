package integration_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// codeBlock is a block of code in a page of Markdown, fenced with its language or indented without.
type codeBlock struct{ language, text string }

// codeBlocks returns the page's blocks of code in their order. Indented blocks are those behind an empty line.
func codeBlocks(page string) []codeBlock {
	var all []codeBlock
	var block *codeBlock // the one that is open
	fence, before := "", ""
	for line := range strings.Lines(page) {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "" && trimmed == fence:
			fence, block = "", nil
		case fence != "":
			block.text += line
		case strings.HasPrefix(trimmed, "```"):
			fence = "```"
			all = append(all, codeBlock{language: strings.TrimPrefix(trimmed, fence)})
			block = &all[len(all)-1]
		case trimmed != "" && strings.HasPrefix(line, "    ") && (block != nil || before == ""):
			if block == nil {
				all = append(all, codeBlock{})
				block = &all[len(all)-1]
			}
			block.text += line
		default:
			block = nil
		}
		before = trimmed
	}
	return all
}

// onlyBlock returns the text of the page's block in the language.
func onlyBlock(t *testing.T, blocks []codeBlock, language string) string {
	t.Helper()
	var found []string
	for _, b := range blocks {
		if b.language == language {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s, want one", len(found), language)
	}
	return found[0]
}

// change replaces what the text must have.
func change(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, by)
}

var heading = regexp.MustCompile(`^(#+) (.+)`)

// prose returns the page's lines that are not in a fenced block.
func prose(page string) []string {
	var lines []string
	fenced := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if !fenced {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}

// headings returns the levels of the page's headings, and their texts.
func headings(page string) (levels []int, texts []string) {
	for _, line := range prose(page) {
		if m := heading.FindStringSubmatch(line); m != nil {
			levels, texts = append(levels, len(m[1])), append(texts, m[2])
		}
	}
	return levels, texts
}

// link finds links and pictures: [text](target), <img src="target"> and <a href="target">.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)

// links returns the targets of the page's links, each once.
func links(page string) []string {
	var all []string
	// A link's text may be broken into two lines.
	for _, m := range link.FindAllStringSubmatch(strings.Join(prose(page), "\n"), -1) {
		all = append(all, m[1]+m[2])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// anchor returns the fragment by which GitHub links to a heading.
func anchor(text string) string {
	text = strings.ToLower(regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`).ReplaceAllString(text, ""))
	return strings.ReplaceAll(text, " ", "-")
}
