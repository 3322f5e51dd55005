package command

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/fx"
	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/demo"
	"github.com/tillbell/tillbell/transport/demo/live"
)

// devPort is where dev listens if nobody else does.
const devPort = 8080

func newDev() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, with nothing to configure",
		Long: `Dev runs the relay with throw-away keys, a source for each provider and a demo shop, reachable from this machine
alone. The other commands find it by themselves. Everything is forgotten when it ends.`,
		Example: "  tillbell dev",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			port, err := choosePort(cmd, port)
			if err != nil {
				return err
			}
			return dev(cmd, port)
		},
	}
	cmd.Flags().IntVar(&port, "port", devPort, "listen on this `PORT`; by default another free one if it is taken")
	return cmd
}

// choosePort returns where dev listens, 0 for where the system likes. A port that the user named must be free.
func choosePort(cmd *cobra.Command, port int) (int, error) {
	if port < 0 || port > 65535 {
		return 0, usage(fmt.Errorf("--port %d is not a port: it must be from 0 to 65535, and 0 is any free one", port))
	}
	ln, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", loopback(port))
	switch {
	case err == nil:
		return port, ln.Close()
	case cmd.Flags().Changed("port"):
		return 0, fmt.Errorf("dev cannot listen on port %d (%w): choose another with --port", port, brief(err))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "port %d is taken, so this dev listens on another; --port chooses one\n", port)
	return 0, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func dev(cmd *cobra.Command, port int) error {
	s, err := newState()
	if err != nil {
		return err
	}
	c, err := s.config()
	if err != nil {
		return err
	}
	c.Listen = loopback(port)
	if err := c.ValidateServe(); err != nil {
		return err
	}
	sources, err := shopSources(s, c)
	if err != nil {
		return err
	}
	remove := func() {}
	defer func() { remove() }()
	return modules.Program{
		Config: c,
		Log:    cmd.ErrOrStderr(),
		Extend: shop(c, sources),
		Started: func(public *transport.Server) error {
			s.URL = "http://" + public.Addr().String()
			if other, err := loadState(cmd.Context()); err == nil && other.URL != s.URL {
				fmt.Fprintf(cmd.ErrOrStderr(), "another dev runs at %s; until this one ends, the other commands go to this one\n", other.URL)
			}
			path, forget, err := s.save()
			if err != nil {
				return err
			}
			remove = forget
			welcome(cmd.OutOrStdout(), s.URL, path)
			return nil
		},
	}.Run(cmd.Context())
}

// shop is the demo shop with the sources, which looks on at both ends of the relay.
func shop(c *config.Config, sources []demo.Source) fx.Option {
	view := live.New()
	return fx.Options(
		fx.Supply(modules.Watch{Trace: view, Transport: view.Watch}),
		fx.Provide(func(lc fx.Lifecycle, r *relay.Relay, route *callback.Route, log *slog.Logger) (modules.Extra, error) {
			tickets, err := modules.Tickets(c)
			if err != nil {
				return modules.Extra{}, err
			}
			s := demo.New(demo.Options{
				Relay: r, Tickets: tickets, Sources: sources, Callbacks: route, Live: view, Log: log,
				Command: invocation(),
			})
			lc.Append(fx.StopHook(s.Stop)) // after the server, which needs its routes
			return modules.Extra{Routes: s.Routes(), Wrap: s.Wrap}, nil
		}),
	)
}

// newState returns throw-away keys for everything and a configuration that goes with them.
func newState() (state, error) {
	s := state{APIKey: rand.Text() + rand.Text(), Keys: make(map[string]string)}
	sources := make(map[string]any)
	for _, name := range modules.ProviderNames() {
		options, key, err := modules.Providers[name].Throwaway()
		if err != nil {
			return s, fmt.Errorf("dev: keys for %s: %w", name, err)
		}
		section, err := asMap(options)
		if err != nil {
			return s, fmt.Errorf("dev: %w", err)
		}
		section["provider"] = name
		sources[name], s.Keys[name] = section, key
	}
	text, err := yaml.Marshal(map[string]any{
		"admin":    "",
		"api_keys": []string{s.APIKey},
		"tickets":  map[string]any{"secret": rand.Text() + rand.Text()},
		"log":      map[string]any{"level": "warn"},
		"sources":  sources,
	})
	if err != nil {
		return s, fmt.Errorf("dev: %w", err)
	}
	s.Config = string(text)
	return s, nil
}

func asMap(options any) (map[string]any, error) {
	text, err := yaml.Marshal(options)
	if err != nil {
		return nil, err
	}
	m := make(map[string]any)
	return m, yaml.Unmarshal(text, &m)
}

// labels are what the demo shop calls the providers, in its order.
var labels = []struct{ provider, label, currency string }{
	{"wechatpay-v3", "WeChat Pay", "CNY"},
	{"alipay", "Alipay", "CNY"},
	{"stripe", "Stripe", "USD"},
	{"standard-webhooks", "Standard Webhooks", "EUR"},
}

// currencyOf returns what a source's callbacks are about unless one says otherwise.
func currencyOf(provider string) string {
	for _, l := range labels {
		if l.provider == provider {
			return l.currency
		}
	}
	return "USD"
}

func shopSources(s state, c *config.Config) ([]demo.Source, error) {
	var list []demo.Source
	for _, l := range labels {
		adapter, section := modules.Providers[l.provider], c.Sources[l.provider]
		signer, err := adapter.NewSigner(section, s.Keys[l.provider])
		if err != nil {
			return nil, fmt.Errorf("dev: %s: %w", l.provider, err)
		}
		provider, err := adapter.New(section)
		if err != nil {
			return nil, fmt.Errorf("dev: %s: %w", l.provider, err)
		}
		list = append(list, demo.Source{
			Name: l.provider, Label: l.label, Currency: l.currency, Signer: signer, Provider: provider,
		})
	}
	return list, nil
}

// welcome prints what to do next, and in which file the keys are. Nothing it prints is secret.
func welcome(w io.Writer, url, keys string) {
	self, where := invocation(), ""
	if strings.HasPrefix(self, "go run") {
		where = " in this folder"
	}
	fmt.Fprintf(w, `Tillbell runs at %[1]s

  Demo shop   %[1]s/demo
  Sources     %[3]s
  Keys        %[5]s (the API key among them; this user alone can read it)

Try it in two more terminals%[4]s:

  %[2]s await order-1001
  %[2]s send stripe --payment order-1001

All keys are made up for this run and forgotten with it. Ctrl-C ends it.
`, url, self, strings.Join(modules.ProviderNames(), ", "), where, keys)
}

// invocation returns how the user called this program, as far as it can be told.
func invocation() string {
	exe, err := os.Executable()
	if err == nil && strings.Contains(exe, string(filepath.Separator)+"go-build") {
		return "go run ."
	}
	if dir := filepath.Dir(os.Args[0]); dir == "." && !strings.HasPrefix(os.Args[0], ".") {
		return filepath.Base(os.Args[0])
	}
	return os.Args[0]
}
