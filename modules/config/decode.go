package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// What aliases may stand for in one document: so many values in all, since nested aliases multiply, and so deep, since
// an alias may name what it is in.
const (
	maxAliased = 10_000
	maxNested  = 10
)

// The values of the struct tag file. Secrets are never shown, and of a URL not its user; a path stays a path, made
// absolute to the document's.
const (
	secretFile = "secret"
	publicFile = "public"
	pathFile   = "path"
	urlFile    = "url"
)

// decoder puts a document, with what overrides it, into Go values. It collects problems and goes on.
type decoder struct {
	in       *inputs
	problems []problem
	places   map[string]place
	used     map[string]bool   // flags, by path
	variable map[string]string // the path that each set variable was found for
	aliased  int               // values that aliases stood for; past maxAliased no alias is followed
}

func newDecoder(in *inputs) *decoder {
	return &decoder{in: in, places: map[string]place{}, used: map[string]bool{}, variable: map[string]string{}}
}

// origin is what a node was made from. A literal one is not expanded.
type origin struct {
	name    string
	literal bool
}

// here is a position in the configuration.
type here struct {
	path    string
	file    string // the struct tag of the field, or of the field around it
	from    origin
	aliases int // that led here
}

func (d *decoder) fail(h here, n *yaml.Node, text string) {
	p := problem{place: place{name: h.from.name}, path: h.path, text: text}
	if n != nil {
		p.place.line, p.column = n.Line, n.Column
	}
	d.problems = append(d.problems, p)
}

// value decodes n into v. A nil or null n leaves v as it is, except that what is inside a struct may be overridden.
func (d *decoder) value(v reflect.Value, n *yaml.Node, h here) {
	n, h, ok := d.follow(n, h)
	if !ok {
		return
	}
	if v.Type() == sourceType && null(n) {
		n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	}
	if null(n) {
		if v.Kind() == reflect.Struct && !isLeaf(v.Type()) {
			d.fill(v, nil, h)
		}
		return
	}
	d.places[h.path] = place{h.from.name, n.Line}
	switch t := v.Type(); {
	case t == sourceType:
		d.source(v.Addr().Interface().(*Source), n, h)
	case reflect.PointerTo(t).Implements(nodeReader):
		d.custom(v, n, h)
	case isLeaf(t):
		d.scalar(v, n, h)
	default:
		d.compound(v, n, h)
	}
}

func (d *decoder) compound(v reflect.Value, n *yaml.Node, h here) {
	switch v.Kind() {
	case reflect.Struct:
		if pairs, ok := d.pairs(n, h); ok {
			d.fill(v, pairs, h)
		}
	case reflect.Map:
		d.entries(v, n, h)
	case reflect.Slice:
		d.list(v, n, h)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(v.Elem(), n, h)
	default:
		d.fail(h, n, "cannot be configured")
	}
}

// follow replaces an alias by what it stands for and refuses tags.
func (d *decoder) follow(n *yaml.Node, h here) (*yaml.Node, here, bool) {
	for n != nil && n.Kind == yaml.AliasNode {
		n, h.aliases = n.Alias, h.aliases+1
	}
	if h.aliases > 0 && d.aliased <= maxAliased {
		d.aliased++
		if d.aliased > maxAliased || h.aliases > maxNested {
			d.aliased = maxAliased + 1
			d.fail(h, n, "aliases stand for too many values; write them out")
		}
	}
	if h.aliases > 0 && d.aliased > maxAliased {
		return nil, h, false
	}
	if n != nil && n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str" {
		d.fail(h, n, "YAML tags are not supported; remove it")
		return nil, h, false
	}
	return n, h, true
}

func null(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// pair is a key of a mapping and its value.
type pair struct {
	key     string
	name    *yaml.Node
	value   *yaml.Node
	keyOnly bool // written in braces without a value
}

// pairs returns a mapping's keys in order, each once.
func (d *decoder) pairs(n *yaml.Node, h here) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		d.fail(h, n, "must be a mapping (key: value)")
		return nil, false
	}
	var all []pair
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		switch {
		case name.Kind == yaml.ScalarNode && name.Tag == "!!merge":
			d.fail(h, name, "merge keys (<<) are not supported; write the settings out")
			continue
		case name.Kind != yaml.ScalarNode || name.Style&yaml.TaggedStyle != 0 || null(name):
			d.fail(h, name, "a key here is not plain text")
			continue
		}
		if line, twice := first[name.Value]; twice {
			at := h
			at.path = entry(h, name.Value)
			d.fail(at, name, "set twice; the first is on line "+itoa(line))
			continue
		}
		first[name.Value] = name.Line
		bare := n.Style&yaml.FlowStyle != 0 && null(value) && value.Value == ""
		all = append(all, pair{key: name.Value, name: name, value: value, keyOnly: bare})
	}
	return all, true
}

// fill decodes pairs into a struct. Keys in besides belong to somebody else.
func (d *decoder) fill(v reflect.Value, pairs []pair, h here, besides ...string) {
	allowed := slices.Clone(besides)
	for _, f := range fieldsOf(v.Type()) {
		allowed = append(allowed, f.name)
		at := h
		at.path = dotted(h.path, f.name)
		if f.file != "" {
			at.file = f.file
		}
		var n *yaml.Node
		if i := slices.IndexFunc(pairs, func(p pair) bool { return p.key == f.name }); i >= 0 {
			n = pairs[i].value
		}
		if over, from, ok := d.override(f.kind, at); ok {
			n, at.from, at.aliases = over, from, 0
		}
		d.value(v.FieldByIndex(f.index), n, at)
	}
	for _, p := range pairs {
		if !slices.Contains(allowed, p.key) {
			d.unknown(p, h, allowed)
		}
	}
}

func (d *decoder) unknown(p pair, h here, allowed []string) {
	if p.keyOnly || !settingName.MatchString(p.key) {
		d.fail(h, p.name, "a key here is not a setting; is a space missing after a colon? allowed: "+strings.Join(allowed, ", "))
		return
	}
	h.path = dotted(h.path, p.key)
	d.fail(h, p.name, "unknown key"+suggest(p.key, allowed))
}

// entries decodes a mapping into a map. Values must not be null: there is no default that they could keep.
func (d *decoder) entries(v reflect.Value, n *yaml.Node, h here) {
	pairs, ok := d.pairs(n, h)
	if !ok {
		return
	}
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		d.fail(h, n, "cannot be configured")
		return
	}
	v.Set(reflect.MakeMapWithSize(t, len(pairs)))
	for _, p := range pairs {
		at := h
		at.path = entry(h, p.key)
		if null(p.value) && t.Elem() != sourceType {
			d.fail(at, p.name, "must have a value")
			continue
		}
		element := reflect.New(t.Elem()).Elem()
		d.value(element, p.value, at)
		v.SetMapIndex(reflect.ValueOf(p.key).Convert(t.Key()), element)
	}
}

func (d *decoder) list(v reflect.Value, n *yaml.Node, h here) {
	if n.Kind != yaml.SequenceNode {
		d.fail(h, n, "must be a list ([a, b])")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, child := range n.Content {
		at := h
		at.path = h.path + "[" + itoa(i) + "]"
		if null(child) {
			d.fail(at, child, "must have a value")
			continue
		}
		d.value(v.Index(i), child, at)
	}
}
