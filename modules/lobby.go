package modules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/transport"
)

// lobby answers at the public address while the process waits for its cluster, or for a disk engine that reads or mends its
// folder: /healthz says that it lives, so that no platform ends it for waiting, which would begin a mending anew, and all
// else is told to come back. It leaves before the public listener opens.
type lobby struct {
	server *http.Server
	done   chan struct{}
}

// openLobby opens the lobby where there is something to wait for. It returns nil where there is not.
func openLobby(ctx context.Context, c *config.Config, log *slog.Logger) (*lobby, error) {
	_, port, _ := net.SplitHostPort(c.Listen)
	if kind := c.EngineKind(); kind != "nats-embedded" && kind != "disk" || port == "0" {
		return nil, nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		cause := err
		if op := new(net.OpError); errors.As(err, &op) {
			cause = op.Err // it names the address once more
		}
		return nil, fmt.Errorf("listen on %s: %w; set listen (--listen, TILLBELL_LISTEN or PORT) to another address", c.Listen, cause)
	}
	l := &lobby{
		server: &http.Server{
			Handler: http.HandlerFunc(wait), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
			MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		done: make(chan struct{}),
	}
	l.server.SetKeepAlivesEnabled(false) // the next request may be the listener's
	go func() {
		defer close(l.done)
		if c.TLS.Cert != "" {
			err = l.server.ServeTLS(ln, c.TLS.Cert, c.TLS.Key)
		} else {
			err = l.server.Serve(ln)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			log.Warn("nobody is told that the process waits", "error", err)
		}
	}()
	return l, nil
}

// close gives the address back. Requests in flight, of a few bytes each, are cut. A nil lobby is closed.
func (l *lobby) close() {
	if l == nil {
		return
	}
	_ = l.server.Close() // the error is that of a listener that is gone
	<-l.done
}

// wait answers who comes while the process waits.
func wait(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		transport.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	case strings.HasSuffix(r.URL.Path, "/sse"):
		panic(http.ErrAbortHandler) // a browser comes back from a connection that is cut, and from a 503 it does not
	default:
		w.Header().Set("Retry-After", "5")
		transport.NewProblem(http.StatusServiceUnavailable, "starting", "the server opens its log, come back").Write(w)
	}
}
