package enginetest

import (
	"testing"

	"github.com/tillbell/tillbell/relay"
)

func scan(t *testing.T, h Harness) {
	e := h.open(t)
	log := fill(t, e, "e", 20)
	same(t, "Scan from the oldest", scanned(t, e, relay.Position{}, 100), log)
	for after := range log {
		for _, limit := range []int{1, 2, 7, 100} {
			got := scanned(t, e, log[after].Position, limit)
			same(t, "Scan", got, log[after+1:min(after+1+limit, len(log))])
		}
	}
	same(t, "Scan behind sequence 0", scanned(t, e, relay.Position{Epoch: head(t, e).Epoch}, 3), log[:3])
	if got := scanned(t, e, log[3].Position, 0); len(got) != 0 {
		t.Errorf("Scan with limit 0 = %v", places(got))
	}
}

func scanFromNowhere(t *testing.T, h Harness) {
	e := h.open(t)
	log := fill(t, e, "e", 5)
	for name, after := range map[string]relay.Position{
		"of another epoch":                 {Epoch: "elsewhere", Seq: 3},
		"of another epoch, beyond the end": {Epoch: "elsewhere", Seq: 300},
		"just beyond the end":              {Epoch: head(t, e).Epoch, Seq: 6},
		"far beyond the end":               {Epoch: head(t, e).Epoch, Seq: 1<<64 - 1},
	} {
		same(t, "Scan after a position "+name, scanned(t, e, after, 100), log)
	}
}

func scanMany(t *testing.T, h Harness) {
	e := h.open(t)
	log := fill(t, e, "e", 1100)
	same(t, "Scan", scanned(t, e, relay.Position{}, 2000), log)
	same(t, "Scan in steps", wholeLog(t, e), log)
}
