// Package wiretest plays the wire fixtures of transport/client/testdata/wire: what a server says, frame by frame, and
// what every client must make of it. The fixtures are the same for the clients in Go and in JavaScript.
//
// Recorded fixtures hold what the real server wrote; hostile ones were written by hand and hold what networks and
// broken servers do to it.
package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Ticket is what every client is given. A fixture does not verify it, but sees that it travels as it should.
const Ticket = "wiretest-ticket"

// Fixture is one script of a server and what a client makes of it.
type Fixture struct {
	// Name is the file's, without its ending.
	Name string `json:"-"`
	// About says in a sentence what happens.
	About string `json:"about"`
	// Source is recorded or hostile.
	Source string `json:"source"`
	// Payment is awaited.
	Payment string `json:"payment"`
	// Server has the answers of each route (state, sse, ws and poll) in the order in which they are given. The last one
	// is given from then on; a route without any answers 404.
	Server map[string][]Answer `json:"server"`
	// Client is what a client must make of it.
	Client Client `json:"client"`
}

// Answer is what one request gets.
type Answer struct {
	// After is the cursor that the request must carry; nil is any.
	After *string `json:"after,omitempty"`
	// Status is 200 if it is zero, and 101 on ws.
	Status int `json:"status,omitempty"`
	// Headers of the answer.
	Headers map[string]string `json:"headers,omitempty"`
	// Delay passes before the answer's first byte, Pause between two parts of its body.
	Delay Duration `json:"delay,omitzero"`
	Pause Duration `json:"pause,omitzero"`
	// Body is written part by part: chunks of a response, or text messages.
	Body []string `json:"body,omitempty"`
	// Then is what follows the body: close (the default), hold (nothing, until the client leaves), or cut (the
	// connection breaks). On ws, close sends the close frame with the code Close and half begins a message first and cuts
	// then.
	Then  string `json:"then,omitempty"`
	Close int    `json:"close,omitempty"`
}

// Client is what a client must tell, and how it must behave.
type Client struct {
	// Code is the outcome's, done or expired; empty if the wait ends with Error.
	Code string `json:"code,omitempty"`
	// Error is unauthorized.
	Error string `json:"error,omitempty"`
	// Outcome has the members of the outcome's snapshot that matter.
	Outcome map[string]any `json:"outcome,omitempty"`
	// States are those that are told, as "status" or "status conflict", without one that reads as the one before.
	States []string `json:"states"`
	// Events are the statuses of the events that are told.
	Events []string `json:"events"`
	// Late says that a client may leave Events out, since it has read the outcome before it could be told them.
	Late bool `json:"late,omitempty"`
	// Most is how often each route may be asked; a route that is missing may not be asked at all.
	Most map[string]int `json:"most"`
	// Least and Within bound how long the wait takes.
	Least  Duration `json:"least,omitzero"`
	Within Duration `json:"within"`
}

// Duration is one whose JSON is text such as "4s".
type Duration time.Duration

// MarshalText returns the text.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the text.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// IsZero reports whether it is left out of JSON.
func (d Duration) IsZero() bool { return d == 0 }

// Load reads the fixtures of a folder. A member that is not known is an error.
func Load(dir string) ([]Fixture, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("wiretest: list: %w", err)
	}
	var all []Fixture
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("wiretest: read: %w", err)
		}
		f := Fixture{Name: strings.TrimSuffix(filepath.Base(file), ".json")}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			return nil, fmt.Errorf("wiretest: read %s: %w", f.Name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Save writes a fixture into a folder.
func Save(dir string, f Fixture) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return fmt.Errorf("wiretest: write %s: %w", f.Name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, f.Name+".json"), text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("wiretest: write %s: %w", f.Name, err)
	}
	return nil
}
