package callback

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// report counts the callback and logs it as one line, or leaves the line out where strangers caused too many.
func (rt *Route) report(source *account, result string, err error, took time.Duration) {
	source.counts.Finished(result, took)
	level, why, stranger := explain(err)
	if !rt.opts.Log.Enabled(context.Background(), level) {
		return
	}
	var omitted slog.Attr
	if stranger {
		n, ok := source.strangers.take(time.Now())
		if !ok {
			return
		}
		if n > 0 {
			omitted = slog.Int("omitted", n)
		}
	}
	rt.opts.Log.LogAttrs(context.Background(), level, "callback", slog.String("source", source.Name),
		slog.String("result", result), slog.Duration("took", took), why, omitted)
}

// explain returns how loud a callback's line is, what it says about err, and whether the sender proved nothing. What is
// refused then is no alarm: anybody can post it.
func explain(err error) (level slog.Level, why slog.Attr, stranger bool) {
	if err == nil {
		return slog.LevelInfo, why, false
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		return slog.LevelError, slog.Any("error", err), errors.Is(err, errBusy)
	}
	why = slog.String("detail", refusal.Detail)
	if refusal.Genuine {
		return slog.LevelWarn, why, false
	}
	return slog.LevelInfo, why, true
}

// conflict counts and logs what e contradicts, if it does.
func (rt *Route) conflict(e *relay.Event, receipt relay.Receipt) {
	if receipt.Conflict == "" {
		return
	}
	rt.opts.Metrics.Conflict(e.Source)
	rt.opts.Log.Warn("conflict", "source", e.Source, "payment", e.Payment, "position", receipt.Position.String(),
		"reason", receipt.Conflict)
}

// linesPerSecond is how many lines strangers can cause in the log with each source. Anybody can post what is refused,
// and must not fill a disk with it; the metric counts all of it.
const linesPerSecond = 10

// quota holds strangers to it. The zero value is ready.
type quota struct {
	mu      sync.Mutex
	second  int64 // of the Unix clock
	lines   int   // written in that second
	omitted int   // not written since the last line
}

// take reports whether one more line may be written, and how many were left out since the last one.
func (q *quota) take(now time.Time) (omitted int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := now.Unix(); s != q.second {
		q.second, q.lines = s, 0
	}
	if q.lines == linesPerSecond {
		q.omitted++
		return 0, false
	}
	q.lines++
	omitted, q.omitted = q.omitted, 0
	return omitted, true
}
