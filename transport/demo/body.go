package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tillbell/tillbell/transport"
)

// maxBody bounds what the page sends, in bytes: a few short words.
const maxBody = 4 << 10

// readBody reads the body as one JSON object of exactly those members, all of them strings. Those of optional may be
// missing. If it is anything else, the answer is sent and ok is false.
func readBody(w http.ResponseWriter, r *http.Request, members []string, optional ...string) (o map[string]string, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		transport.NewProblem(http.StatusRequestEntityTooLarge, "payload_too_large",
			fmt.Sprintf("the body is larger than %d bytes", maxBody)).Write(w)
		return nil, false
	}
	if err != nil {
		refuse(w, "bad_request", "the body did not arrive as announced")
		return nil, false
	}
	if o, err = parseBody(body, members, optional); err != nil {
		refuse(w, "bad_request", "body: "+err.Error())
		return nil, false
	}
	return o, true
}

func refuse(w http.ResponseWriter, code, detail string) {
	transport.NewProblem(http.StatusBadRequest, code, detail).Write(w)
}

// parseBody is stricter than json.Unmarshal, which ignores case, takes the last of equal members, and replaces what is
// not UTF-8.
func parseBody(body []byte, members, optional []string) (map[string]string, error) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !utf8.Valid(body) {
		return nil, errors.New("not a JSON object in UTF-8")
	}
	o, known := make(map[string]string), slices.Concat(members, optional)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("not valid JSON")
		}
		value, err := d.Token()
		if err != nil {
			return nil, errors.New("not valid JSON")
		}
		member, _ := name.(string) // the decoder takes nothing else for a name
		if !slices.Contains(known, member) {
			return nil, fmt.Errorf("unknown member %.40q; known are %s", member, strings.Join(known, ", "))
		}
		if _, twice := o[member]; twice {
			return nil, fmt.Errorf("member %q comes twice", member)
		}
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("member %q must be a string", member)
		}
		o[member] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not valid JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	for _, m := range members {
		if _, ok := o[m]; !ok {
			return nil, fmt.Errorf("member %q is missing", m)
		}
	}
	return o, nil
}
