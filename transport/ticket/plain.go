package ticket

import (
	"bytes"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// What minters write is plain JSON: an object of a few members, names and texts without escapes, whole numbers, lists
// of texts. It is read here without reflection and can be understood in one way only. This file refuses nothing:
// what is not plain, whatever the reason, is left to the strict decoder, which gives plain JSON the same meaning.

// maxMembers is how many members a plain object has at most. Their names are kept to find one that occurs twice.
const maxMembers = 16

// members calls each for every member of a plain object, with the name and the value as they stand, the value with
// its quotes or brackets. It reports whether all of it was plain, and each said so of every member.
func members(object []byte, each func(name, value []byte) bool) bool {
	if !utf8.Valid(object) {
		return false
	}
	var names [maxMembers][]byte
	rest, ok := token(object, '{')
	for n := 0; ok && n < maxMembers; n++ {
		var name, value []byte
		if name, rest, ok = text(space(rest)); !ok || known(names[:n], name) {
			return false
		}
		names[n] = name
		if rest, ok = token(rest, ':'); !ok {
			return false
		}
		if value, rest, ok = plainValue(space(rest)); !ok || !each(name[1:len(name)-1], value) {
			return false
		}
		if end, last := token(rest, '}'); last {
			return len(space(end)) == 0
		}
		rest, ok = token(rest, ',')
	}
	return false
}

func known(names [][]byte, name []byte) bool {
	return slices.ContainsFunc(names, func(other []byte) bool { return bytes.Equal(other, name) })
}

// space returns b without the white space before it (RFC 8259, section 2).
func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// token returns what follows a structural character and the white space before it.
func token(b []byte, c byte) (rest []byte, ok bool) {
	if b = space(b); len(b) == 0 || b[0] != c {
		return nil, false
	}
	return b[1:], true
}

// plainValue splits b after the value that it starts with.
func plainValue(b []byte) (value, rest []byte, ok bool) {
	switch {
	case len(b) == 0:
		return nil, nil, false
	case b[0] == '"':
		return text(b)
	case b[0] == '[':
		return texts(b)
	case '0' <= b[0] && b[0] <= '9':
		return number(b)
	}
	for _, word := range []string{"true", "false", "null"} {
		if n := len(word); len(b) >= n && string(b[:n]) == word {
			return b[:n], b[n:], true
		}
	}
	return nil, nil, false
}

// text splits b after the text that it starts with.
func text(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[:i+1], b[i+1:], true
		case c == '\\', c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// texts splits b after the list of texts that it starts with.
func texts(b []byte) (value, rest []byte, ok bool) {
	rest = space(b[1:])
	if end, empty := token(rest, ']'); empty {
		return b[:len(b)-len(end)], end, true
	}
	for {
		if _, rest, ok = text(space(rest)); !ok {
			return nil, nil, false
		}
		if end, last := token(rest, ']'); last {
			return b[:len(b)-len(end)], end, true
		}
		if rest, ok = token(rest, ','); !ok {
			return nil, nil, false
		}
	}
}

// number splits b after the digits that it starts with. What follows them, such as a fraction, is no member's end, so
// that the caller finds it not plain.
func number(b []byte) (value, rest []byte, ok bool) {
	n := 1
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return b[:n], b[n:], n == 1 || b[0] != '0'
}

// plainHeader returns alg and kid of a plain header, empty where they are absent. A header with any member but them,
// typ and cty is not plain.
func plainHeader(header []byte) (alg, kid []byte, ok bool) {
	ok = members(header, func(name, value []byte) bool {
		if value[0] != '"' {
			return false
		}
		switch string(name) {
		case "alg":
			alg = unquote(value)
		case "kid":
			kid = unquote(value)
		case "typ", "cty":
		default:
			return false
		}
		return true
	})
	return alg, kid, ok
}

// plainClaims reads plain claims.
func plainClaims(payload []byte) (c claims, ok bool) {
	ok = members(payload, func(name, value []byte) bool {
		switch string(name) {
		case "aud":
			// No text in it holds a quote, so the audience with its own is found as a whole text or not at all.
			c.forUs = bytes.Contains(value, []byte(`"`+audience+`"`))
			return value[0] == '"' || value[0] == '['
		case "sub":
			if value[0] == '"' {
				c.subject = string(unquote(value))
				return true
			}
			return false
		case "exp":
			return c.expires.plain(value)
		case "nbf":
			return c.notBefore.plain(value)
		}
		return true
	})
	return c, ok
}

// plain takes a number of whole seconds up to maxDate, all of which a float64 holds exactly.
func (d *numericDate) plain(value []byte) bool {
	seconds, err := strconv.ParseInt(string(value), 10, 64)
	*d = numericDate{time.Unix(seconds, 0), true}
	return err == nil && '0' <= value[0] && value[0] <= '9' && seconds <= maxDate
}

func unquote(text []byte) []byte { return text[1 : len(text)-1] }
