package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/nats-io/nats-server/v2/server"
)

// health is what the NATS server says of itself.
type health struct {
	led     bool // the cluster has a leader that this node follows
	current bool // and the node has all that its part of the log had when it came
}

// health asks the NATS server as its monitoring port would, which is closed. It is the server's only way to say whether
// the log is caught up with. Consumers do not count: those of nodes that have gone are still there for a while.
func (s *Server) health(ctx context.Context) health {
	if len(s.nodes.others) == 0 {
		is := s.nats.JetStreamEnabled()
		return health{led: is, current: is}
	}
	var page recorder
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.HealthzPath+"?details=true", http.NoBody)
	if err != nil {
		return health{}
	}
	s.nats.HandleHealthz(&page, r)
	var status server.HealthStatus
	if err := json.Unmarshal(page.body.Bytes(), &status); err != nil {
		return health{}
	}
	h := health{led: true, current: true}
	for _, e := range status.Errors {
		switch e.Type {
		case server.HealthzErrorConsumer:
		case server.HealthzErrorAccount, server.HealthzErrorStream:
			h.current = false
		default:
			return health{}
		}
	}
	return h
}

// recorder is a page that nobody is sent.
type recorder struct {
	body bytes.Buffer
}

func (r *recorder) Header() http.Header         { return make(http.Header) }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
