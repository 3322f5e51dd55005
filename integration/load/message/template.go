package message

import (
	"fmt"
	"strconv"
	"strings"
)

// maxPad bounds what one {pad:N} adds to a message, in bytes.
const maxPad = 1 << 20

// Values fill the placeholders of a Template.
type Values struct {
	Topic  Topic
	ID     ID
	Status string  // of the payment, as in paid
	Ticket *Minter // makes {ticket}; may be nil if no template has one
}

// A Topic is what one waiter waits for: a prefix that differs from run to run, and a number.
type Topic struct {
	Prefix string
	Number int
}

// Append appends the topic as text.
func (t Topic) Append(b []byte) []byte {
	return strconv.AppendInt(append(b, t.Prefix...), int64(t.Number), 10)
}

// A Template is a text with placeholders: {topic}, {id}, {status}, {ticket} and {pad:N} for N bytes of filling. Any
// other brace stays as it is, so that JSON can be written plainly. It is safe for concurrent use.
type Template []part

// part is a piece of a template: literal text, or a placeholder's name.
type part struct {
	literal string
	name    string
}

// ParseTemplate reads a template. The error is a {pad:N} whose N is not a number between 0 and 1048576.
func ParseTemplate(s string) (Template, error) {
	var t Template
	for s != "" {
		before, behind, _ := strings.Cut(s, "{")
		t = t.literal(before)
		if len(before) == len(s) {
			break
		}
		name, rest, closed := strings.Cut(behind, "}")
		size, pad := strings.CutPrefix(name, "pad:")
		switch {
		case !closed:
			return t.literal("{" + behind), nil
		case name == "topic", name == "id", name == "status", name == "ticket":
			t = append(t, part{name: name})
		case pad:
			n, err := strconv.Atoi(size)
			if err != nil || n < 0 || n > maxPad {
				return nil, fmt.Errorf("message: parse template: {pad:%s}: want a number up to %d", size, maxPad)
			}
			t = t.literal(strings.Repeat("x", n))
		default: // a brace of the text: go on right behind it
			t, rest = t.literal("{"), behind
		}
		s = rest
	}
	return t, nil
}

func (t Template) literal(s string) Template {
	if s == "" {
		return t
	}
	return append(t, part{literal: s})
}

// Append appends the template with its placeholders filled.
func (t Template) Append(b []byte, v *Values) []byte {
	for i := range t {
		switch t[i].name {
		case "":
			b = append(b, t[i].literal...)
		case "topic":
			b = v.Topic.Append(b)
		case "id":
			b = v.ID.Append(b)
		case "status":
			b = append(b, v.Status...)
		case "ticket":
			b = v.Ticket.Append(b, v.Topic)
		}
	}
	return b
}
