package format

import (
	"encoding/json"
	"testing"

	"github.com/tidwall/gjson"
)

// FuzzPaths holds that one pass finds what gjson does, path by path.
func FuzzPaths(f *testing.F) {
	for _, body := range []string{
		`{"type":"a","data":{"id":1,"x":{"y":null}}}`,
		`{"data":7,"data":{"id":null},"data":{"id":2,"x":[1,2]},"type":{"a":1},"type":"b"}`,
		`{"data":[{"id":1}],"\u0064ata":{"\u0069d":true},"a.b":3}`,
		`{"data":{"id":"","id":"2","1":[4]},"":{"":5}}`,
		`{}`,
	} {
		f.Add(body, "data.id", "data.x.y")
		f.Add(body, "type", "data")
		f.Add(body, "data.#.id", "data.1.0")
		f.Add(body, `a\.b`, ".")
	}
	f.Fuzz(func(t *testing.T, body, one, other string) {
		if !json.Valid([]byte(body)) || len(body) > 1<<10 || len(one)+len(other) > 100 {
			return
		}
		root := gjson.Parse(body)
		if !root.IsObject() {
			return
		}
		all := []string{one, "data.id", other, "type", one, "data.x"}
		found := make([]gjson.Result, len(all))
		p := newPaths(all...)
		p.find(root, found)
		for i, path := range all {
			want := root.Get(path)
			if got := found[i]; got.Type != want.Type || got.Str != want.Str || got.Raw != want.Raw || got.Exists() != want.Exists() {
				t.Errorf("%q of %s: %q, gjson finds %q", path, body, got.Raw, want.Raw)
			}
		}
	})
}

func TestPlain(t *testing.T) {
	for path, want := range map[string]bool{
		"type": true, "data.order_id": true, "a-b.C3": true, "_": true,
		"": false, "a.": false, ".a": false, "a..b": false, "a.0": false, "0": false, "a.#": false, "a|b": false,
		"a*": false, "@this": false, `a\.b`: false, "a b": false, "é": false, "{a}": false, "a.1b": false,
	} {
		if got := plain(path); got != want {
			t.Errorf("plain(%q) is %v", path, got)
		}
	}
}
