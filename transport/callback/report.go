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
	level, why, q := source.explain(result, err)
	if !rt.opts.Log.Enabled(context.Background(), level) {
		return
	}
	var omitted slog.Attr
	if q != nil {
		n, ok := q.take(time.Now())
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

// resultOf names the reason for which nothing of a callback was stored, before the engine was asked.
func resultOf(err error) string {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return string(refusal.Reason)
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.result
	}
	if _, ok := errors.AsType[*delay](err); ok {
		return "limited"
	}
	return "busy"
}

// explain returns how loud a callback's line is, what it says about err, and the quota of such lines, nil where only who
// proved something can cause one. What is refused is no alarm: anybody can post it. A callback that was seen once can be
// posted again and again, where the provider sets no time limit, and with other headers, or another body, than are signed.
func (a *account) explain(result string, err error) (level slog.Level, why slog.Attr, q *quota) {
	if err == nil && result != "stored" {
		return slog.LevelInfo, why, &a.repeated
	}
	if err == nil {
		return slog.LevelInfo, why, nil
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		why = slog.String("detail", refusal.Detail)
		if refusal.Genuine {
			return slog.LevelWarn, why, &a.rejected
		}
		return slog.LevelInfo, why, &a.refused
	}
	why = slog.Any("error", err)
	if _, ok := errors.AsType[*delay](err); ok {
		return slog.LevelWarn, why, &a.delayed
	}
	if _, ok := errors.AsType[*failure](err); ok || errors.Is(err, errBusy) {
		return slog.LevelError, why, &a.failed
	}
	return slog.LevelError, why, nil
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

// linesPerSecond is how many lines of a kind strangers can cause in the log with each source. Anybody can post what is
// refused, and must not fill a disk with it; the metric counts all of it.
const linesPerSecond = 10

// quota holds strangers to so many lines a second. It is used by a pointer.
type quota struct {
	most int // a second

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
	if q.lines == q.most {
		q.omitted++
		return 0, false
	}
	q.lines++
	omitted, q.omitted = q.omitted, 0
	return omitted, true
}
