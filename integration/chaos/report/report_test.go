package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/generator"
	"github.com/tillbell/tillbell/integration/chaos/history"
)

func TestReport(t *testing.T) {
	good, bad := new(history.Findings), new(history.Findings)
	good.Add(history.Violation{Kind: history.Behind, Payment: "order-1", What: "a node is behind"})
	bad.Add(history.Violation{Kind: history.Lost, Payment: "order-2", What: "gone"}, history.Violation{Kind: history.Crashed, What: "a panic"})
	figures := generator.Figures{Posted: 1200, Acked: 1199, Attempts: 1300, Watched: 7, Ordered: 3, Provider: 1500 * time.Millisecond,
		Waiter: 2 * time.Second, WaiterHealed: time.Second}
	r := Report{Machine: []string{"2 cores"}, Rows: []Row{
		{Engine: "disk", Fault: "kill", Times: 3, Hurt: 10 * time.Second, Figures: figures, Found: good},
		{Engine: "disk", Fault: "pause", Times: 1, Hurt: 5 * time.Second, Figures: figures, Found: bad},
		{Engine: "disk", Fault: "full disk", NotRun: "needs root"},
		{Engine: "nats", Fault: "kill", Failed: errors.New("it does not start"), Found: new(history.Findings)},
	}}
	for i, want := range []bool{false, true, false, true} {
		if r.Rows[i].Bad() != want {
			t.Errorf("row %d: bad is %v", i, !want)
		}
	}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"| disk | kill | 3 | 10 | 1 200 | 1 199 | 0 | 0 | 0 | 0 | 1 | 1.50 s | 2.00 s, 1.00 s |",
		"| disk | pause | 1 | 5 | 1 200 | 1 199 | **1** | 0 | **1** | 0 | 0 |",
		"| disk | full disk | not run: needs root |",
		"| nats | kill | **failed**, see below |",
		"| all | | 4 | 15 | 2 400 | 2 398 | **1** |",
		"- lost: order-2: gone", "- failed: it does not start", "posted 2 600 times",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}
