package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback/fault"
)

// printPosting says in one line what was posted, what came of it and what follows.
func printPosting(w io.Writer, p fault.Posting, source string, a answered, o sendOptions, n next) {
	if o.json {
		line := map[string]any{
			"source": source, "payment": p.Says.Payment, "status": p.Says.Status, "amount": p.Says.Amount,
			"currency": p.Says.Currency, "fault": o.fault, "acknowledged": a.acknowledged, "http_status": a.status, "answer": a.body,
			"conflict": a.conflict,
		}
		if n.of > 0 {
			line["try"], line["tries"] = n.try, n.of
		}
		if n.after > 0 {
			line["next_try"] = time.Now().Add(n.pause).UTC().Format(time.RFC3339Nano)
		}
		text, _ := json.Marshal(line) // strings, numbers and booleans always have a JSON form
		fmt.Fprintf(w, "%s\n", text)
		return
	}
	what := fmt.Sprintf("%s: %s %s %s %s", source, p.Says.Payment, p.Says.Status, p.Says.Amount, p.Says.Currency)
	if p.Note != "" {
		what += " (" + p.Note + ")"
	}
	fmt.Fprintf(w, "%s → %s%s\n", what, outcome(p, a), n.text(o))
}

// outcome says what came of a callback, and whether that is as it should be.
func outcome(p fault.Posting, a answered) string {
	if a.status == 0 {
		return a.body
	}
	result := "acknowledged"
	switch {
	case p.Forged && a.acknowledged:
		result = "ACKNOWLEDGED, though it must not be"
	case p.Forged:
		result = "refused, as it should be"
	case !a.acknowledged:
		result = "refused: " + a.body
	case a.conflict != "":
		result = "acknowledged, not applied: the payment is in conflict (" + a.conflict + ")"
	case p.Disputed:
		result = "acknowledged: it counts where nothing else is registered"
	}
	return fmt.Sprintf("%d %s", a.status, result)
}

// text says when the next try is, with --retries.
func (n next) text(o sendOptions) string {
	switch {
	case n.of == 0:
		return ""
	case n.over:
		return fmt.Sprintf("; try %d of %d: the provider gives up", n.try, n.of)
	case n.after == 0:
		return fmt.Sprintf("; try %d of %d", n.try, n.of)
	}
	text := fmt.Sprintf("; try %d of %d, the next in %s", n.try, n.of, short(n.after))
	if o.speed != 1 {
		text += fmt.Sprintf(" (%s at %sx)", n.pause.Round(time.Millisecond), strconv.FormatFloat(o.speed, 'f', -1, 64))
	}
	return text + time.Now().Add(n.pause).Format(", at 15:04:05")
}

// short writes 3h0m0s as 3h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
