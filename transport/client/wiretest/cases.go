package wiretest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Case is a piece of an event stream and what a parser makes of it, as another project's tests have it.
type Case struct {
	// Name begins with the judge's file and is what that project calls it.
	Name string
	// Stream is what is read before the stream pauses, with its end if the judge ends it.
	Stream string
	// Messages are the events that must be told by then.
	Messages []Message
	// Retry is the reconnection time in ms that the stream asked for, 0 if it did not.
	Retry int64

	cuts []int
}

// Message is one event of a stream.
type Message struct {
	Event string `json:"event"`
	Data  string `json:"data"`
	ID    string `json:"id"`
}

// Pieces returns the stream in the pieces in which the judge sends it.
func (c Case) Pieces() [][]byte {
	var all [][]byte
	from := 0
	for _, to := range append(c.cuts, len(c.Stream)) {
		all = append(all, []byte(c.Stream[from:to]))
		from = to
	}
	return all
}

// judgement is one file of cases.
type judgement struct {
	Source  string
	Licence string
	Cases   []struct {
		Name, Stream string
		Cuts         []int // byte offsets
		Messages     []Message
		Retry        int64
		// Size is how much data follows in one more event.
		Size int
	}
	// Apart are cases of the judge that do not apply, each with the reason.
	Apart []struct{ Cases, Why string }
}

// LoadCases reads the judges of a folder.
func LoadCases(dir string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("wiretest: list: %w", err)
	}
	var all []Case
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("wiretest: read: %w", err)
		}
		var j judgement
		if err := json.Unmarshal(text, &j); err != nil {
			return nil, fmt.Errorf("wiretest: read %s: %w", filepath.Base(file), err)
		}
		prefix := strings.TrimSuffix(filepath.Base(file), ".json") + "/"
		for _, c := range j.Cases {
			if c.Size > 0 {
				data := strings.Repeat("x", c.Size)
				c.Stream += "data: " + data + "\n\n"
				c.Messages = append(c.Messages, Message{Event: "message", Data: data})
			}
			if len(c.Messages) == 0 {
				c.Messages = nil
			}
			all = append(all, Case{prefix + c.Name, c.Stream, c.Messages, c.Retry, c.Cuts})
		}
	}
	return all, nil
}
