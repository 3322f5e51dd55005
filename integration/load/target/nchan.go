//go:build linux

package target

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"github.com/tillbell/tillbell/integration/load/generator"
)

// ErrNoNchan is a machine without nginx or without its Nchan module.
var ErrNoNchan = errors.New("nginx with the Nchan module is not installed")

// nchanModules are where distributions put the module.
var nchanModules = []string{
	"/usr/lib/nginx/modules/ngx_nchan_module.so",
	"/usr/lib64/nginx/modules/ngx_nchan_module.so",
	"/usr/local/libexec/nginx/ngx_nchan_module.so",
}

// Nchan returns the machine's Nchan, a module of nginx in C that neither verifies nor parses, over event streams and
// over WebSocket. The error is ErrNoNchan.
func Nchan() (sse, ws *Target, err error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, nil, ErrNoNchan
	}
	for _, module := range nchanModules {
		if _, err := os.Stat(module); err == nil {
			return nchan("Nchan SSE", program, module, "/sse/{topic}", false),
				nchan("Nchan WebSocket", program, module, "/ws/{topic}", true), nil
		}
	}
	return nil, nil, ErrNoNchan
}

func nchan(name, program, module, path string, ws bool) *Target {
	return &Target{
		Name: name, Program: module, health: "/healthz", forks: true,
		Ask:  []generator.Ask{{Path: path, WebSocket: ws}},
		Post: generator.Post{Path: "/publish/{topic}", Header: []string{"Content-Type: application/json"}, Body: body},
		command: func(_ Options, p place) (*exec.Cmd, error) {
			file := filepath.Join(p.dir, "nginx.conf")
			f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
			if err != nil {
				return nil, fmt.Errorf("target: nchan: config: %w", err)
			}
			err = nchanConfig.Execute(f, map[string]any{
				"Module": module, "Address": p.address, "Workers": p.instances + 1, "Connections": nchanConnections,
			})
			if err = errors.Join(err, f.Close()); err != nil {
				return nil, fmt.Errorf("target: nchan: config: %w", err)
			}
			return exec.Command(program, "-p", p.dir, "-c", file, "-e", "stderr"), nil //nolint:noctx // ended by Stop
		},
	}
}

// nchanConnections is for each worker; nginx makes room for them when it starts.
const nchanConnections = 19_900

// nchanConfig keeps one message of each payment for ten minutes in memory. There is a worker more than one would need,
// because nginx does not spread connections evenly.
var nchanConfig = template.Must(template.New("").Parse(`load_module {{.Module}};
daemon off;
worker_processes {{.Workers}};
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr crit;
events { worker_connections {{.Connections}}; }
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	client_body_buffer_size 16k;
	nchan_message_buffer_length 1;
	nchan_message_timeout 10m;
	server {
		listen {{.Address}};
		location = /healthz { return 204; }
		location ~ ^/sse/(.+)$ { nchan_subscriber eventsource; nchan_channel_id $1; }
		location ~ ^/ws/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; }
		location ~ ^/publish/(.+)$ { nchan_publisher http; nchan_channel_id $1; }
	}
}
`))
