package network

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/tillbell/tillbell/integration/harness"
)

// An nginxKind is what differs between the paths through nginx.
type nginxKind struct {
	location string // lines of the one location beside proxy_pass
	http2    bool
}

var (
	// nginxDefault is what a first `location / { proxy_pass …; }` does: HTTP/1.0 to the server, responses buffered, and
	// the Upgrade header dropped.
	nginxDefault = nginxKind{}
	nginxTuned   = nginxKind{location: nginxLines}
	nginxHTTP2   = nginxKind{location: nginxLines, http2: true}
)

// nginxLines are those that an event stream and a WebSocket need. The variable is defined by nginxMap.
const nginxLines = `
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_buffering off;
			proxy_read_timeout 1h;`

// nginxConfig has one process, without workers that could outlive it or lose the rights to their folder. Everything else
// is nginx's default, or that of Debian.
var nginxConfig = template.Must(template.New("").Parse(`daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	sendfile on;
	tcp_nopush on;
	gzip on;
	map $http_upgrade $connection_upgrade {
		default upgrade;
		"" "";
	}
	server {
		listen {{.Address}}{{if .HTTP2}} ssl http2{{end}};
		{{- if .HTTP2}}
		ssl_certificate cert.pem;
		ssl_certificate_key key.pem;
		{{- end}}
		location / {
			proxy_pass http://{{.Server}};
			{{- .Location}}
		}
	}
}
`))

// nginx runs the machine's nginx.
func nginx(kind nginxKind) func(context.Context, string, string) (stage, error) {
	return func(ctx context.Context, server, dir string) (stage, error) {
		address, err := unused(ctx)
		if err != nil {
			return stage{}, err
		}
		if kind.http2 {
			if _, err := harness.NewCertificate(dir); err != nil {
				return stage{}, err
			}
		}
		var config strings.Builder
		err = nginxConfig.Execute(&config, map[string]any{
			"Address": address, "Server": server, "Location": kind.location, "HTTP2": kind.http2,
		})
		if err != nil {
			return stage{}, fmt.Errorf("nginx: config: %w", err)
		}
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
			return stage{}, fmt.Errorf("nginx: config: %w", err)
		}
		cmd := exec.Command("nginx", "-p", dir, "-c", file, "-e", "stderr") //nolint:noctx // ended by Close
		p, err := run(ctx, cmd, dir, address)
		if err != nil {
			return stage{}, err
		}
		return stage{address: address, tls: kind.http2, closer: p}, nil
	}
}
