// Package command is the command line.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes. Await has some of its own.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitOutcome = 3 // await: an outcome, but not paid
	exitExpired = 4 // await: the wait is over while the payment is pending
)

// exit is an error that ends the program with a code. Its err may be nil: everything was said then.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// usage marks err as a wrong call.
func usage(err error) error { return exit{exitUsage, err} }

// Main runs the command line of this process and returns the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := newRoot()
	root.SetArgs(os.Args[1:])
	return code(root.ExecuteContext(ctx), root.ErrOrStderr())
}

// code reports err and returns the exit code that goes with it.
func code(err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	e := exit{exitError, err}
	errors.As(err, &e)
	if text := e.Error(); text != "" {
		fmt.Fprintln(stderr, "tillbell: "+text)
	}
	return e.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tillbell",
		Short: "Tell a waiting checkout how its payment ended",
		Long: `Tillbell is a payment-callback relay. A payment provider posts a signed callback to it, and the page, phone or till
that waits for that payment learns the outcome within milliseconds.

To see it work, run "tillbell dev" and do what it prints.`,
		Example:       "  tillbell dev\n  tillbell serve -c tillbell.yaml",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionText(),
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
	})
	root.AddCommand(newDev(), newServe(), newSend(), newAwait(), newTicket(), newVerify(), newCheck(),
		newProviders(), newVersion())
	for _, cmd := range append(root.Commands(), root) {
		cmd.Args = arguments(cmd.Args)
	}
	return root
}

// arguments makes wrong arguments a wrong call, in one line that says what to type.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		if !cmd.HasParent() {
			return usage(fmt.Errorf("there is no command %q; see %s --help", args[0], cmd.CommandPath()))
		}
		names := argumentNames(cmd)
		var text string
		switch extra := args[min(len(names), len(args)):]; {
		case len(extra) == 0:
			text = names[len(args)] + " is missing"
		case len(names) == 0 && cmd.Flags().Lookup("config") != nil:
			return usage(fmt.Errorf("a configuration is named with -c: %s -c %s", cmd.CommandPath(), extra[0]))
		default:
			text = fmt.Sprintf("there is no room for %q", extra[0])
		}
		return usage(fmt.Errorf("%s; usage: %s", text, strings.TrimSuffix(cmd.UseLine(), " [flags]")))
	}
}

// argumentNames returns what a command is to be given, as its usage line calls it. Flags come behind.
func argumentNames(cmd *cobra.Command) []string {
	line, _, _ := strings.Cut(cmd.Use, " --")
	return strings.Fields(line)[1:]
}
