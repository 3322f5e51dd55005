package modules

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
)

// reloader applies a configuration that was read again, without dropping a waiter.
type reloader struct {
	// started is what the process was started with, and stays in force where a change needs a restart.
	started *config.Config
	// current is what was read last.
	current *config.Config
	load    func() (*config.Config, error)
	route   *callback.Route
	server  *transport.Server
	admin   *transport.Admin
	log     *slog.Logger
}

// reload reads the configuration and applies what may change while the program runs, all or nothing.
func (r *reloader) reload() {
	next, err := r.load()
	if err != nil {
		r.refuse(err)
		return
	}
	sources, err := Sources(next)
	if err != nil {
		r.refuse(err)
		return
	}
	r.keep(next, sources)
	inForce := *next
	inForce.PublicURL = r.started.PublicURL // its origin belongs to what needs a restart
	access, err := access(&inForce)
	if err != nil {
		r.refuse(err)
		return
	}
	r.route.SetSources(sources)
	r.server.SetAccess(access)
	if r.admin != nil {
		r.admin.SetAccess(access)
	}
	r.report(next)
	r.current = next
}

// keep leaves the providers of sources whose settings are the same as they are: what they remember between calls, such as
// the transmissions that PayPal signed, is worth more than a fresh start.
func (r *reloader) keep(next *config.Config, sources map[string]callback.Source) {
	for name, s := range sources {
		before, ok := r.route.Source(name)
		if !ok || !r.current.Sources[name].Same(next.Sources[name]) {
			continue
		}
		s.Provider = before.Provider
		sources[name] = s
	}
}

func (r *reloader) refuse(err error) {
	r.log.Error("configuration not reloaded, nothing changed", "error", err)
}

// report logs what next changes, and what a restart would change.
func (r *reloader) report(next *config.Config) {
	changed, _ := config.Diff(r.current, next)
	if next.Tickets.JWKSFile != "" && !slices.Contains(changed, "tickets.jwks_file") {
		changed = append(changed, "tickets.jwks_file (read again)") // Diff compares paths
	}
	r.log.Info("configuration reloaded", "changed", cmp.Or(strings.Join(changed, ", "), "nothing changed"))
	if _, restart := config.Diff(r.started, next); len(restart) > 0 {
		r.log.Warn("some changes need a restart", "settings", strings.Join(restart, ", "))
	}
}
