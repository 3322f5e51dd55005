package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

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
alone. It plays the payment API of providers whose callbacks have to be asked back. The other commands find it by
themselves. Everything is forgotten when it ends.`,
		Example: "  tillbell dev",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			accounts, err := throwaways()
			if err != nil {
				return err
			}
			port, err := choosePort(cmd, port)
			if err != nil {
				return err
			}
			return dev(cmd, port, accounts)
		},
	}
	cmd.Flags().IntVar(&port, "port", devPort, "listen on this `PORT`; by default another free one if it is taken")
	return cmd
}

// choosePort returns where dev listens. A port that the user named must be free.
func choosePort(cmd *cobra.Command, port int) (int, error) {
	if port < 0 || port > 65535 {
		return 0, usage(fmt.Errorf("--port %d is not a port: it must be from 0 to 65535, and 0 is any free one", port))
	}
	free, err := portOf(cmd.Context(), port)
	switch {
	case err == nil:
		return free, nil
	case cmd.Flags().Changed("port"):
		return 0, fmt.Errorf("dev cannot listen on port %d (%w): choose another with --port", port, brief(err))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "port %d is taken, so this dev listens on another; --port chooses one\n", port)
	return portOf(cmd.Context(), 0)
}

// portOf returns port if nobody listens there, and for 0 any that is free. What dev plays has to be told its address
// before dev listens.
func portOf(ctx context.Context, port int) (int, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func dev(cmd *cobra.Command, port int, accounts []throwaway) error {
	s, simulators, err := newState(accounts, "http://"+loopback(port))
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
		Extend: shop(c, sources, simulators),
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

// shop is the demo shop with the sources, which looks on at both ends of the relay, beside the simulators.
func shop(c *config.Config, sources []demo.Source, simulators map[string]http.Handler) fx.Option {
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
				Command: invocation(), Announce: announce,
			})
			lc.Append(fx.StopHook(s.Stop)) // after the server, which needs its routes
			routes := s.Routes()
			maps.Copy(routes, simulators)
			return modules.Extra{Routes: routes, Wrap: s.Wrap}, nil
		}),
	)
}

// throwaway is an account at a provider, with fresh keys.
type throwaway struct {
	modules.Adapter
	options any
	key     string
}

// throwaways returns an account for each provider, in the order of the table. The keys of some take a while to find.
func throwaways() ([]throwaway, error) {
	accounts, errs := make([]throwaway, len(modules.Adapters)), make([]error, len(modules.Adapters))
	var all sync.WaitGroup
	for i, a := range modules.Adapters {
		all.Go(func() {
			options, key, err := a.Throwaway()
			if err != nil {
				errs[i] = fmt.Errorf("dev: keys for %s: %w", a.About.Name, err)
			}
			accounts[i] = throwaway{a, options, key}
		})
	}
	all.Wait()
	return accounts, errors.Join(errs...)
}

// newState returns throw-away keys for everything and a configuration that goes with them, and by pattern what plays the
// APIs of providers at url.
func newState(accounts []throwaway, url string) (state, map[string]http.Handler, error) {
	s := state{APIKey: rand.Text() + rand.Text(), Keys: make(map[string]string)}
	sources, simulators := make(map[string]any), make(map[string]http.Handler)
	for _, a := range accounts {
		name := a.About.Name
		base := "/simulator/" + name
		options, simulator := a.Simulate(a.options, url+base)
		if simulator != nil {
			simulators[base+"/"] = http.StripPrefix(base, simulator)
		}
		section, err := asMap(options)
		if err != nil {
			return s, nil, fmt.Errorf("dev: %w", err)
		}
		section["provider"] = name
		sources[name], s.Keys[name] = section, a.key
	}
	text, err := yaml.Marshal(map[string]any{
		"admin":    "",
		"api_keys": []string{s.APIKey},
		"tickets":  map[string]any{"secret": rand.Text() + rand.Text()},
		"log":      map[string]any{"level": "warn"},
		"sources":  sources,
	})
	if err != nil {
		return s, nil, fmt.Errorf("dev: %w", err)
	}
	s.Config = string(text)
	return s, simulators, nil
}

func asMap(options any) (map[string]any, error) {
	text, err := yaml.Marshal(options)
	if err != nil {
		return nil, err
	}
	m := make(map[string]any)
	return m, yaml.Unmarshal(text, &m)
}

// shopSources returns the sources of the demo shop, in the order of the table: those that can say that something is paid.
func shopSources(s state, c *config.Config) ([]demo.Source, error) {
	var list []demo.Source
	for _, a := range modules.Adapters {
		name := a.About.Name
		if !slices.Contains(a.About.Statuses, relay.Paid) {
			continue
		}
		account, err := a.Account(c.Sources[name], s.Keys[name])
		if err != nil {
			return nil, fmt.Errorf("dev: %s: %w", name, err)
		}
		list = append(list, demo.Source{Name: name, Label: a.About.Label, Currency: a.About.Currency, Account: account})
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
`, url, self, sourceLines(), where, keys)
}

// sourceLines returns the names of dev's sources, as many in a line as fit beside what is printed before them.
func sourceLines() string {
	const begin, end = 14, 100
	var text strings.Builder
	at := begin
	for i, name := range modules.ProviderNames() {
		if i > 0 {
			text.WriteString(",")
			at += 2
			if at+len(name) > end {
				text.WriteString("\n" + strings.Repeat(" ", begin))
				at = begin
			} else {
				text.WriteString(" ")
			}
		}
		text.WriteString(name)
		at += len(name)
	}
	return text.String()
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
