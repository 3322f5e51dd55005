package format

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// paths finds several gjson paths in one pass over a body, where gjson would read it once for each.
type paths struct {
	members members
	rest    []rest
}

// members are the names in one object that paths lead to or through.
type members []member

type member struct {
	name  string
	ends  []int // indexes of the paths that end here
	inner members
}

// rest is a path that is more than names parted by points, and its index.
type rest struct {
	path  string
	index int
}

func newPaths(all ...string) paths {
	var p paths
	for i, path := range all {
		if plain(path) {
			p.members = p.members.with(strings.Split(path, "."), i)
		} else {
			p.rest = append(p.rest, rest{path, i})
		}
	}
	return p
}

// with returns ms with the path of the index.
func (ms members) with(path []string, index int) members {
	i := slices.IndexFunc(ms, func(m member) bool { return m.name == path[0] })
	if i < 0 {
		i, ms = len(ms), append(ms, member{name: path[0]})
	}
	if len(path) == 1 {
		ms[i].ends = append(ms[i].ends, index)
	} else {
		ms[i].inner = ms[i].inner.with(path[1:], index)
	}
	return ms
}

// plain reports whether every part of the path is to gjson the name of a member and nothing else. It takes digits for
// the index of an array, and most other characters for operators.
func plain(path string) bool {
	letter := func(c rune) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	other := func(c rune) bool { return !letter(c) && c != '-' && (c < '0' || c > '9') }
	for name := range strings.SplitSeq(path, ".") {
		if name == "" || !letter(rune(name[0])) || strings.ContainsFunc(name, other) {
			return false
		}
	}
	return true
}

// find sets found at each path's index to what root.Get(path) is.
func (p *paths) find(root gjson.Result, found []gjson.Result) {
	p.members.find(root, found)
	for _, r := range p.rest {
		found[r.index] = root.Get(r.path)
	}
}

// find takes the first of several members of one name, as gjson does.
func (ms members) find(object gjson.Result, found []gjson.Result) {
	object.ForEach(func(name, value gjson.Result) bool {
		for i := range ms {
			if ms[i].name != name.Str {
				continue
			}
			for _, end := range ms[i].ends {
				if !found[end].Exists() {
					found[end] = value
				}
			}
			if len(ms[i].inner) != 0 && value.IsObject() {
				ms[i].inner.find(value, found)
			}
		}
		return true
	})
}
