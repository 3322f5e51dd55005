//go:build linux

package target

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// Tillbell returns the program at the path with the memory engine: over event streams, over WebSocket, and half over
// each.
func Tillbell(program string, k Keys) (sse, ws, both *Target) {
	named := func(name string, ask ...generator.Ask) *Target {
		return &Target{
			Name: name, Program: program, Ask: ask, Signed: true, health: "/healthz",
			Post: generator.Post{
				Path: "/v1/callbacks/erp", Header: []string{"Content-Type: application/json"}, Body: body,
			},
			command: func(o Options, _ int, address, dir string) (*exec.Cmd, error) {
				return tillbell(program, k, o, address, dir)
			},
		}
	}
	return named("Tillbell SSE", eventStream), named("Tillbell WebSocket", webSocket),
		named("Tillbell", eventStream, webSocket)
}

// tillbellConfig is as small as serve accepts. There is no admin listener, so that several fit one machine.
var tillbellConfig = template.Must(template.New("").Parse(`listen: "{{.Address}}"
admin: ""
engine: memory
api_keys: ["{{.API}}"]
tickets: {secret: "{{.Ticket}}"}
log: {level: warn}
shutdown: {delay: 0s, drain: 1s}
{{with .Heartbeat}}await: {heartbeat: {{.}}}
{{end}}{{with .Certificate}}tls: {cert: "{{.Cert}}", key: "{{.Key}}"}
{{end}}sources:
  erp: {provider: standard-webhooks, secrets: ["whsec_{{.Signing}}"]}
`))

func tillbell(program string, k Keys, o Options, address, dir string) (*exec.Cmd, error) {
	file := filepath.Join(dir, "tillbell-"+strings.ReplaceAll(address, ":", "-")+".yaml")
	var config strings.Builder
	err := tillbellConfig.Execute(&config, map[string]any{
		"Address": address, "API": string(k.API), "Ticket": string(k.Ticket), "Signing": text(k.Signing),
		"Heartbeat": o.Heartbeat, "Certificate": o.Certificate,
	})
	if err != nil {
		return nil, fmt.Errorf("target: tillbell: config: %w", err)
	}
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, fmt.Errorf("target: tillbell: config: %w", err)
	}
	return exec.Command(program, "serve", "-c", file), nil //nolint:noctx // ended by Stop
}
