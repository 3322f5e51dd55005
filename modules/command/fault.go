package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// faulty returns the account that the fault is made with. Its other half is opened for the one that asks it.
func faulty(name string, signer callback.Signer, section config.Source) (fault.Account, error) {
	a := fault.Account{Signer: signer}
	if name != fault.Stale {
		return a, nil
	}
	var err error
	a.Provider, err = modules.Providers[section.Provider].New(section)
	return a, err
}

// printPosting says in one line what was posted and what came of it.
func printPosting(w io.Writer, p fault.Posting, source string, a answered, o sendOptions) {
	if o.json {
		line, _ := json.Marshal(map[string]any{ // strings, a number and booleans always have a JSON form
			"source": source, "payment": p.Says.Payment, "status": p.Says.Status, "amount": p.Says.Amount,
			"currency": p.Says.Currency, "fault": o.fault, "acknowledged": a.acknowledged, "http_status": a.status, "answer": a.body,
			"conflict": a.conflict,
		})
		fmt.Fprintf(w, "%s\n", line)
		return
	}
	what := fmt.Sprintf("%s: %s %s %s %s", source, p.Says.Payment, p.Says.Status, p.Says.Amount, p.Says.Currency)
	if p.Note != "" {
		what += " (" + p.Note + ")"
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
	}
	fmt.Fprintf(w, "%s → %d %s\n", what, a.status, result)
}
