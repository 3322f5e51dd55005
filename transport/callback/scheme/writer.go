package scheme

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
)

// writer puts texts where a Field has them read from, into what an example was decoded to. The first error stays.
type writer struct {
	header  http.Header
	example string
	object  map[string]any
	err     error
}

// put writes the text where the field is read from, if it is anywhere. A number that takes the place of the example's
// number is written as one.
func (w *writer) put(f Field, text string) {
	switch f = f.written(); {
	case f.header != "":
		w.header.Set(f.header, text)
	case f.path == "" || w.err != nil:
	case w.at(f).Type == gjson.Number && number(text):
		w.err = callback.Place(w.object, f.path, json.Number(text))
	default:
		w.err = callback.Place(w.object, f.path, text)
	}
}

// Put writes the text where the field is read from, if it is anywhere: into a header, or into the body's object.
func (f Field) Put(h http.Header, object map[string]any, text string) error {
	w := writer{header: h, object: object}
	w.put(f, text)
	return w.err
}

// number reports whether text is a JSON number and nothing around it.
func number(text string) bool {
	return json.Valid([]byte(text)) && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && text[len(text)-1] > ' '
}

// at returns what the example has there.
func (w *writer) at(f Field) gjson.Result {
	if f = f.written(); f.header != "" {
		return gjson.Result{Type: gjson.String, Str: w.header.Get(f.header)}
	}
	return gjson.Get(w.example, f.path)
}

// time writes t as the example has it: RFC 3339 or Unix seconds.
func (w *writer) time(f Field, t time.Time) {
	if w.at(f).Type == gjson.Number {
		w.put(f, strconv.FormatInt(t.Unix(), 10))
		return
	}
	w.put(f, t.UTC().Format(time.RFC3339Nano))
}

// like returns given, or an id that looks like the example's: one that follows from seed, or a fresh one without a seed.
func (w *writer) like(f Field, given, seed string) string {
	if given != "" {
		return given
	}
	if seed == "" {
		seed = rand.Text()
	}
	return shaped(callback.Text(w.at(f)), seed)
}

// shaped returns the example with the letters and digits behind its last underscore, or all if it has none, replaced by
// others of their kind that follow from seed. Letters up to f stay such, so that hex stays hex.
func shaped(example, seed string) string {
	keep := strings.LastIndexByte(example, '_') + 1
	out := []byte(example)
	var pool []byte
	for i := keep; i < len(out); i++ {
		if len(pool) == 0 {
			sum := sha256.Sum256([]byte(seed))
			pool, seed = sum[:], string(sum[:])
		}
		b := pool[0]
		pool = pool[1:]
		switch c := out[i]; {
		case c == '0': // a leading one stays none
		case c >= '1' && c <= '9':
			out[i] = '1' + b%9
		case c >= 'a' && c <= 'f':
			out[i] = 'a' + b%6
		case c >= 'g' && c <= 'z':
			out[i] = 'g' + b%20
		case c >= 'A' && c <= 'Z':
			out[i] = 'A' + b%26
		}
	}
	return string(out)
}
