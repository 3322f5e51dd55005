// Package metrics counts what Tillbell does, for Prometheus. Names begin with tillbell_; no label holds a payment.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics may be used from many goroutines.
type Metrics struct {
	registry  *prometheus.Registry
	callbacks *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	conflicts *prometheus.CounterVec
	unusable  *prometheus.CounterVec
	ended     *prometheus.CounterVec
	fetches   *prometheus.CounterVec
	fetching  *prometheus.HistogramVec
}

// New returns Metrics with a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillbell_callbacks_total",
			Help: "Callbacks by source and result: stored, duplicate, ignored; unavailable, fetch_failed, uncheckable, busy or limited; " +
				"or the reason of the refusal."}, []string{"source", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tillbell_callback_seconds",
			Help:    "Time from a callback's headers to its answer.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 4, 10)}, []string{"source"}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillbell_conflicts_total",
			Help: "Genuine events that contradict their payment's state or registration."}, []string{"source"}),
		unusable: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillbell_events_without_payment_total",
			Help: "Genuine events without a usable payment id, acknowledged and dropped."}, []string{"source"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillbell_waits_ended_total",
			Help: "Waits by transport and how they ended."}, []string{"transport", "code"}),
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillbell_fetches_total",
			Help: "Questions to providers' APIs by source and result: found, nothing, failed."}, []string{"source", "result"}),
		fetching: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tillbell_fetch_seconds",
			Help:    "Time that providers' APIs took to answer, tries and all.",
			Buckets: prometheus.ExponentialBuckets(5e-3, 2, 12)}, []string{"source"}),
	}
	m.registry.MustRegister(m.callbacks, m.seconds, m.conflicts, m.unusable, m.ended, m.fetches, m.fetching,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Waiters makes count the gauge of open waits. It is called once.
func (m *Metrics) Waiters(count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tillbell_waiters",
		Help: "Open waits."}, func() float64 { return float64(count()) }))
}

// Callbacks counts those of one source. It may be used from many goroutines.
type Callbacks struct {
	results *prometheus.CounterVec
	usual   map[string]prometheus.Counter
	seconds prometheus.Observer
}

// usual are the results of nearly all callbacks. Their counters are there from the start, at 0, so that the first
// callback shows in a rate.
var usual = []string{"stored", "duplicate", "ignored"}

// Callbacks returns the counters of a source.
func (m *Metrics) Callbacks(source string) *Callbacks {
	c := &Callbacks{
		results: m.callbacks.MustCurryWith(prometheus.Labels{"source": source}),
		usual:   make(map[string]prometheus.Counter),
		seconds: m.seconds.WithLabelValues(source),
	}
	for _, result := range usual {
		c.usual[result] = c.results.WithLabelValues(result)
	}
	return c
}

// Finished counts one callback.
func (c *Callbacks) Finished(result string, took time.Duration) {
	counter, ok := c.usual[result]
	if !ok {
		counter = c.results.WithLabelValues(result)
	}
	counter.Inc()
	c.seconds.Observe(took.Seconds())
}

// Fetches counts the questions that one source asks its provider's API. It may be used from many goroutines.
type Fetches struct {
	results *prometheus.CounterVec
	seconds prometheus.Observer
}

// Fetches returns the counters of a source.
func (m *Metrics) Fetches(source string) *Fetches {
	f := &Fetches{
		results: m.fetches.MustCurryWith(prometheus.Labels{"source": source}),
		seconds: m.fetching.WithLabelValues(source),
	}
	for _, result := range []string{"found", "nothing", "failed"} {
		f.results.WithLabelValues(result)
	}
	return f
}

// Finished counts one question.
func (f *Fetches) Finished(result string, took time.Duration) {
	f.results.WithLabelValues(result).Inc()
	f.seconds.Observe(took.Seconds())
}

// Conflict counts one contradiction.
func (m *Metrics) Conflict(source string) { m.conflicts.WithLabelValues(source).Inc() }

// Unusable counts one genuine event without a usable payment id.
func (m *Metrics) Unusable(source string) { m.unusable.WithLabelValues(source).Inc() }

// WaitEnded counts the end of one wait.
func (m *Metrics) WaitEnded(transport, code string) { m.ended.WithLabelValues(transport, code).Inc() }

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
