package relay

import (
	"strconv"
	"testing"
	"time"
)

// TestMemoOwnsWhatItKeeps looks for pointers into the log that was read: one would keep all of it.
func TestMemoOwnsWhatItKeeps(t *testing.T) {
	var m memo
	for n := several; n < 3*several; n++ {
		log := make([]Entry, n)
		for i := range log {
			log[i] = Entry{Position: Position{Epoch: "e", Seq: uint64(i + 1)}, Event: Event{
				ID: strconv.Itoa(i), Payment: "p", Status: Pending, Time: time.Unix(int64(i), 0),
			}}
			if i >= 2*several {
				log[i].Event.Status = Paid
			}
		}
		last := log[n-1]
		receipt := Receipt{Position: last.Position}
		m.judge(&receipt, log, "p", last.Event.ID)
		s := m.of("p").state
		if want := n <= 2*several+1; receipt.Applied != want {
			t.Errorf("%d entries: applied is %v", n, receipt.Applied)
		}
		for i := range log {
			if e := &log[i].Event; s.deciding == e || s.payment == e {
				t.Errorf("%d entries: the State points to the event at %d", n, i)
			}
		}
	}
}
