package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
)

// configFlags are the settings that have a flag.
var configFlags = []struct{ flag, setting, value string }{
	{"listen", "listen", "ADDRESS"},
	{"admin", "admin", "ADDRESS"},
	{"public-url", "public_url", "URL"},
	{"engine", "engine", "ENGINE"},
	{"log-level", "log.level", "LEVEL"},
}

func newServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the relay",
		Long: `Serve runs the relay by a configuration file, by the environment (TILLBELL_ENGINE, TILLBELL_TICKETS_SECRET, …), or
both. It refuses to start without a ticket key and an API key.

The engine is where events are kept: memory (until the process ends), disk:PATH (durable, one process),
nats://HOST:4222,…?replicas=3 (a cluster over NATS JetStream) or nats-embedded (a cluster with NATS inside, by the
configuration's cluster section).

SIGHUP reads sources, api_keys, tickets and cors again without dropping a waiter; SIGTERM drains.`,
		Example: "  tillbell serve -c tillbell.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := make(map[string]string)
			for _, s := range configFlags {
				if f := cmd.Flags().Lookup(s.flag); f.Changed {
					flags[s.setting] = f.Value.String()
				}
			}
			load := func() (*config.Config, error) { return loadServer(path, flags) }
			c, err := load()
			if err != nil {
				return err
			}
			return modules.Program{Config: c, Load: load, Log: cmd.ErrOrStderr()}.Run(cmd.Context())
		},
	}
	configFlag(cmd, &path)
	for _, s := range configFlags {
		cmd.Flags().String(s.flag, "", "`"+s.value+"` in place of the configuration's "+s.setting)
	}
	return cmd
}

// loadServer reads a configuration that a server can start with.
func loadServer(path string, flags map[string]string) (*config.Config, error) {
	c, err := config.Load(config.LoadOptions{Path: path, Flags: flags, Schema: modules.Schema()})
	if err != nil {
		return nil, err
	}
	err = c.ValidateServe()
	if err != nil && path == "" && !c.Given() {
		return nil, fmt.Errorf("no configuration was read: name a file with -c FILE, or set TILLBELL_CONFIG\n%w", err)
	}
	if err != nil {
		return nil, err
	}
	if err := modules.CheckEngine(c); err != nil {
		return nil, err
	}
	return c, nil
}
