package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/wire"
)

// awaitOptions are await's flags.
type awaitOptions struct {
	path, transport, ticket, url string
	json                         bool
}

func newAwait() *cobra.Command {
	var o awaitOptions
	cmd := &cobra.Command{
		Use:   "await PAYMENT",
		Short: "Wait in this terminal until a payment has an outcome",
		Long: `Await waits for a payment as a checkout page does, over the first transport that works, and prints what it is told.

It exits with 0 if the payment was paid, with 3 on any other outcome (refunded, failed, closed), and with 4 if the wait
was over while the payment was pending.`,
		Example: "  tillbell await order-1001\n  tillbell await order-1001 --transport ws --json\n" +
			"  tillbell await order-1001 --url https://pay.shop.example --ticket \"$TICKET\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return await(cmd, args[0], o) },
	}
	f := cmd.Flags()
	configFlag(cmd, &o.path)
	f.StringVar(&o.transport, "transport", "", "sse, ws or poll (default: the first that works)")
	f.StringVar(&o.ticket, "ticket", "", "the `TICKET` for this payment (default: one minted with the keys of dev or the configuration)")
	f.StringVar(&o.url, "url", "", "the server's `URL` (default: the running dev's, or the configuration's public_url)")
	f.BoolVar(&o.json, "json", false, "print each event as a JSON line and nothing else")
	return cmd
}

func await(cmd *cobra.Command, payment string, o awaitOptions) error {
	if err := relay.CheckPayment(payment); err != nil {
		return usage(err)
	}
	if o.transport != "" && o.transport != "sse" && o.transport != "ws" && o.transport != "poll" {
		return usage(fmt.Errorf("--transport %q is none of sse, ws, poll", o.transport))
	}
	s, err := o.complete(cmd.Context(), payment)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if err := reach(ctx, s); err != nil {
		return err
	}
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if !o.json {
		fmt.Fprintf(stderr, "waiting for %s at %s\n", payment, s.url)
	}
	conflict := false
	out, err := client.Await(ctx, client.Options{
		URL: s.url, Payment: payment, Ticket: o.ticket, Transport: o.transport,
		OnState: func(snap wire.Snapshot) {
			if snap.Conflict && !conflict {
				conflict = true
				fmt.Fprintf(stderr, "%s: something contradicts this payment's registration or outcome and was not applied\n", payment)
			}
		},
		OnEvent: func(e wire.Event) { tell(stdout, e, o.json) },
		OnRetry: func(cause error, pause time.Duration) {
			fmt.Fprintf(stderr, "%v; trying again in %s\n", brief(cause), pause.Round(time.Millisecond))
		},
	})
	if err != nil {
		if ctx.Err() != nil {
			return exit{exitError, errors.New("interrupted, the payment is " + string(out.Status))}
		}
		return failed(err)
	}
	return verdictOf(stdout, payment, out, o.json)
}

// complete finds the server and a ticket where the flags do not name them.
func (o *awaitOptions) complete(ctx context.Context, payment string) (setup, error) {
	given := setup{named: o.url != ""}
	if given.named {
		var err error
		if given.url, err = readURL(o.url); err != nil {
			return setup{}, err
		}
	}
	if given.named && o.ticket != "" {
		return given, nil
	}
	s, err := findSetup(ctx, o.path)
	switch {
	case errors.Is(err, errNoDev) && given.named:
		return s, errors.New("a ticket is missing: pass it with --ticket, or name a configuration to mint it with -c")
	case err != nil:
		return s, needs(err, "or say where to wait with --url and --ticket")
	}
	if s.config.PublicURL != "" {
		s.url = s.config.PublicURL // payers wait there, so this tries their way
	}
	if given.named {
		s.url, s.named = given.url, true
	}
	if o.ticket == "" {
		o.ticket, err = mint(s, payment, s.config.Await.TTL)
	}
	return s, err
}

// reach reports an error if nothing at all answers, which is a mistake more often than an outage when a wait begins.
func reach(ctx context.Context, s setup) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/healthz", nil)
	if err != nil {
		return usage(errors.New("--url: no address can be made of it"))
	}
	resp, err := sendClient.Do(req)
	if err != nil {
		return unreachable(s, err)
	}
	return resp.Body.Close()
}

// failed says in the terms of the flags why the wait came to nothing.
func failed(err error) error {
	if errors.Is(err, client.ErrUnauthorized) {
		return errors.New("the server refuses the ticket: mint one for exactly this payment that has not expired, and pass it with --ticket")
	}
	return brief(err)
}

// tell prints one event.
func tell(w io.Writer, e wire.Event, json bool) {
	if json {
		fmt.Fprintf(w, "%s\n", wire.Marshal(e))
		return
	}
	line := fmt.Sprintf("%s: %s", e.Data.Payment, e.Data.Status)
	if e.Data.Amount != "" {
		line += " " + string(e.Data.Amount) + " " + e.Data.Currency
	}
	by := e.Data.Provider
	if by == "" {
		by = strings.TrimPrefix(e.Source, "/sources/")
	}
	fmt.Fprintf(w, "%s (%s, %s)\n", line, by, e.Time)
}

// verdictOf ends the command with the code that the outcome has.
func verdictOf(w io.Writer, payment string, out client.Outcome, json bool) error {
	switch {
	case out.Status == relay.Paid:
		return nil
	case out.Code == client.Expired && out.Status == relay.Pending:
		if !json {
			fmt.Fprintf(w, "%s: still pending, the wait is over\n", payment)
		}
		return exit{code: exitExpired}
	default:
		return exit{code: exitOutcome}
	}
}
