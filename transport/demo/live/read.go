package live

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Snapshot is the transport of a waiter that read the payment's state, as clients do when they begin and when they come
// back.
const Snapshot = "snapshot"

// Reads passes everything on to h and has the Live told who reads GET /v1/payments/{payment} and learns from it what a
// callback said. Merchants, who read with an API key, are no waiters.
func (l *Live) Reads(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payment, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v1/payments/")
		if !ok || r.Method != http.MethodGet || strings.Contains(payment, "/") {
			h.ServeHTTP(w, r)
			return
		}
		answer := &reading{ResponseWriter: w}
		h.ServeHTTP(answer, r)
		l.read(answer.text)
	})
}

// maxRead is how much of an answer is looked at, in bytes. A snapshot has less.
const maxRead = 4 << 10

// reading is a ResponseWriter that keeps the beginning of the body.
type reading struct {
	http.ResponseWriter
	text []byte
}

// Unwrap is there for http.ResponseController.
func (w *reading) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write is the ResponseWriter's.
func (w *reading) Write(b []byte) (int, error) {
	w.text = append(w.text, b[:min(len(b), maxRead-len(w.text))]...)
	return w.ResponseWriter.Write(b)
}

// read shows that a waiter read what an event had made of the payment, once for each event.
func (l *Live) read(answer []byte) {
	var snapshot struct {
		Payment string
		Status  relay.Status
		Events  json.RawMessage // that a merchant sees
	}
	now := time.Now()
	if json.Unmarshal(answer, &snapshot) != nil || snapshot.Events != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.payments[snapshot.Payment]
	if h == nil {
		return
	}
	for _, e := range h.events {
		if e.applied && !e.told && e.status == snapshot.Status {
			e.told = true
			e.call.show(h.payment, Step{Step: Told, Status: e.status, Transport: Snapshot}, now)
			return
		}
	}
}
