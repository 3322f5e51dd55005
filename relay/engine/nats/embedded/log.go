package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
)

// logger passes the NATS server's log on. Its notices are for who debugs; what a Tillbell's owner needs to know of the
// cluster is logged by wait and watch.
type logger struct {
	log *slog.Logger

	mu    sync.Mutex
	died  error                // the first fatal error
	again map[string]time.Time // when a text may be logged again, by the text without its numbers
}

// repeat is how long a text is not logged again: a route that is refused is tried every second.
const repeat = time.Minute

var number = regexp.MustCompile(`[0-9]+`)

// seldom reports whether the text was not logged for a while.
func (l *logger) seldom(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, kind := time.Now(), number.ReplaceAllString(text, "")
	if now.Before(l.again[kind]) {
		return false
	}
	if l.again == nil || len(l.again) > 1000 {
		l.again = make(map[string]time.Time)
	}
	l.again[kind] = now.Add(repeat)
	return true
}

const message = "nats server"

func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug(message, "says", fmt.Sprintf(format, v...))
}

func (l *logger) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case strings.HasPrefix(text, "Healthcheck failed"): // wait asks all the time
	case strings.HasPrefix(text, "Waiting for routing"), strings.HasPrefix(text, "JetStream has not established contact"),
		strings.HasPrefix(text, "Metalayer blocking snapshot"): // wait says so itself; and nothing is wrong
		l.log.Debug(message, "says", text)
	case l.seldom(text):
		l.log.Warn(message, "says", text)
	}
}

func (l *logger) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case strings.HasPrefix(text, "Error trying to connect to route"): // wait and watch say who is missing
		l.log.Debug(message, "says", text)
	case l.seldom(text):
		l.log.Error(message, "says", text)
	}
}

// Fatalf is called where a nats-server of its own would exit: only during its start.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.died == nil {
		l.died = errors.New("nats server: " + fmt.Sprintf(format, v...))
	}
}

// Debugf and Tracef are never called: both are turned off.
func (l *logger) Debugf(string, ...any) {}
func (l *logger) Tracef(string, ...any) {}

func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}
