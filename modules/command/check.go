package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
)

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate a configuration and print what it comes to",
		Long: `Check reads a configuration as serve would, keys and certificates included, and prints the effective one with every
secret redacted. Nothing is started.`,
		Example: "  tillbell check -c tillbell.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadServer(path, nil)
			if err != nil {
				return err
			}
			_, sources := modules.Sources(c)
			_, tickets := modules.Tickets(c)
			if err := errors.Join(sources, tickets); err != nil {
				return err
			}
			text, err := c.Redacted()
			if err != nil {
				return err
			}
			for _, w := range c.Warnings() {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	configFlag(cmd, &path)
	return cmd
}
