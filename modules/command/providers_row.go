package command

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// providerColumns are the table's.
var providerColumns = []string{
	"provider", "verifies", "answer", "replay window", "repeats are told by", "statuses", "vectors", "checked against",
}

// providerRow is what there is to print of a provider.
type providerRow struct {
	callback.About
	// Answer is what the provider gets for a callback that is stored.
	Answer callback.Answer
}

// providerRows returns the rows of the adapters. An adapter says what it answers once it has keys.
func providerRows(adapters []modules.Adapter) ([]providerRow, error) {
	var rows []providerRow
	for _, a := range adapters {
		options, _, err := a.Throwaway()
		if err != nil {
			return nil, err
		}
		p, err := a.New(config.NewSource(a.About.Name, options))
		if err != nil {
			return nil, err
		}
		rows = append(rows, providerRow{a.About, p.Answer(nil)})
	}
	return rows, nil
}

// cells are the row's, in the order of providerColumns, in Markdown.
func (r providerRow) cells() []string {
	return []string{
		r.Name, r.Proof, r.answer(), r.Window, r.EventID, or(r.statuses()), strconv.Itoa(r.Vectors), or(strings.Join(r.Checked, ", ")),
	}
}

// everyStatus is what a provider may tell, in the order of a payment's life.
var everyStatus = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}

func (r providerRow) statuses() string {
	var words []string
	for _, s := range everyStatus {
		if slices.Contains(r.Statuses, s) {
			words = append(words, string(s))
		}
	}
	if len(words) == len(everyStatus) {
		return "all"
	}
	return strings.Join(words, ", ")
}

func or(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// longestAnswer is how much of an answer fits into a cell.
const longestAnswer = 16

// answer is the acknowledgement in a few words. JSON is what providers get that read no body.
func (r providerRow) answer() string {
	text := strconv.Itoa(r.Answer.Status)
	switch body := r.Answer.Body; {
	case body == "" || strings.HasPrefix(r.Answer.ContentType, "application/json"):
		return text
	case strings.Contains(r.Answer.ContentType, "xml"):
		return text + " and XML"
	case len(body) > longestAnswer:
		return text + " and a text"
	default:
		return text + " `" + body + "`"
	}
}

// notifyURL is where a provider posts, in the words of the steps.
const notifyURL = "https://pay.shop.example/v1/callbacks/"

// source returns the name that the sample suggests, and the steps with it.
func (r providerRow) source() (name string, steps []string) {
	name, _, _ = strings.Cut(r.Sample, ":")
	for _, step := range r.Steps {
		steps = append(steps, strings.ReplaceAll(step, "SOURCE", name))
	}
	return name, steps
}

// section returns the sample as a part of the configuration file.
func (r providerRow) section() string {
	text := "sources:\n"
	for line := range strings.Lines(r.Sample) {
		text += "  " + line
	}
	return text
}

// describe prints how the provider is configured.
func (r providerRow) describe(w io.Writer) error {
	name, steps := r.source()
	text := fmt.Sprintf("%s\n\n%s\n", r.Label, r.section())
	text += fmt.Sprintf("The notify URL is %s%s with your own host.\n\n", notifyURL, name)
	for i, step := range steps {
		text += fmt.Sprintf("%d. %s\n", i+1, step)
	}
	text += "\n"
	for i, cell := range r.cells()[1:] {
		text += fmt.Sprintf("%-20s %s\n", providerColumns[i+1], cell)
	}
	text += fmt.Sprintf("%-20s %s\n", "retries", r.retries())
	if len(r.Unconfirmed) > 0 {
		text += "\nWhat no source settles:\n"
		for _, sentence := range r.Unconfirmed {
			text += "- " + sentence + "\n"
		}
	}
	if len(r.Statuses) > 0 {
		text += fmt.Sprintf("\nTry it: tillbell dev, and in another terminal tillbell send %s --payment order-1001\n", r.Name)
	}
	_, err := io.WriteString(w, plain(wrapped(text)))
	return err
}

// retries says how often the provider tries, and after which pauses. Pauses that repeat are counted.
func (r providerRow) retries() string {
	if len(r.Retries) == 0 {
		return "none"
	}
	var total time.Duration
	var words []string
	for i := 0; i < len(r.Retries); {
		n := 1
		for i+n < len(r.Retries) && r.Retries[i+n] == r.Retries[i] {
			n++
		}
		word := short(r.Retries[i])
		if n > 1 {
			word = fmt.Sprintf("%d×%s", n, word)
		}
		words = append(words, word)
		total += time.Duration(n) * r.Retries[i]
		i += n
	}
	times := "time"
	if len(r.Retries) > 1 {
		times = "times"
	}
	return fmt.Sprintf("%d %s within %s: after %s", len(r.Retries), times, short(total), strings.Join(words, ", "))
}
