package front

import (
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// verdict is what parse makes of what a client has sent.
type verdict int

const (
	whole verdict = iota // a request that is answered here
	part                 // the beginning of one that may be
	other                // something else
)

// Bounds of what is answered here; what is larger is net/http's.
const (
	maxHead    = 8 << 10
	maxBody    = 16 << 10
	maxHeaders = 64
)

// request is what is kept of one request between others. What a handler keeps of a header keeps the whole head.
type request struct {
	header http.Header
	values []string // what header's slices lie in
	body   []byte
	reader bytes.Reader
	close  bool // the client wants the connection to be closed behind the answer
}

var lineEnd, headEnd = []byte("\r\n"), []byte("\r\n\r\n")

// parse reads the first request in b, whose size it returns with it. It takes requests in their plainest form (RFC 9112,
// sections 2 to 6): a body with a length or none, no line folded, nothing twice that must be there once. Whatever else
// there is, harmless or not, is left to net/http, to whom no byte of it is lost.
func (q *request) parse(b []byte, takes func(method, path string) bool) (r *http.Request, size int, v verdict) {
	const bound = maxHead + len("\r\n\r\n")
	end := bytes.Index(b[:min(len(b), bound)], headEnd)
	switch {
	case end < 0 && (len(b) >= bound || bare(b)), !begins(b, takes):
		return nil, 0, other
	case end < 0:
		return nil, 0, part
	}
	head := string(b[:end])
	line, fields, _ := strings.Cut(head, "\r\n")
	method, target, _ := strings.Cut(line, " ")
	target = strings.TrimSuffix(target, " HTTP/1.1")
	u, err := url.ParseRequestURI(target)
	if err != nil || !q.fields(fields) {
		return nil, 0, other
	}
	length, ok := q.frame(method)
	if !ok {
		return nil, 0, other
	}
	end += len(headEnd)
	if len(b)-end < length {
		return nil, 0, part
	}
	q.body = append(q.body[:0], b[end:end+length]...)
	r = &http.Request{
		Method: method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: q.header, Host: q.header["Host"][0], ContentLength: int64(length), Body: http.NoBody, Close: q.close,
	}
	delete(q.header, "Host") // as net/http has it
	if length != 0 {
		q.reader.Reset(q.body)
		r.Body = io.NopCloser(&q.reader)
	}
	return r, end + length, whole
}

// begins reports whether b begins with the first line of a request that is answered here, or may do so.
func begins(b []byte, takes func(method, path string) bool) bool {
	line, _, complete := bytes.Cut(b, lineEnd)
	for i, c := range line {
		if c < ' ' || c > '~' {
			return !complete && c == '\r' && i == len(line)-1 // whose line feed is still to come
		}
	}
	if !complete {
		return len(line) < maxHead
	}
	method, rest, _ := strings.Cut(string(line), " ")
	target, version, _ := strings.Cut(rest, " ")
	path, _, _ := strings.Cut(target, "?")
	return version == "HTTP/1.1" && strings.HasPrefix(path, "/") && !strings.ContainsAny(target, "#") && takes(method, path)
}

// bare reports whether a line of b ends with a line feed alone: such a head may never come to the end that is looked for.
func bare(b []byte) bool {
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			return true
		}
	}
	return false
}

// fields reads the header. It reports whether there is nothing unusual in it.
func (q *request) fields(s string) bool {
	if q.header == nil {
		q.header = make(http.Header, maxHeaders/4)
		q.values = make([]string, maxHeaders)
	}
	clear(q.header)
	for n := 0; s != ""; n++ {
		var line string
		line, s, _ = strings.Cut(s, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || n == maxHeaders || !token(name) {
			return false
		}
		value = strings.Trim(value, " \t")
		if !text(value) {
			return false
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if q.header[key] != nil {
			if single(key) {
				return false
			}
			q.header[key] = append(q.header[key], value)
			continue
		}
		q.values[n] = value
		q.header[key] = q.values[n : n+1 : n+1]
	}
	return true
}

// single reports whether net/http treats a header specially that is there twice.
func single(key string) bool {
	switch key {
	case "Host", "Content-Length", "Connection":
		return true
	}
	return false
}

// frame returns the length of the body, and reports whether the header says no more about how the message ends than that.
func (q *request) frame(method string) (length int, ok bool) {
	h := q.header
	for _, name := range [...]string{"Transfer-Encoding", "Expect", "Trailer"} {
		if h[name] != nil {
			return 0, false
		}
	}
	if h["Pragma"] != nil && h["Cache-Control"] == nil { // of which net/http makes the other
		return 0, false
	}
	if h["Host"] == nil || !host(h["Host"][0]) {
		return 0, false
	}
	q.close = false
	if c := h["Connection"]; c != nil {
		switch option := strings.ToLower(c[0]); {
		case option == "keep-alive":
		case option == "close":
			q.close = true
		case method == http.MethodGet && !strings.Contains(option, "close"): // an upgrade, the handler's to read
		default:
			return 0, false
		}
	}
	announced := h["Content-Length"]
	if announced == nil {
		return 0, method == http.MethodGet
	}
	n, err := strconv.ParseUint(announced[0], 10, 31)
	if err != nil || n > maxBody || method == http.MethodGet {
		return 0, false
	}
	return int(n), true
}

// host reports whether s is a name or an address as clients write it, with or without a port. More is allowed (RFC 3986,
// section 3.2.2) and hardly ever there.
func host(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return s != ""
}

// token reports whether s is one (RFC 9110, section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// text reports whether s holds visible ASCII, spaces and tabs.
func text(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}
