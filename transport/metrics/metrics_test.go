package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/metrics"
)

func TestHandler(t *testing.T) {
	m := metrics.New()
	m.Waiters(func() int { return 7 })
	callbacks := m.Callbacks("shop")
	callbacks.Finished("stored", 100*time.Microsecond)
	callbacks.Finished("stored", time.Second)
	m.Conflict("shop")
	m.Unusable("shop")
	m.Fetches("bank").Finished("failed", 30*time.Millisecond)
	m.WaitEnded("sse", "done")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, line := range []string{
		"tillbell_waiters 7",
		`tillbell_callbacks_total{result="stored",source="shop"} 2`,
		`tillbell_callback_seconds_bucket{source="shop",le="0.0002"} 1`,
		`tillbell_callback_seconds_count{source="shop"} 2`,
		`tillbell_conflicts_total{source="shop"} 1`,
		`tillbell_events_without_payment_total{source="shop"} 1`,
		`tillbell_fetches_total{result="failed",source="bank"} 1`,
		`tillbell_fetches_total{result="nothing",source="bank"} 0`,
		`tillbell_fetch_seconds_bucket{source="bank",le="0.04"} 1`,
		`tillbell_waits_ended_total{code="done",transport="sse"} 1`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("no line %s in\n%s", line, w.Body)
		}
	}
}
