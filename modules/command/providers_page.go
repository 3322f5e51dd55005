package command

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// mark is behind the providers of which no source settles something.
const mark = "†"

// providersPage is where the documentation says more of each provider.
const providersPage = "docs/providers.md"

// writeMarkdown prints the table. The names lead to where more is said of each provider.
func writeMarkdown(w io.Writer, rows []providerRow) error {
	text := "| " + strings.Join(providerColumns, " | ") + " |\n|" + strings.Repeat("---|", len(providerColumns)) + "\n"
	for _, r := range rows {
		cells := r.cells()
		cells[0] = fmt.Sprintf("[`%s`](%s#%s)", r.Name, providersPage, r.Name)
		if len(r.Unconfirmed) > 0 {
			cells[0] += " " + mark
		}
		text += "| " + strings.Join(cells, " | ") + " |\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// writePages prints what is said of each provider.
func writePages(w io.Writer, rows []providerRow) error {
	var pages []string
	for _, r := range rows {
		pages = append(pages, r.page())
	}
	_, err := io.WriteString(w, strings.Join(pages, "\n"))
	return err
}

// page returns the provider's section of the documentation.
func (r providerRow) page() string {
	text := fmt.Sprintf("### %s\n\n%s. Retries: %s.\n\n```yaml\n%s```\n\n", r.Name, r.Label, r.retries(), r.section())
	_, steps := r.source()
	for i, step := range steps {
		text += fmt.Sprintf("%d. %s\n", i+1, step)
	}
	if len(r.Unconfirmed) > 0 {
		text += "\n" + mark + " What no source settles:\n\n"
		for _, sentence := range r.Unconfirmed {
			text += "- " + sentence + "\n"
		}
	}
	return text
}

// width is how long a line of text may be.
const width = 80

// wrapped breaks the long lines of a text between words and indents what follows under the line's own text. Lines that are
// indented themselves, such as YAML's, stay.
func wrapped(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		indent := ""
		if strings.HasPrefix(line, "- ") {
			indent = "  "
		} else if digits := strings.TrimLeft(line, "0123456789"); len(digits) < len(line) && strings.HasPrefix(digits, ". ") {
			indent = strings.Repeat(" ", len(line)-len(digits)+2)
		} else if i := strings.LastIndex(line, "   "); i > 0 && line[0] != ' ' {
			indent = strings.Repeat(" ", i+3)
		}
		if strings.HasPrefix(line, " ") {
			all.WriteString(line)
			continue
		}
		at := 0
		for i, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case i > 0 && at+1+n > width && at > len(indent):
				all.WriteString("\n" + indent)
				at = len(indent)
			case i > 0:
				all.WriteString(" ")
				at++
			}
			all.WriteString(word)
			at += n
		}
	}
	return all.String()
}
