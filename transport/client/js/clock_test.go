package js_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
)

// TestClock plays what takes minutes by a clock that the test moves, in Node.js.
func TestClock(t *testing.T) {
	node := needNode(t)
	type played struct {
		Name    string
		Asked   []string // "seconds what"
		Told    float64  // seconds, -1 if the wait goes on
		Outcome string
	}
	got := make(map[string]played)
	for _, line := range run(t, exec.CommandContext(t.Context(), node, built(t, "testdata/clock/scenes.ts")), nil) {
		var p played
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got[p.Name] = p
	}
	for _, c := range []struct {
		name    string
		asked   string // must be among what was asked
		most    int    // requests
		outcome string
		told    float64 // at the latest
	}{
		{name: "heartbeats that stay away start the connection over", asked: "80.8 sse", most: 14, told: -1},
		{name: "a machine that has slept reads and connects at once", asked: "620.0 sse", most: 8, told: -1},
		{name: "what failed before it woke up is forgotten", most: 8, outcome: "paid", told: 5},
		{name: "a gateway that names a time is not asked before", most: 4, told: -1},
		{name: "a first answer that says later is no refusal", most: 8, outcome: "paid", told: 6},
		{name: "what worked elsewhere has to prove itself here", most: 3, outcome: "paid", told: 6},
		{name: "an abort is heard by a page that has just been put away", most: 1, outcome: "AbortError", told: 1},
	} {
		p, ok := got[c.name]
		t.Logf("%s: asked %q, %q after %v s", c.name, p.Asked, p.Outcome, p.Told)
		if !ok || p.Outcome != c.outcome || p.Told > c.told {
			t.Errorf("%s: %q after %v s, want %q within %v s", c.name, p.Outcome, p.Told, c.outcome, c.told)
		}
		if len(p.Asked) > c.most || c.asked != "" && !slices.Contains(p.Asked, c.asked) {
			t.Errorf("%s: asked %q, want %q and at most %d", c.name, p.Asked, c.asked, c.most)
		}
	}
}
