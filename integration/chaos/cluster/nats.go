//go:build linux

package cluster

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// serverConfig is a JetStream cluster of three that syncs every write, as the README demands.
var serverConfig = template.Must(template.New("").Parse(`server_name: "server-{{.Name}}"
listen: "{{.Client}}"
authorization { user: relay, password: "{{.Secret}}" }
jetstream { store_dir: "{{.Dir}}", sync_interval: always }
cluster {
  name: chaos
  listen: "{{.Route}}"
  authorization { user: route, password: "{{.Secret}}" }
  routes: [{{range .Routes}}"{{.}}", {{end}}]
}
`))

// server returns the process of nats-server i.
func (s *Site) server(i int) (*Process, error) {
	var text strings.Builder
	routes := s.all(func(i int) string {
		u := url.URL{Scheme: "nats", User: url.UserPassword("route", s.opts.Keys.routes), Host: s.route(i)}
		return u.String()
	})
	err := serverConfig.Execute(&text, map[string]any{"Name": i, "Client": s.client(i), "Dir": s.data(i), "Route": s.route(i),
		"Routes": routes, "Secret": s.opts.Keys.routes})
	if err != nil {
		return nil, fmt.Errorf("cluster: configuration: %w", err)
	}
	file := filepath.Join(s.opts.Dir, fmt.Sprintf("server-%d.conf", i))
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("cluster: configuration: %w", err)
	}
	ready := func(ctx context.Context) error {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", s.client(i))
		if err != nil {
			return err
		}
		return nc.Close()
	}
	return s.process(i, fmt.Sprintf("server-%d", i), ready, s.opts.Server, "-c", file), nil
}

// url returns the engine of the relays: all servers, so that a relay outlives its own.
func (s *Site) url() string {
	u := url.URL{Scheme: "nats", User: url.UserPassword("relay", s.opts.Keys.routes), Host: strings.Join(s.all(s.client), ","),
		RawQuery: "replicas=3"}
	return u.String()
}
