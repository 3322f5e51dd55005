//go:build linux

package target

import (
	"os/exec"
	"path/filepath"

	"github.com/tillbell/tillbell/integration/load/generator"
)

// Yardsticks returns the servers of package yardstick, built at the path.
func Yardsticks(program string, k Keys) (sse, bolt, bare *Target) {
	named := func(name, mode string) *Target {
		return &Target{
			Name: name, Program: program, Signed: true, health: "/healthz",
			Ask:  []generator.Ask{{Path: "/events?topic={topic}"}},
			Post: generator.Post{Path: "/publish?topic={topic}", Header: []string{"Content-Type: application/json"}, Body: body},
			command: func(_ Options, p place) (*exec.Cmd, error) {
				//nolint:noctx // ended by Stop
				cmd := exec.Command(program, "-mode", mode, "-addr", p.address, "-store", filepath.Join(p.dir, "store"))
				cmd.Env = []string{"YARDSTICK_KEY=" + text(k.Signing)}
				return cmd, nil
			},
		}
	}
	return named("net/http SSE", "sse"), named("net/http and bbolt", "bolt"), named("net/http, verify and 204", "bare")
}
