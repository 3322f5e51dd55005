package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

// A squidKind is what differs between the paths through squid.
type squidKind struct{ forward bool }

var (
	squidForward = squidKind{forward: true}
	squidReverse = squidKind{}
)

// squidConfig has Debian's rules, under which a tunnel may lead to port 443 alone, and no cache. Squid drops Upgrade unless
// http_upgrade_request_protocols says otherwise.
var squidConfig = template.Must(template.New("").Parse(`{{if .Forward -}}
http_port {{.Address}}
{{- else -}}
http_port {{.Address}} accel vhost
cache_peer {{.Host}} parent {{.Port}} 0 no-query no-digest originserver login=PASSTHRU
never_direct allow all
{{- end}}
acl SSL_ports port 443
acl Safe_ports port 80 443 1025-65535
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost
http_access deny all
cache deny all
cache_mem 8 MB
cache_log /dev/null
cache_store_log none
access_log none
netdb_filename none
pinger_enable off
pid_filename none
coredump_dir none
shutdown_lifetime 0 seconds
visible_hostname squid.example
max_filedescriptors 1024
`))

// squid runs the machine's squid in one process.
func squid(kind squidKind) func(context.Context, string, string) (stage, error) {
	return func(ctx context.Context, server, dir string) (stage, error) {
		address, err := unused(ctx)
		if err != nil {
			return stage{}, err
		}
		config, err := squidFile(kind, address, server, dir)
		if err != nil {
			return stage{}, fmt.Errorf("squid: config: %w", err)
		}
		defer config.Close()
		_, port, _ := net.SplitHostPort(address)
		name := "tillbell" + port
		cmd := exec.Command("squid", "-N", "-d", "1", "-n", name, "-f", "/dev/stdin") //nolint:noctx // ended by Close
		cmd.Stdin, cmd.Dir = config, "/"
		giveUpRoot(cmd)
		p, err := run(ctx, cmd, dir, address)
		if err != nil {
			return stage{}, err
		}
		return stage{address: address, forward: kind.forward, closer: squidProcess{p, name}}, nil
	}
}

// squidFile writes the configuration. Squid reads it from an open file, for where the program is root, squid is not, and
// has no way into the folder.
func squidFile(kind squidKind, address, server, dir string) (*os.File, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "squid.conf")
	var config bytes.Buffer
	err = squidConfig.Execute(&config, map[string]any{
		"Address": address, "Forward": kind.forward, "Host": host, "Port": port,
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, config.Bytes(), 0o644); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// A squidProcess is known by its name to the shared memory of the machine.
type squidProcess struct {
	*process
	name string
}

// Close kills squid, which would take two seconds to end, and removes the shared memory that it leaves behind then.
func (p squidProcess) Close() error {
	err := p.process.Close()
	for _, segment := range []string{"metadata", "queues", "readers"} {
		e := os.Remove("/dev/shm/" + p.name + "-cf__" + segment + ".shm")
		if !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
