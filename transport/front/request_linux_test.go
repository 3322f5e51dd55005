package front

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// hot is what the tests have answered here.
func hot(method, path string) bool {
	return method == "POST" && strings.HasPrefix(path, "/hot/") || method == "GET" && strings.HasSuffix(path, "/sse")
}

// asked is what a handler sees of a request.
type asked struct {
	method, uri, proto, host, body string
	url                            url.URL
	header                         http.Header
	length                         int64
	close                          bool
}

func seen(r *http.Request) (asked, error) {
	body, err := io.ReadAll(r.Body)
	a := asked{
		method: r.Method, uri: r.RequestURI, proto: r.Proto, host: r.Host, body: string(body),
		url: *r.URL, header: r.Header.Clone(), length: r.ContentLength, close: r.Close,
	}
	if len(r.TransferEncoding)+len(r.Trailer) != 0 || r.ProtoMajor != 1 {
		a.proto += " in another form"
	}
	return a, err
}

// requests are taken in any place where a request may stand, in many forms. Each comes with what is expected of parse
// once all of it is there.
var requests = map[string]struct {
	text string
	want verdict
}{
	"callback":              {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", whole},
	"empty callback":        {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", whole},
	"leading zeros":         {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0002\r\n\r\n{}", whole},
	"wait":                  {"GET /p/sse?a=b HTTP/1.1\r\nHost: x:80\r\nAuthorization: Bearer a.b\r\n\r\n", whole},
	"upgrade":               {"GET /p/sse HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", whole},
	"close":                 {"GET /p/sse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", whole},
	"Close":                 {"POST /hot/a HTTP/1.1\r\nHost: x\r\nConnection: CLOSE\r\nContent-Length: 1\r\n\r\na", whole},
	"keep-alive":            {"POST /hot/a HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", whole},
	"white space":           {"GET /p/sse HTTP/1.1\r\nHost: \t x \r\nA:b\r\nB:  \t\r\nC: d  e\t\r\n\r\n", whole},
	"odd names":             {"GET /p/sse HTTP/1.1\r\nhOST: x\r\nx-a-B: c\r\n1_!: d\r\nSEC-WEBSOCKET-KEY: e\r\n\r\n", whole},
	"repeated":              {"GET /p/sse HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nCookie: b\r\nauthorization: c\r\ncookie: d\r\n\r\n", whole},
	"percent":               {"GET /p%2Fq%20/sse?a=%zz;b HTTP/1.1\r\nHost: x\r\n\r\n", whole},
	"dot segments":          {"POST /hot/../a/./b//c HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", whole},
	"address as host":       {"GET /p/sse HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", whole},
	"64 headers":            {"GET /p/sse HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 63) + "\r\n", whole},
	"no-cache":              {"GET /p/sse HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\r\n", whole},
	"pragma alone":          {"GET /p/sse HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n", other},
	"65 headers":            {"GET /p/sse HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 64) + "\r\n", other},
	"another path":          {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"another method":        {"PUT /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", other},
	"lower case":            {"post /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", other},
	"two lengths":           {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", other},
	"the same length twice": {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nab", other},
	"list of lengths":       {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\nab", other},
	"plus":                  {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab", other},
	"minus":                 {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\nab", other},
	"hex":                   {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\nab", other},
	"space in the length":   {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\nab", other},
	"underscore":            {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1_1\r\n\r\nab", other},
	"huge length":           {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nab", other},
	"empty length":          {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nab", other},
	"no length":             {"POST /hot/a HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"a wait with a body":    {"GET /p/sse HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", other},
	"chunked":               {"POST /hot/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", other},
	"chunked and length":    {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", other},
	"identity":              {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc", other},
	"folded":                {"GET /p/sse HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", other},
	"folded at once":        {"GET /p/sse HTTP/1.1\r\n Host: x\r\n\r\n", other},
	"line feeds":            {"GET /p/sse HTTP/1.1\nHost: x\n\n", other},
	"line feeds at the end": {"GET /p/sse HTTP/1.1\r\nHost: x\n\n", other},
	"one line feed":         {"GET /p/sse HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", other},
	"carriage return":       {"GET /p/sse HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", other},
	"return in the target":  {"GET /p\r/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"null":                  {"GET /p/sse HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", other},
	"null in the target":    {"GET /p\x00/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"space before colon":    {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\nab", other},
	"no name":               {"GET /p/sse HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", other},
	"no colon":              {"GET /p/sse HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n", other},
	"no host":               {"GET /p/sse HTTP/1.1\r\nA: b\r\n\r\n", other},
	"no header":             {"GET /p/sse HTTP/1.1\r\n\r\n", other},
	"two hosts":             {"GET /p/sse HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", other},
	"empty host":            {"GET /p/sse HTTP/1.1\r\nHost:\r\n\r\n", other},
	"quoted host":           {"GET /p/sse HTTP/1.1\r\nHost: \"x\"\r\n\r\n", other},
	"host with brackets":    {"GET /p/sse HTTP/1.1\r\nHost: <x>\r\n\r\n", other},
	"host and path":         {"GET /p/sse HTTP/1.1\r\nHost: x/y\r\n\r\n", other},
	"two connections":       {"GET /p/sse HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: close\r\n\r\n", other},
	"close among others":    {"GET /p/sse HTTP/1.1\r\nHost: x\r\nConnection: a, close\r\n\r\n", other},
	"expect":                {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab", other},
	"trailer":               {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTrailer: A\r\n\r\nab", other},
	"not ASCII":             {"GET /p/sse HTTP/1.1\r\nHost: x\r\nA: \xc3\xa4\r\n\r\n", other},
	"name not ASCII":        {"GET /p/sse HTTP/1.1\r\nHost: x\r\n\xc3\xa4: a\r\n\r\n", other},
	"target not ASCII":      {"GET /\xc3\xa4/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"path not ASCII":        {"DELETE /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"a head, not ASCII":     {"HEAD /p/\x80 HTTP/1.0\r\nHost: x\r\n\r\n", other},
	"tab in the line":       {"GET\t/p/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"two spaces":            {"GET  /p/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"space in the target":   {"GET /p /sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"absolute":              {"GET http://y/p/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"asterisk":              {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"authority":             {"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"two slashes":           {"POST //hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", other},
	"fragment":              {"GET /p/sse#a HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"bad percent":           {"GET /%zz/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"1.0":                   {"GET /p/sse HTTP/1.0\r\nHost: x\r\n\r\n", other},
	"1.2":                   {"GET /p/sse HTTP/1.2\r\nHost: x\r\n\r\n", other},
	"01.1":                  {"GET /p/sse HTTP/01.1\r\nHost: x\r\n\r\n", other},
	"HTTP/2":                {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", other},
	"0.9":                   {"GET /p/sse\r\n\r\n", other},
	"TLS":                   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", other},
	"an empty line first":   {"\r\nGET /p/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"a long line":           {"GET /" + strings.Repeat("a", maxHead) + "/sse HTTP/1.1\r\nHost: x\r\n\r\n", other},
	"a long header":         {"GET /p/sse HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", maxHead) + "\r\n\r\n", other},
	"a long body":           {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n" + strings.Repeat("a", 16385), other},
	"the longest head":      {longest, whole},
	"one byte more":         {strings.Replace(longest, "A: ", "A: a", 1), other},
	"nothing":               {"", part},
	"no line":               {"POST /hot/a HTTP/1.1\r", part},
	"no end":                {"POST /hot/a HTTP/1.1\r\nHost: x\r\n", part},
	"no body":               {"POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab", part},
}

var longest = func() string {
	const line = "GET /p/sse HTTP/1.1\r\nHost: x\r\nA: "
	return line + strings.Repeat("a", maxHead-len(line)) + "\r\n\r\n"
}()

// TestParse reads every request whole, and then in every two pieces.
func TestParse(t *testing.T) {
	for name, c := range requests {
		const rest = "GET /"
		text := c.text
		if c.want == whole {
			text += rest
		}
		_, size, v := new(request).parse([]byte(text), hot)
		if v != c.want || v == whole && text[size:] != rest {
			t.Errorf("%s: verdict %d of %d bytes, want %d", name, v, size, c.want)
		}
		checkPieces(t, name, []byte(text), func(yield func(int) bool) {
			for i := range len(text) {
				if (i < 64 || i > len(text)-64 || i%101 == 0) && !yield(i) {
					return
				}
			}
		})
	}
}

// checkPieces holds parse to one verdict wherever what it reads is cut.
func checkPieces(t *testing.T, name string, text []byte, cuts func(yield func(int) bool)) {
	t.Helper()
	_, size, all := new(request).parse(text, hot)
	for i := range cuts {
		_, short, v := new(request).parse(text[:i], hot)
		want := part // of a request that is whole
		switch {
		case all == whole && i >= size:
			want = whole
		case all == other && v == other:
			want = other
		}
		if v != want || v == whole && short != size {
			t.Errorf("%s: verdict %d of the first %d bytes, %d of all", name, v, i, all)
		}
	}
}

// TestParseSame compares what parse makes of a request with what net/http does.
func TestParseSame(t *testing.T) {
	for name, c := range requests {
		var q request
		r, size, v := q.parse([]byte(c.text), hot)
		if v == whole {
			compare(t, name, r, c.text, size)
		}
	}
}

func compare(t *testing.T, name string, r *http.Request, text string, size int) {
	t.Helper()
	got, err := seen(r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	b := bufio.NewReader(strings.NewReader(text))
	theirs, err := http.ReadRequest(b)
	if err != nil {
		t.Errorf("%s: net/http refuses %q: %v", name, text, err)
		return
	}
	want, err := seen(theirs)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%+v, net/http has\n%+v, %v", name, got, want, err)
	}
	if rest, _ := io.ReadAll(b); text[size:] != string(rest) {
		t.Errorf("%s: %q is left, net/http leaves %q", name, text[size:], rest)
	}
}

// TestParseReused reads requests one after the other into the same room. None may have anything of another.
func TestParseReused(t *testing.T) {
	x := new(exchange)
	for range 3 {
		for name, c := range requests {
			r, size, v := x.parse([]byte(c.text), hot)
			if v == whole {
				compare(t, name, r, c.text, size)
			}
			x.end()
			if len(x.header) != 0 || slices.ContainsFunc(x.values, func(s string) bool { return s != "" }) {
				t.Fatalf("%s: %v, %v are kept", name, x.header, x.values)
			}
		}
	}
}

// FuzzParse compares a connection that is served here, and by net/http from the first request on that is not for here,
// with one that net/http serves alone.
func FuzzParse(f *testing.F) {
	names := make([]string, 0, len(requests))
	for name := range requests {
		names = append(names, name)
	}
	slices.Sort(names)
	callback, wait := requests["callback"].text, requests["wait"].text
	for _, name := range names {
		if text := requests[name].text; len(text) < maxHead {
			f.Add([]byte(text), uint16(len(text)/2))
			f.Add([]byte(callback+text+wait), uint16(len(callback)+9))
		}
	}
	f.Add([]byte(callback+"\r\n"+callback+"\r\n\r\n"+wait+"\n"+wait), uint16(3))
	s := newScripted(f)
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		checkPieces(t, "fuzzed", b, func(yield func(int) bool) {
			for _, i := range []int{int(cut), int(cut) / 2, len(b) - 1, len(b) - 2} {
				if i >= 0 && i <= len(b) && !yield(i) {
					return
				}
			}
		})
		want := s.serve(b)
		got := alike(s, b)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n%+v, net/http alone has\n%+v", b, got, want)
		}
	})
}

// alike serves b as a client's connection would be, without sockets.
func alike(s *scripted, b []byte) (all transcript) {
	const blanks = 4
	var q request
	for {
		r, size, v := q.parse(b, hot)
		if v != whole {
			return all.add(s.serve(b))
		}
		a, err := seen(r)
		if err != nil {
			panic(err)
		}
		all.asked, all.statuses = append(all.asked, a), append(all.statuses, "200")
		b = b[size:]
		for range blanks {
			if r.Method == http.MethodPost && len(b) != 0 && (b[0] == '\r' || b[0] == '\n') {
				b = b[1:]
			}
		}
		if r.Close || len(b) < 4 { // for which net/http waits
			return all
		}
	}
}
