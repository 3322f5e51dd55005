package official_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/transport/callback"
)

// TestBodies reads what the packages sign: a vector's body, and others that no provider writes, with characters, white space
// and numbers of every kind. Each signature must hold here whatever becomes of the body, and must not with one bit of the
// body changed.
func TestBodies(t *testing.T) {
	needNode(t)
	for _, j := range judges {
		adapter, ok := modules.Providers[j.provider]
		if !ok || !j.signs {
			continue
		}
		t.Run(j.String(), func(t *testing.T) {
			v := example(t, j)
			now := v.Now
			p, err := adapter.New(source(t, j.provider, v.Config))
			if err != nil {
				t.Fatal(err)
			}
			var questions []question
			for _, body := range bodies(v.Request.Body) {
				r := v.Request
				r.Body = body
				q := about(j.name, v.Config, r, now)
				q.Do = "sign"
				questions = append(questions, q)
			}
			for i, a := range ask(t, questions) {
				r := v.Request
				r.Header, r.Body = maps.Clone(r.Header), a.Body
				for name, value := range a.Headers {
					r.Header.Set(name, value)
				}
				if _, err := p.Parse(r, now); i == 0 && err != nil {
					t.Errorf("the vector with another signature: %v", err)
				}
				if err := genuine(p, r, now); err != nil {
					t.Errorf("%v\n%q", err, a.Body)
				}
				for _, flipped := range flips(r, 3) {
					if genuine(p, flipped, now) == nil {
						t.Errorf("body %d with a bit changed: the signature holds\n%q", i, flipped.Body)
					}
				}
			}
		})
	}
}

// example returns the first vector of the judge's kind that it accepts.
func example(t *testing.T, j judge) vector {
	t.Helper()
	all := vectors(t)
	i := slices.IndexFunc(all, func(v vector) bool {
		return v.Provider == j.provider && v.verdicts()[j.name] &&
			(j.style == "" || v.Config["style"] == j.style)
	})
	if i < 0 {
		t.Fatalf("no vector that %s accepts", j)
	}
	return all[i]
}

// genuine reports why the signature does not hold; nil is also for a call that is refused for what it says.
func genuine(p callback.Provider, r callback.Request, now time.Time) error {
	_, err := p.Parse(r, now)
	if refusal, ok := errors.AsType[*callback.Refusal](err); ok && (refusal.Genuine || refusal.Reason == callback.WrongAccount) {
		return nil
	}
	return err
}

// bodies returns changed copies of a JSON body and others that are only like JSON, all UTF-8: the packages take text. They
// are the same at every run.
func bodies(example []byte) [][]byte {
	rnd := rand.New(rand.NewPCG(6, 19))
	all := [][]byte{example}
	for range 150 {
		all = append(all, rewritten(rnd, example))
	}
	for range 100 {
		all = append(all, []byte(value(rnd, 3)))
	}
	for range 50 {
		all = append(all, []byte(text(rnd)))
	}
	return slices.DeleteFunc(all, func(b []byte) bool { return len(b) == 0 })
}

// rewritten returns the JSON with some of its tokens replaced, doubled or set off by white space.
func rewritten(rnd *rand.Rand, example []byte) []byte {
	var out []byte
	d := json.NewDecoder(bytes.NewReader(example))
	d.UseNumber()
	end := int64(0)
	for {
		token, err := d.Token()
		if err != nil {
			return append(out, example[end:]...)
		}
		raw := example[end:d.InputOffset()]
		end = d.InputOffset()
		_, structure := token.(json.Delim)
		switch {
		case rnd.IntN(8) == 0:
			out = append(append(out, raw...), pick(rnd, " ", "\t", "\r\n", "\n\n", "\u2028", "\ufeff", "\x00")...)
		case !structure && rnd.IntN(8) == 0:
			lead := raw[:len(raw)-len(bytes.TrimLeft(raw, " \t\r\n,:"))]
			out = append(append(out, lead...), value(rnd, 1)...)
		case !structure && rnd.IntN(20) == 0:
			out = append(append(out, raw...), raw...)
		default:
			out = append(out, raw...)
		}
	}
}

// value returns JSON that is at most so deep.
func value(rnd *rand.Rand, depth int) string {
	switch n := rnd.IntN(10); {
	case n < 3:
		return quoted(rnd)
	case n < 5:
		return pick(rnd, "0", "-0", "1e400", "9007199254740993", "820982911946154508", "0.1000", "1E-7", "129.90",
			strconv.FormatUint(rnd.Uint64(), 10), strings.Repeat("9", 40))
	case n < 6 || depth == 0:
		return pick(rnd, "null", "true", "false", "[]", "{}", `""`)
	case n < 8:
		var parts []string
		for range rnd.IntN(4) {
			parts = append(parts, value(rnd, depth-1))
		}
		return "[" + strings.Join(parts, pick(rnd, ",", ", ", " ,\n")) + "]"
	default:
		var parts []string
		for range rnd.IntN(5) {
			name := pick(rnd, `"id"`, `"type"`, `"data"`, `"event"`, `"amount"`, `"object"`, `"status"`, quoted(rnd))
			parts = append(parts, name+pick(rnd, ":", ": ", " : ")+value(rnd, depth-1))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
}

// quoted returns a JSON string, with its characters as they are or as escapes.
func quoted(rnd *rand.Rand) string {
	plain := text(rnd)
	if rnd.IntN(2) == 0 {
		return strconv.QuoteToASCII(plain) // not always JSON, which makes it the better
	}
	escaped, _ := json.Marshal(plain) // text is always valid
	return string(escaped)
}

func text(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(12) {
		b.WriteString(pick(rnd, "a", "Z", "7", " ", "é", "支付", "😀", "e\u0301", "\u00a0", "\ufeff", "\u2028", "\ufffd", "\x00", "\x7f",
			"\"", "\\", "/", "</script>", "%2B", "+", "&", "=", ":", ".", "\r\n", "\t", "\U0010ffff"))
	}
	return b.String()
}

func pick(rnd *rand.Rand, from ...string) string { return from[rnd.IntN(len(from))] }
