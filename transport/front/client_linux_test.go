package front

import (
	"net/http"
	"strings"
	"testing"
)

// TestServed goes through what comes over one connection.
func TestServed(t *testing.T) {
	s := newSite(t, Options{})
	p := s.dial(t)
	for range 3 {
		p.say(post)
		p.expect(posted, true)
		p.say(get)
		p.expect(got, true)
	}
	p.say(post[:30])
	p.say(post[30:])
	p.expect(posted, true)
	p.say(cold)
	p.expect(answered, false)
	p.say(post) // whose connection is net/http's for good
	p.expect(posted, false)
	p.say(closing(post))
	p.expect(posted, false)
	p.expectEnd()
}

// TestPipelined has many requests in one packet.
func TestPipelined(t *testing.T) {
	s := newSite(t, Options{})
	p := s.dial(t)
	p.say(strings.Repeat(post+get, 100) + post + cold + get + closing(get))
	for range 100 {
		p.expect(posted, true)
		p.expect(got, true)
	}
	p.expect(posted, true)
	p.expect(answered, false)
	p.expect(got, false)
	p.expect(got, false)
	p.expectEnd()

	p = s.dial(t)
	p.say(post + post + "garbage\r\n\r\n")
	p.expect(posted, true)
	p.expect(posted, true)
	if resp, _ := p.hear(); resp.StatusCode != 400 || !resp.Close {
		t.Errorf("garbage: %s", resp.Status)
	}
	p.expectEnd()

	p = s.dial(t)
	p.say(post + closing(post) + post)
	p.expect(posted, true)
	p.expect(posted, true)
	p.expectEnd()
}

// TestBlankLines follows posts by line breaks, as old clients do. net/http passes over four bytes of them.
func TestBlankLines(t *testing.T) {
	s := newSite(t, Options{})
	p := s.dial(t)
	for _, blank := range []string{"\r\n", "\n", "\r\n\r\n", ""} {
		p.say(post + blank)
		p.expect(posted, true)
		p.say(blank[:0] + post + blank + get)
		p.expect(posted, true)
		p.expect(got, true)
	}
	p.say(post)
	p.expect(posted, true)
	p.say("\r")
	p.say("\n")
	p.say(cold)
	p.expect(answered, false)

	for _, first := range []string{"\r\n" + post, get + "\r\n" + post, post + "\r\n\r\n\r\n" + post} {
		p := s.dial(t)
		p.say(first)
		for {
			resp, _ := p.hear()
			if resp.StatusCode == http.StatusBadRequest {
				break
			}
			if resp.Header.Get("X-Front") == "" {
				t.Fatalf("%q is answered: %s", first, resp.Status)
			}
		}
	}
}

// TestHalfClosed has clients that shut their side in every place of what they say. They get the answers to what is whole,
// and then the end, at once.
func TestHalfClosed(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := newSite(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Held") != "" {
			entered <- struct{}{}
			<-release
		}
		echo(w, r)
	})})
	held := strings.Replace(post, "Host: x\r\n", "Host: x\r\nHeld: yes\r\n", 1)
	for name, c := range map[string]struct {
		before, while string
		posts, gets   int
		refused       bool // the rest, by net/http
	}{
		"nothing":             {"", "", 0, 0, false},
		"part":                {get[:9], "", 0, 0, true},
		"half a body":         {post[:len(post)-1], "", 0, 0, false},
		"one":                 {post, "", 1, 0, false},
		"one and a part":      {post + post[:30], "", 1, 0, true},
		"two":                 {post + get, "", 1, 1, false},
		"during one":          {held, "", 1, 0, false},
		"behind another":      {held, post, 2, 0, false},
		"behind two":          {held, post + post, 3, 0, false},
		"behind half of one":  {held, post[:30], 1, 0, true},
		"behind many":         {held, strings.Repeat(post, 300), 301, 0, false},
		"behind a large part": {held, strings.Repeat(post, 60) + post[:30], 61, 0, true},
		"to close":            {closing(held), "", 1, 0, false},
		"to close, and more":  {closing(held), strings.Repeat(post, 300), 1, 0, false},
		"a blank line":        {held, "\r\n", 1, 0, false},
	} {
		p := s.dial(t)
		p.say(c.before)
		if strings.Contains(c.before, "Held") {
			<-entered
		}
		if c.while != "" {
			p.say(c.while)
		}
		p.CloseWrite()
		if strings.Contains(c.before, "Held") {
			release <- struct{}{}
		}
		for range c.posts {
			p.expect(posted, true)
		}
		for range c.gets {
			p.expect(got, true)
		}
		if c.refused {
			if resp, _ := p.hear(); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("the rest: %s", resp.Status)
			}
		}
		p.expectEnd()
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
