package transport

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// httpLog returns the log of a net/http server: what strangers cause is for debugging, but that no connection can be
// accepted any more, for want of descriptors most often, is for the operator.
func httpLog(l *slog.Logger) *log.Logger { return log.New(httpWriter{l}, "", 0) }

type httpWriter struct{ log *slog.Logger }

func (w httpWriter) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("Accept error")) {
		level = slog.LevelError
	}
	w.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
