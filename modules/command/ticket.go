package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
)

func newTicket() *cobra.Command {
	var path string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "ticket PAYMENT",
		Short: "Mint a ticket to await a payment",
		Long: `Ticket prints a ticket, signed with the configuration's tickets.secret or with that of the running dev. Any backend
can mint the same: a JWT with aud "tillbell", the payment as sub, and exp.`,
		Example: "  tillbell ticket order-1001\n  tillbell ticket -c tillbell.yaml order-1001 --ttl 1h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := findSetup(cmd.Context(), path)
			if err != nil {
				return needs(err, "or name a configuration with -c")
			}
			if !cmd.Flags().Changed("ttl") {
				ttl = s.config.Await.TTL
			}
			text, err := mint(s, args[0], ttl)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "life of the ticket (default: await.ttl, 15m)")
	return cmd
}

func mint(s setup, payment string, ttl time.Duration) (string, error) {
	if ttl <= 0 {
		return "", usage(fmt.Errorf("--ttl must be longer than 0"))
	}
	keys, err := modules.Tickets(s.config)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return keys.Mint(payment, now.Add(ttl), now)
}
