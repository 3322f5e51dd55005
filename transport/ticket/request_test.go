package ticket_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/tillbell/tillbell/transport/ticket"
)

func TestFromRequest(t *testing.T) {
	upgrade := []string{"Connection", "keep-alive, Upgrade", "Upgrade", "WebSocket"}
	with := func(more ...string) []string { return append(upgrade[:len(upgrade):len(upgrade)], more...) }
	both := ticket.Sources{Query: true, Cookie: true}
	for name, c := range map[string]struct {
		query   string
		headers []string
		sources ticket.Sources
		token   string
		where   ticket.Where
		ok      bool
	}{
		"nothing":                 {sources: both},
		"bearer":                  {headers: []string{"Authorization", "Bearer a.b.c"}, token: "a.b.c", where: ticket.Authorization, ok: true},
		"bearer in lower case":    {headers: []string{"Authorization", "bearer a.b.c"}, token: "a.b.c", where: ticket.Authorization, ok: true},
		"bearer and spaces":       {headers: []string{"Authorization", " BEARER   a.b.c "}, token: "a.b.c", where: ticket.Authorization, ok: true},
		"bearer of nothing":       {query: "ticket=q", headers: []string{"Authorization", "Bearer"}, sources: both, where: ticket.Authorization},
		"bearer of a space":       {query: "ticket=q", headers: []string{"Authorization", "Bearer "}, sources: both, where: ticket.Authorization},
		"bearer without a space":  {headers: []string{"Authorization", "Bearera.b.c"}},
		"another scheme":          {headers: []string{"Authorization", "Basic YTpi"}},
		"another scheme, query":   {query: "ticket=q", headers: []string{"Authorization", "Basic YTpi"}, sources: both, token: "q", where: ticket.Query, ok: true},
		"an empty header, query":  {query: "ticket=q", headers: []string{"Authorization", ""}, sources: both, token: "q", where: ticket.Query, ok: true},
		"two headers":             {headers: []string{"Authorization", "Bearer a", "Authorization", "Bearer a"}, where: ticket.Authorization},
		"two headers, one ours":   {query: "ticket=q", headers: []string{"Authorization", "Basic a", "Authorization", "Bearer a"}, sources: both, where: ticket.Authorization},
		"header before all":       {query: "ticket=q", headers: with("Authorization", "Bearer a", "Sec-WebSocket-Protocol", "bearer.w", "Cookie", "tillbell_ticket=c"), sources: both, token: "a", where: ticket.Authorization, ok: true},
		"subprotocol":             {headers: with("Sec-WebSocket-Protocol", "tillbell.v1, bearer.a.b.c"), token: "a.b.c", where: ticket.Subprotocol, ok: true},
		"subprotocol first":       {headers: with("Sec-WebSocket-Protocol", "bearer.a.b.c,tillbell.v1"), token: "a.b.c", where: ticket.Subprotocol, ok: true},
		"subprotocol, two lines":  {headers: with("Sec-WebSocket-Protocol", "tillbell.v1", "Sec-WebSocket-Protocol", "x ,\tbearer.a.b.c"), token: "a.b.c", where: ticket.Subprotocol, ok: true},
		"subprotocol empty":       {query: "ticket=q", headers: with("Sec-WebSocket-Protocol", "bearer."), sources: both, where: ticket.Subprotocol},
		"subprotocol twice":       {headers: with("Sec-WebSocket-Protocol", "bearer.a, bearer.b"), where: ticket.Subprotocol},
		"subprotocol of another":  {query: "ticket=q", headers: with("Sec-WebSocket-Protocol", "tillbell.v1, Bearer.a, bearer"), sources: both, token: "q", where: ticket.Query, ok: true},
		"subprotocol, no upgrade": {headers: []string{"Sec-WebSocket-Protocol", "bearer.a"}},
		"subprotocol, only half":  {headers: []string{"Upgrade", "websocket", "Sec-WebSocket-Protocol", "bearer.a"}},
		"subprotocol, h2c":        {headers: []string{"Connection", "Upgrade", "Upgrade", "h2c", "Sec-WebSocket-Protocol", "bearer.a"}},
		"subprotocol, then query": {query: "ticket=q", headers: with("Sec-WebSocket-Protocol", "bearer.w"), sources: both, token: "w", where: ticket.Subprotocol, ok: true},
		"query":                   {query: "ttl=5s&ticket=a.b.c", sources: ticket.Sources{Query: true}, token: "a.b.c", where: ticket.Query, ok: true},
		"query not allowed":       {query: "ticket=q", sources: ticket.Sources{Cookie: true}},
		"query empty":             {query: "ticket=", headers: []string{"Cookie", "tillbell_ticket=c"}, sources: both, where: ticket.Query},
		"query twice":             {query: "ticket=a&ticket=a", sources: both, where: ticket.Query},
		"query of another name":   {query: "Ticket=a&tickets=b", sources: both},
		"query before cookie":     {query: "ticket=q", headers: []string{"Cookie", "tillbell_ticket=c"}, sources: both, token: "q", where: ticket.Query, ok: true},
		"cookie":                  {headers: []string{"Cookie", "a=b; tillbell_ticket=a.b.c"}, sources: ticket.Sources{Cookie: true}, token: "a.b.c", where: ticket.Cookie, ok: true},
		"cookie not allowed":      {headers: []string{"Cookie", "tillbell_ticket=c"}, sources: ticket.Sources{Query: true}},
		"cookie, query ignored":   {query: "ticket=q", headers: []string{"Cookie", "tillbell_ticket=c"}, sources: ticket.Sources{Cookie: true}, token: "c", where: ticket.Cookie, ok: true},
		"cookie twice":            {headers: []string{"Cookie", "tillbell_ticket=a; tillbell_ticket=b"}, sources: both, where: ticket.Cookie},
		"cookie empty":            {headers: []string{"Cookie", "tillbell_ticket="}, sources: both, where: ticket.Cookie},
		"cookie of another name":  {headers: []string{"Cookie", "tillbell_tickets=a"}, sources: both},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v1/payments/order-1001/sse?"+c.query, nil)
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Add(c.headers[i], c.headers[i+1])
			}
			token, where, ok := ticket.FromRequest(r, c.sources)
			if token != c.token || where != c.where || ok != c.ok {
				t.Errorf("FromRequest = %q, %q, %v, want %q, %q, %v", token, where, ok, c.token, c.where, c.ok)
			}
		})
	}
}

// FuzzQuery: the query is read as net/url reads it.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "ticket=a.b.c", "ttl=5s&ticket=a%2Eb&x", "ticket=a&ticket=b", "tick%65t=a", "ticket", "ticket=",
		"ticket=a;b", "ticket=a;ticket=b", "ticket=%zz", "%zz=a&ticket=b", "ticket=a+b", "&&ticket=a&", "ticket=a=b", "=ticket", "ticket=%"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		tokens := values[ticket.QueryName]
		want := ticket.Nowhere
		if len(tokens) > 0 {
			want = ticket.Query
		}
		token, where, ok := ticket.FromRequest(&http.Request{URL: &url.URL{RawQuery: query}}, ticket.Sources{Query: true})
		if where != want || ok != (len(tokens) == 1 && tokens[0] != "") || ok && token != tokens[0] {
			t.Errorf("%q: FromRequest = %q, %q, %v; net/url has %q", query, token, where, ok, tokens)
		}
	})
}

func BenchmarkFromRequest(b *testing.B) {
	for _, c := range []struct {
		name, query string
		headers     []string
	}{
		{"authorization", "", []string{"Authorization", "Bearer a.b.c"}},
		{"subprotocol", "", []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Protocol", "tillbell.v1, bearer.a.b.c"}},
		{"query", "ttl=90s&ticket=a.b.c", nil},
		{"cookie", "", []string{"Cookie", "a=b; tillbell_ticket=a.b.c"}},
		{"none", "", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/v1/payments/order-1001/sse?"+c.query, nil)
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Add(c.headers[i], c.headers[i+1])
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := ticket.FromRequest(r, ticket.Sources{Query: true, Cookie: true}); ok != (c.name != "none") {
					b.Fatal("the ticket was not found")
				}
			}
		})
	}
}
