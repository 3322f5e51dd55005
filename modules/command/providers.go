package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
)

func newProviders() *cobra.Command {
	var markdown, details bool
	cmd := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "List the providers, or say how one is configured",
		Long: `Providers lists whose callbacks are understood: what of them is verified, what the provider is answered, how old a
signature may be, what repeats are told by, which statuses they tell, how many signed callbacks the adapter is held against,
and which official code judged those or takes what "tillbell send" signs.

With a NAME it prints the configuration to paste, what is to be done in the provider's console, and what no source settles.`,
		Example: "  tillbell providers\n  tillbell providers stripe",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if details && !markdown {
				return usage(errors.New("--details is of --markdown: name both"))
			}
			adapters := modules.Adapters
			if len(args) == 1 {
				a, ok := modules.Providers[args[0]]
				if !ok {
					return usage(unknownProvider(args[0]))
				}
				adapters, details = []modules.Adapter{a}, true
			}
			rows, err := providerRows(adapters)
			if err != nil {
				return err
			}
			switch w := cmd.OutOrStdout(); {
			case markdown && details:
				return writePages(w, rows)
			case markdown:
				return writeMarkdown(w, rows)
			case details:
				return rows[0].describe(w)
			default:
				return writeTable(w, rows)
			}
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "as Markdown, for the documentation")
	cmd.Flags().BoolVar(&details, "details", false, "with --markdown: how each is configured, in place of the table")
	return cmd
}

// unknownProvider says which provider may have been meant.
func unknownProvider(name string) error {
	near := slices.DeleteFunc(modules.ProviderNames(), func(known string) bool {
		return distance(name, known) > 2 && !strings.HasPrefix(known, name) && !strings.HasPrefix(name, known)
	})
	if name == "" || len(near) == 0 {
		return fmt.Errorf("there is no provider %q; there are %s", name, strings.Join(modules.ProviderNames(), ", "))
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
	return fmt.Errorf("there is no provider %q; did you mean %s?", name, strings.Join(near, " or "))
}

// distance is how many letters have to be put in, taken out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// writeTable prints the providers, each in a few lines that fit into a terminal. Who marks a name with * says so below.
func writeTable(w io.Writer, rows []providerRow) error {
	var text strings.Builder
	marked := false
	for _, r := range rows {
		cells := r.cells()
		if len(r.Unconfirmed) > 0 {
			cells[0] += " *"
			marked = true
		}
		fmt.Fprintf(&text, "%-20s   %s", cells[0], cells[1])
		for k, cell := range cells[2:] {
			fmt.Fprintf(&text, "; %s: %s", providerColumns[k+2], cell)
		}
		text.WriteString("\n")
	}
	if marked {
		text.WriteString("\n* no source settles some of it.\n")
	}
	text.WriteString("\ntillbell providers NAME says how one is configured, and what is not settled.\n")
	_, err := io.WriteString(w, plain(wrapped(text.String())))
	return err
}

// plain leaves out the marks of Markdown.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }
