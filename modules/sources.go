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

// Sources builds the configured sources. The error joins what is wrong with each.
func Sources(c *config.Config) (map[string]callback.Source, error) {
	sources := make(map[string]callback.Source, len(c.Sources))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		s := c.Sources[name]
		p, err := Providers[s.Provider].New(s)
		if err != nil {
			errs = append(errs, sourceError(c, name, err))
			continue
		}
		sources[name] = callback.Source{
			Name: name, ProviderName: s.Provider, Provider: p, NeedsRegistration: s.Registration == config.Required,
		}
	}
	return sources, errors.Join(errs...)
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
