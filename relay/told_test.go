package relay_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
)

// TestToldIsApplied subscribes at any moment of any sequence of events, with any cursor, and holds what each waiter is
// told against what the records say was applied.
func TestToldIsApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, toldIsApplied) })
}

// wait is one waiter of toldIsApplied.
type wait struct {
	*recorder
	after  relay.Position // its cursor, zero if it counts as none
	before int            // how many entries there were
}

func toldIsApplied(t *rapid.T) {
	engine, w := memory.New(memory.Options{}), wheel.New()
	r := relay.New(engine, w, relay.Options{})
	defer func() {
		_ = r.Stop(context.Background())
		w.Stop()
		engine.Close()
	}()
	if err := r.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	var waits []wait
	events := nonsense(t, rapid.IntRange(0, 8).Draw(t, "length"))
	for i := 0; i <= len(events); i++ {
		for range rapid.IntRange(0, 2).Draw(t, "waiters") {
			waits = append(waits, subscribeAnywhere(t, r, i))
		}
		if i < len(events) {
			if _, _, err := engine.Append(context.Background(), events[i]); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "the tail keeps up") {
				synctest.Wait()
			}
		}
	}
	synctest.Wait()
	entries, _ := engine.Read(context.Background(), payment)
	for _, w := range waits {
		w.check(t, entries)
	}
}

func subscribeAnywhere(t *rapid.T, r *relay.Relay, before int) wait {
	w := wait{recorder: newRecorder(t), before: before}
	state, records, err := r.History(context.Background(), payment)
	if err != nil {
		t.Fatal(err)
	}
	q := relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}
	switch rapid.IntRange(0, 4).Draw(t, "cursor") {
	case 0: // none
	case 1:
		q.After = relay.Position{Epoch: "elsewhere", Seq: 1}
	case 2:
		q.After = relay.Position{Epoch: state.Position.Epoch, Seq: uint64(before + 1), Sub: 1}
	case 3:
		w.after = state.Position
	case 4:
		if told := toldOf(records); len(told) > 0 {
			w.after = rapid.SampledFrom(told).Draw(t, "had").Position
		}
	}
	if !w.after.IsZero() {
		q.After = w.after
	}
	if _, err := r.Subscribe(context.Background(), q, w); err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	return w
}

func (w wait) check(t *rapid.T, entries []relay.Entry) {
	early, then := relay.Fold(payment, entries[:w.before])
	_, records := relay.Fold(payment, entries)
	var want []relay.Told
	final := early.Final
	for i, rec := range records {
		if i >= len(then) && final {
			break
		}
		for _, told := range rec.Told {
			if told.Position.Compare(w.after) > 0 {
				want = append(want, told)
			}
			final = final || told.State.Final
		}
	}
	states, told, end := w.seen()
	if !slices.Equal(idsOf(told), idsOf(want)) {
		t.Fatalf("behind %v, subscribed after %d entries: told %v, applied %v", w.after, w.before, idsOf(told), idsOf(want))
	}
	for i := range told {
		if told[i].Position != want[i].Position || told[i].Event != want[i].Event || visible(*told[i].State) != visible(*want[i].State) {
			t.Fatalf("told %+v, applied %+v", told[i], want[i])
		}
	}
	if final != (end == relay.ErrDone) || !final && end != nil {
		t.Fatalf("end is %v, final %v", end, final)
	}
	if visible(states[0]) != visible(early) {
		t.Fatalf("the first state is %s, want %s", visible(states[0]), visible(early))
	}
	if whole, _ := relay.Fold(payment, entries); !final && states[len(states)-1].Conflict != whole.Conflict {
		t.Fatalf("conflict %v, told %v", whole.Conflict, states[len(states)-1].Conflict)
	}
}
