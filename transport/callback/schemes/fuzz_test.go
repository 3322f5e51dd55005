package schemes_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

const maxSeed = 64 << 10 // a longer seed only slows the fuzzer down

// seeds calls add with every vector: the provider's place in all, its signature, the other headers and the body.
func seeds(f *testing.F, add func(which uint8, signature, headers string, body []byte)) {
	for i, p := range all {
		for _, v := range vectors(f, p.about.Name) {
			if len(v.Request.Body) > maxSeed {
				continue
			}
			var headers strings.Builder
			signature := ""
			for name, values := range v.Request.Header {
				for _, value := range values {
					if name == p.of(f, v).header {
						signature = value
					} else {
						headers.WriteString(name + ": " + value + "\n")
					}
				}
			}
			add(uint8(i), signature, headers.String(), v.Request.Body)
		}
	}
}

// headers reads what seeds writes.
func headers(text string) http.Header {
	h := make(http.Header)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func shops(f *testing.F) (list []*shop) {
	for _, p := range all {
		list = append(list, p.open(f))
	}
	return list
}

// FuzzParse changes genuine callbacks. The fresh keys cannot have proven any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	seeds(f, func(which uint8, signature, headers string, body []byte) { f.Add(which, signature, headers, body) })
	shops := shops(f)
	f.Fuzz(func(t *testing.T, which uint8, signature, lines string, body []byte) {
		s := shops[int(which)%len(shops)]
		h := headers(lines)
		h.Set(s.header, signature)
		events, err := s.provider.Parse(callback.NewPost(h, body), at)
		if err == nil {
			t.Fatalf("%s: accepted: %+v", s.about.Name, events)
		}
		callbacktest.ReasonOf(t, err)
	})
}

// FuzzSigned proves any body, so that what reads it is reached.
func FuzzSigned(f *testing.F) {
	seeds(f, func(which uint8, _, headers string, body []byte) { f.Add(which, headers, body) })
	shops := shops(f)
	f.Fuzz(func(t *testing.T, which uint8, lines string, body []byte) {
		s := shops[int(which)%len(shops)]
		h := headers(lines)
		h.Del(s.header)
		if err := s.sign(h, body); err != nil {
			t.Fatal(err)
		}
		events, err := s.provider.Parse(callback.NewPost(h, body), at)
		if err != nil {
			if r := err.(*callback.Refusal); !r.Genuine && r.Reason != callback.WrongAccount {
				t.Fatalf("%s: a proven callback: %v", s.about.Name, err)
			}
		}
		for _, e := range events {
			if err := callbacktest.Wellformed(e); err != nil {
				t.Errorf("%s: %v: %+v", s.about.Name, err, e)
			}
			if strings.HasPrefix(string(e.Amount), "-") {
				t.Errorf("%s: amount %s", s.about.Name, e.Amount)
			}
		}
		if again, _ := s.provider.Parse(callback.NewPost(h, body), at); !reflect.DeepEqual(events, again) {
			t.Errorf("%s: %+v, and then %+v", s.about.Name, events, again)
		}
	})
}
