package modules

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/ticket"
)

// Sources builds the configured sources, each ready to serve. The error joins what is wrong with each.
func Sources(c *config.Config) (map[string]callback.Source, error) {
	sources := make(map[string]callback.Source, len(c.Sources))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		s, err := Source(name, c.Sources[name])
		if err == nil {
			err = ready(s.Provider)
		}
		if err != nil {
			errs = append(errs, sourceError(c, name, err))
			continue
		}
		sources[name] = s
	}
	return sources, errors.Join(errs...)
}

// Source builds one source, which can verify. To serve it may need more.
func Source(name string, s config.Source) (callback.Source, error) {
	a := Providers[s.Provider]
	p, err := a.New(s)
	if err != nil {
		return callback.Source{}, err
	}
	return callback.Source{
		Name: name, ProviderName: s.Provider, Provider: p,
		Asymmetric: asymmetric(a, p), NeedsRegistration: s.Registration == config.Required,
	}, nil
}

// asymmetric reports whether p's checks cost a public-key operation. Where that depends on the settings, p says so itself.
func asymmetric(a Adapter, p callback.Provider) bool {
	if own, ok := p.(callback.Weighed); ok {
		return own.Asymmetric()
	}
	return a.About.Asymmetric
}

// ready reports what the provider lacks to be asked what its callbacks are about, if it has to be.
func ready(p callback.Provider) error {
	if f, ok := p.(callback.Fetcher); ok {
		return f.Ready()
	}
	return nil
}

// sourceError says which source err is about, and where it is written.
func sourceError(c *config.Config, name string, err error) error {
	path := "sources." + name
	if place := c.Place(path); place != "" {
		path = place + ": " + path
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Tickets builds the configured ticket keys.
func Tickets(c *config.Config) (*ticket.Keys, error) {
	o := ticket.Options{Secret: c.Tickets.Secret, Secrets: c.Tickets.Secrets, PublicKeys: c.Tickets.PublicKeys}
	if c.Tickets.JWKSFile != "" {
		var err error
		if o.JWKS, err = os.ReadFile(c.Tickets.JWKSFile); err != nil {
			return nil, fmt.Errorf("tickets.jwks_file: %w", err)
		}
	}
	keys, err := ticket.New(o)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	return keys, nil
}

// access builds who may do what.
func access(c *config.Config) (*transport.Access, error) {
	tickets, err := Tickets(c)
	if err != nil {
		return nil, err
	}
	return transport.NewAccess(c.APIKeys, tickets, c.CORS.Origins, c.PublicURL), nil
}
