//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/tillbell/tillbell/integration/load/report"
)

// figures is all that a run measured. Sizes are bytes, times microseconds unless the name says otherwise.
type figures struct {
	Waiters   int     `json:"waiters"`
	Few       int     `json:"few"`
	Rate      int     `json:"rate"`
	Heartbeat float64 `json:"heartbeat_seconds"`
	Go        string  `json:"go"`
	Cores     int     `json:"cores"`

	Start    held  `json:"start"`     // the server runs, nobody waits, no stand-in is there
	StandIns held  `json:"stand_ins"` // beyond start: all that they will hold
	Idle     held  `json:"idle"`      // everybody waits
	Busy     held  `json:"busy"`      // behind the callbacks with everybody waiting
	PeakRSS  int64 `json:"peak_rss"`  // until everybody was told

	ConnectSeconds  float64 `json:"connect_seconds"`
	ConnectCPU      float64 `json:"connect_cpu"`      // each, all of the process's
	StandInCPU      float64 `json:"stand_in_cpu"`     // each, of that
	Heartbeats      int64   `json:"heartbeats"`       // in HeartbeatWindow
	HeartbeatWindow float64 `json:"heartbeat_window"` // in seconds
	HeartbeatCPU    float64 `json:"heartbeat_cpu"`    // each, idle process included
	HeartbeatCore   float64 `json:"heartbeat_core"`   // share of one core

	LatencyFew   latency `json:"latency_few"`
	LatencyAll   latency `json:"latency_all"` // with heartbeats of all
	LatencyAgain latency `json:"latency_few_again"`

	OutcomesPerSecond float64 `json:"outcomes_per_second"`
	OutcomeCPU        float64 `json:"outcome_cpu"` // each, of the process: server, provider and stand-ins

	Told   int   `json:"told"`       // each its own outcome and the end, once
	Posted int   `json:"posted"`     // callbacks, all told
	Log    int64 `json:"log_heap"`   // what the engine keeps of all events, for as long as the retention says
	Left   int64 `json:"left_heap"`  // beyond start, stand-ins and log, with the server still there
	After  int64 `json:"after_heap"` // beyond start, with the server and the stand-ins gone
}

// held is what the process holds, in bytes.
type held struct {
	RSS  int64 `json:"rss"`
	PSS  int64 `json:"pss"`
	Heap int64 `json:"heap"` // live objects; 0 where no collection was forced
}

func (m held) less(of held) held {
	return held{RSS: m.RSS - of.RSS, PSS: m.PSS - of.PSS, Heap: m.Heap - of.Heap}
}

// latency is from when a callback was due until its frame was written, in microseconds: medians of the rounds.
type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`      // of all rounds
	Late float64 `json:"late_p99"` // of that, until it was sent: a machine that has much else to do
}

func (f *figures) perWaiter(of func(held) int64) float64 {
	return float64(of(f.Idle)-of(f.Start)-of(f.StandIns)) / float64(f.Waiters)
}

func rss(m held) int64      { return m.RSS }
func heapSize(m held) int64 { return m.Heap }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// each returns the part of one of n, in microseconds.
func each(d time.Duration, n int) float64 { return micros(d) / float64(max(n, 1)) }

// write writes the table, and the figures as the last line.
func (r *run) write(w io.Writer) error {
	f := &r.figures
	us := func(v float64) string { return report.Micros(time.Duration(v * float64(time.Microsecond))) }
	of := func(l latency) string {
		return us(l.P50) + " / " + us(l.P99) + " / " + us(l.Max) + ", sent late by " + us(l.Late)
	}
	n := report.Count(float64(f.Waiters))
	rows := [][]string{
		{"RSS of the process, nobody waits", report.MiB(float64(f.Start.RSS))},
		{"stand-ins for the connections", fmt.Sprintf("%s, %.0f bytes each", report.MiB(float64(f.StandIns.RSS)), float64(f.StandIns.RSS)/float64(f.Waiters))},
		{"RSS of the process, " + n + " idle", report.MiB(float64(f.Idle.RSS))},
		{"… without start and stand-ins, each", report.KiB(f.perWaiter(rss))},
		{"live heap of that, each", report.KiB(f.perWaiter(heapSize))},
		{"RSS behind the callbacks", report.MiB(float64(f.Busy.RSS))},
		{"RSS at most", report.MiB(float64(f.PeakRSS))},
		{"CPU to connect one", us(f.ConnectCPU) + ", of it the stand-in's " + us(f.StandInCPU)},
		{"CPU of a heartbeat", us(f.HeartbeatCPU)},
		{"heartbeats' share of a core", fmt.Sprintf("%.1f %%, every %.0f s", 100*f.HeartbeatCore, f.Heartbeat)},
		{"callback to frame, " + report.Count(float64(f.Few)) + " waiting, p50 / p99 / max; p99 of lateness", of(f.LatencyFew)},
		{"… " + n + " waiting", of(f.LatencyAll)},
		{"… " + report.Count(float64(f.Few)) + " left", of(f.LatencyAgain)},
		{"p50 with all to that with few", fmt.Sprintf("%.2f", f.LatencyAll.P50/f.LatencyFew.P50)},
		{"each told its outcome", report.Count(f.OutcomesPerSecond) + " a second, " + us(f.OutcomeCPU) + " of CPU, client and provider included"},
		{"heap of the log, each event", report.KiB(float64(f.Log) / float64(max(f.Posted, 1)))},
		{"heap left beside the log", report.MiB(float64(f.Left))},
		{"heap left without the server", report.MiB(float64(f.After))},
	}
	doc := report.Report{
		Machine: []string{fmt.Sprintf("%s waiters in one process, half SSE, half WebSocket, connections without a kernel", n),
			fmt.Sprintf("%s, %d cores, %d callbacks a second", f.Go, f.Cores, f.Rate)},
		Tables: []report.Table{{Title: "A million without a kernel", Head: []string{"what", "measured"}, Rows: rows}},
	}
	if _, err := doc.WriteTo(w); err != nil {
		return err
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s\n", line)
	return err
}

func (o *options) figures() figures {
	return figures{
		Waiters: o.n, Few: o.few, Rate: o.rate, Heartbeat: o.heartbeat.Seconds(), Go: runtime.Version(),
		Cores: runtime.GOMAXPROCS(0),
	}
}
