//go:build linux

package target

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/tillbell/tillbell/integration/load/generator"
)

// eventStream and webSocket are how one waits at Tillbell.
var (
	eventStream = generator.Ask{
		Path: "/v1/payments/{topic}/sse", Header: []string{"Authorization: Bearer {ticket}"},
		Ready: "event: state", Beat: "event: ping", End: `"code":"done"`,
	}
	webSocket = generator.Ask{
		WebSocket: true, Path: "/v1/payments/{topic}/ws",
		Header: []string{"Authorization: Bearer {ticket}", "Sec-WebSocket-Protocol: tillbell.v1"},
		Ready:  `"type":"state"`, Beat: `"type":"ping"`, End: `"code":"done"`,
	}
)

// An Engine is where Tillbell keeps events.
type Engine int

// The engines. Of the embedded cluster each instance is one node.
const (
	Memory Engine = iota
	Disk
	Embedded
)

// Tillbell returns the program at the path: over event streams, over WebSocket, and half over each.
func Tillbell(program string, k Keys) (sse, ws, both *Target) {
	named := func(name string, ask ...generator.Ask) *Target {
		return &Target{
			Name: name, Program: program, Ask: ask, Signed: true, health: "/healthz",
			Post: generator.Post{
				Path: "/v1/callbacks/erp", Header: []string{"Content-Type: application/json"}, Body: body,
			},
			command: func(o Options, p place) (*exec.Cmd, error) { return tillbell(program, k, o, p) },
		}
	}
	return named("Tillbell SSE", eventStream), named("Tillbell WebSocket", webSocket),
		named("Tillbell", eventStream, webSocket)
}

// tillbellConfig is as small as serve accepts. There is no admin listener, so that several fit one machine.
var tillbellConfig = template.Must(template.New("").Parse(`listen: "{{.Address}}"
admin: ""
engine: {{.Engine}}
api_keys: ["{{.API}}"]
tickets: {secret: "{{.Ticket}}"}
log: {level: warn}
shutdown: {delay: 0s, drain: 1s}
{{with .Heartbeat}}await: {heartbeat: {{.}}}
{{end}}{{with .Certificate}}tls: {cert: "{{.Cert}}", key: "{{.Key}}"}
{{end}}sources:
  erp: {provider: standard-webhooks, secrets: ["whsec_{{.Signing}}"]}
`))

func tillbell(program string, k Keys, o Options, p place) (*exec.Cmd, error) {
	name := "tillbell-" + strconv.Itoa(p.index)
	var config strings.Builder
	err := tillbellConfig.Execute(&config, map[string]any{
		"Address": p.address, "API": string(k.API), "Ticket": string(k.Ticket), "Signing": text(k.Signing),
		"Heartbeat": o.Heartbeat, "Certificate": o.Certificate, "Engine": o.Engine.config(name, p),
	})
	if err != nil {
		return nil, fmt.Errorf("target: tillbell: config: %w", err)
	}
	file := filepath.Join(p.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, fmt.Errorf("target: tillbell: config: %w", err)
	}
	return exec.Command(program, "serve", "-c", file), nil //nolint:noctx // ended by Stop
}

// config returns the engine's part of the configuration of an instance of that name.
func (e Engine) config(name string, p place) string {
	store := filepath.Join(p.dir, name+".store")
	switch e {
	case Disk:
		return "disk:" + store
	case Embedded:
		return fmt.Sprintf("nats-embedded\ncluster: {name: %s, listen: %q, peers: [%s], dir: %q}",
			name, p.routes[p.index], strings.Join(p.routes, ", "), store)
	}
	return "memory"
}
