package message

import "bytes"

const (
	marker    = "lg"
	runLen    = 6
	numberLen = 10
	idLen     = len(marker) + runLen + numberLen
)

// An ID names one callback. As text it is lg, the run and ten hexadecimal digits, which no server changes or escapes,
// so that it is found in whatever the server makes of the callback.
type ID struct {
	Run    string // 6 characters, the same for all callbacks of a run
	Number uint64 // below 2^40
}

// Append appends the id as text.
func (id ID) Append(b []byte) []byte {
	const digits = "0123456789abcdef"
	b = append(b, marker...)
	b = append(b, id.Run...)
	for shift := 4 * (numberLen - 1); shift >= 0; shift -= 4 {
		b = append(b, digits[id.Number>>shift&15])
	}
	return b
}

// An IDScanner finds the ids of one run.
type IDScanner struct{ prefix []byte }

// NewIDScanner returns a scanner for the ids of a run.
func NewIDScanner(run string) IDScanner { return IDScanner{[]byte(marker + run)} }

// Next returns the number of the first id in b and what follows that id. found is false if there is none.
func (s IDScanner) Next(b []byte) (number uint64, rest []byte, found bool) {
	for {
		i := bytes.Index(b, s.prefix)
		if i < 0 || len(b)-i < idLen {
			return 0, nil, false
		}
		b = b[i:]
		if number, ok := unhex(b[len(s.prefix):idLen]); ok {
			return number, b[idLen:], true
		}
		b = b[len(marker):]
	}
}

func unhex(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		d, ok := digit(c)
		if !ok {
			return 0, false
		}
		n = n<<4 | uint64(d)
	}
	return n, true
}

// digit returns the value of a hexadecimal digit.
func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
