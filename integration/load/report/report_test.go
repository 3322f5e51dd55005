package report

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	r := Report{
		Machine: []string{"2 cores"},
		Rows: []Row{
			{2, "b|c", "≤ 1", "2", "", Missed}, {1, "a", "≤ 1", "1", "x", Of(true)}, {3, "d", "≤ 1", "", "", Unmeasured},
		},
		Tables: []Table{{"One", "Note.", []string{"who", "how long"}, [][]string{{"a", "1 µs"}, {"b"}}}},
	}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	const want = `# Tillbell under load

- 2 cores

## Targets

|     | what | target | measured | others, same run |                  |
|-----|------|--------|----------|------------------|------------------|
| 1   | a    | ≤ 1    | 1        | x                | met              |
| 2   | b/c  | ≤ 1    | 2        |                  | **missed**       |
| 3   | d    | ≤ 1    |          |                  | **not measured** |

## One

Note.

| who | how long |
|-----|----------|
| a   | 1 µs     |
| b   |          |
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if n := r.Unmeasured(); n != 1 {
		t.Errorf("%d not measured, want 1", n)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{1, 2, 4, 100}, 3}} {
		if got := Median(c.in); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for got, want := range map[string]string{
		Micros(1500 * time.Nanosecond):  "1.5 µs",
		Micros(395 * time.Microsecond):  "395 µs",
		Micros(9999 * time.Microsecond): "9999 µs",
		Micros(105 * time.Millisecond):  "105 ms",
		KiB(1536):                       "1.50 KiB",
		MiB(1 << 20):                    "1.0 MiB",
		Count(12):                       "12",
		Count(1234567):                  "1 234 567",
		Count(-123456):                  "-123 456",
		Count(-123):                     "-123",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
