package network

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// haproxyConfig is Debian's, with its timeouts, and one server. A heartbeat every 20 s keeps a wait below them.
const haproxyConfig = `global
	maxconn 1000

defaults
	mode http
	timeout connect 5000
	timeout client 50000
	timeout server 50000

frontend shop
	bind %s
	default_backend tillbell

backend tillbell
	server one %s
`

// haproxy runs the machine's haproxy in one process.
func haproxy(ctx context.Context, server, dir string) (stage, error) {
	address, err := unused(ctx)
	if err != nil {
		return stage{}, err
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyConfig, address, server), 0o600); err != nil {
		return stage{}, fmt.Errorf("haproxy: config: %w", err)
	}
	cmd := exec.Command("haproxy", "-db", "-f", file) //nolint:noctx // ended by Close
	p, err := run(ctx, cmd, dir, address)
	if err != nil {
		return stage{}, err
	}
	return stage{address: address, closer: p}, nil
}
