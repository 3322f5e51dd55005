package disk

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
)

// logOf returns a log file of the store, with the number 7, and its records: some in one chunk, some over blocks.
func logOf(t testing.TB) (data []byte, records [][]byte) {
	var b bytes.Buffer
	w := newLog(record.NewLogWriter, &b, 7)
	for i := range 60 {
		r := bytes.Repeat(fmt.Appendf(nil, "record %d.", i), 1+(i*i*i)%4001)
		records = append(records, r)
		if _, err := w.WriteRecord(bytes.Clone(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), records
}

func newLog[N ~uint64](f func(io.Writer, N, record.LogWriterConfig) *record.LogWriter, w io.Writer, number uint64) *record.LogWriter {
	return f(w, N(number), record.LogWriterConfig{WriteWALSyncOffsets: func() bool { return true }})
}

// TestRecords reads a log file that the store's own writer wrote.
func TestRecords(t *testing.T) {
	data, want := logOf(t)
	got, damaged := records(data, 7)
	if damaged || len(got) != len(want) {
		t.Fatalf("%d records of %d, damaged %v", len(got), len(want), damaged)
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("record %d differs", i)
		}
	}
	if got, _ := records(data, 8); len(got) != 0 {
		t.Errorf("%d records of another log", len(got))
	}
	for at := 0; at < len(data)-11; at += 1009 { // the trailer is no chunk
		flipped := bytes.Clone(data)
		flipped[at] ^= 4
		got, damaged := records(flipped, 7)
		if lost := len(want) - len(got); lost > 4 || lost > 0 && !damaged && at < len(data)-40_000 {
			t.Errorf("with a flipped bit at %d %d records are lost, damaged %v", at, lost, damaged)
		}
	}
}
