package config

import (
	"encoding"
	"errors"
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

var (
	nodeReader   = reflect.TypeFor[interface{ UnmarshalYAML(*yaml.Node) error }]()
	textReader   = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	sourceType   = reflect.TypeFor[Source]()
)

// flagName is what a value from the command line is said to come from.
const flagName = "flag"

// field is a setting of a struct.
type field struct {
	name  string
	file  string
	kind  reflect.Type
	index []int
}

// fieldsOf returns a struct's settings in order, those of inlined structs among them.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if options == "inline" && f.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				all = append(all, inner)
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		all = append(all, field{name: name, file: f.Tag.Get("file"), kind: f.Type, index: []int{i}})
	}
	return all
}

// isLeaf reports whether t is written as one scalar.
func isLeaf(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(nodeReader) {
		return false
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return reflect.PointerTo(t).Implements(textReader)
}

func isLeafList(t reflect.Type) bool { return t.Kind() == reflect.Slice && isLeaf(t.Elem()) }

// override returns what a flag or a variable says about a scalar or a list of scalars, as a node.
func (d *decoder) override(t reflect.Type, h here) (*yaml.Node, origin, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !isLeaf(t) && !isLeafList(t) {
		return nil, origin{}, false
	}
	from := origin{name: variableName(h.path), literal: true}
	text, ok := d.in.getenv(from.name)
	if other, taken := d.variable[from.name]; ok && taken && other != h.path {
		d.fail(here{path: h.path, from: from}, nil, "this variable also means "+other+"; set both in the file")
	}
	d.variable[from.name] = h.path
	if flag, given := d.in.flags[h.path]; given {
		d.used[h.path] = true
		text, ok, from.name = flag, true, flagName
	}
	if !ok {
		return nil, origin{}, false
	}
	if isLeaf(t) {
		return scalarNode(text), from, true
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list.Content = append(list.Content, scalarNode(item))
		}
	}
	return list, from, true
}

// unusedFlags reports flags that set nothing.
func (d *decoder) unusedFlags() {
	for _, path := range slices.Sorted(maps.Keys(d.in.flags)) {
		if !d.used[path] {
			d.problems = append(d.problems, problem{place: place{name: flagName}, path: path, text: "no single value or list has this name"})
		}
	}
}

func scalarNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// variableName returns the environment's name of a path.
func variableName(path string) string {
	return "TILLBELL_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}

// scalar decodes a scalar by what the field is, not by how YAML would read it: variables are always text, and an
// account number is one with and without quotes.
func (d *decoder) scalar(v reflect.Value, n *yaml.Node, h here) {
	if n.Kind != yaml.ScalarNode {
		d.fail(h, n, "must be "+wanted(v.Type()))
		return
	}
	text, ok := d.text(n, h)
	if !ok {
		return
	}
	if !set(v, text) {
		d.fail(h, n, "must be "+wanted(v.Type()))
	}
}

// set reads text into v, and reports whether it could.
func set(v reflect.Value, text string) bool {
	if r, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return r.UnmarshalText([]byte(text)) == nil
	}
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		v.SetInt(int64(d))
		return err == nil
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		v.SetBool(text == "true")
		return text == "true" || text == "false"
	case v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
		return err == nil
	case v.CanUint():
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(u)
		return err == nil
	default:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
		return err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return true
}

// wanted describes a type for the reader of an error.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 90s, 15m or 72h"
	case t == sizeType:
		return "a size such as 512KiB or 1MiB"
	case reflect.PointerTo(t).Implements(textReader):
		return "a valid value"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// text returns what a scalar says: variables expanded, then a file reference replaced by the file.
func (d *decoder) text(n *yaml.Node, h here) (string, bool) {
	text := n.Value
	if !h.from.literal {
		if h.file == secretFile && bareVariable.MatchString(text) {
			d.fail(h, n, "is a variable without braces; write ${NAME}")
			return "", false
		}
		var problem string
		if text, problem = expand(text, d.in.getenv); problem != "" {
			d.fail(h, n, problem)
			return "", false
		}
	}
	path, isFile := strings.CutPrefix(text, "file:")
	switch h.file {
	case pathFile:
		return d.path(path, n, h)
	case secretFile, publicFile, urlFile:
		if isFile {
			return d.content(path, n, h)
		}
	default:
		if isFile {
			d.fail(h, n, "file: is for secrets, keys and certificates; write the value itself")
			return "", false
		}
	}
	return text, true
}

// path makes a path one that starts at the configuration's folder.
func (d *decoder) path(path string, n *yaml.Node, h here) (string, bool) {
	if strings.ContainsAny(path, "\r\n\x00") || strings.Contains(path, "-----BEGIN") {
		d.fail(h, n, "must be the path of a file, not its content")
		return "", false
	}
	if path == "" || filepath.IsAbs(path) {
		return path, true
	}
	return filepath.Join(d.in.dir, path), true
}

// content returns a file's text. All but a certificate loses one line end, which editors and echo add.
func (d *decoder) content(path string, n *yaml.Node, h here) (string, bool) {
	path, ok := d.path(path, n, h)
	if !ok {
		return "", false
	}
	raw, err := readFile(path)
	if err == nil && len(raw) == 0 {
		err = errors.New("the file is empty")
	}
	if err != nil {
		d.fail(h, n, "cannot read "+path+": "+err.Error())
		return "", false
	}
	text := string(raw)
	if h.file != publicFile {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	return text, true
}

// bareVariable is what a shell would expand. A secret that is a variable's name would be known to everybody.
var bareVariable = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces ${NAME}, once, and $${ by ${. It says what is wrong, if anything is.
func expand(text string, getenv func(string) (string, bool)) (expanded, problem string) {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			b.WriteString(text)
			return b.String(), ""
		}
		b.WriteString(text[:i])
		text = text[i:]
		switch {
		case strings.HasPrefix(text, "$${"):
			b.WriteString("${")
			text = text[3:]
		case strings.HasPrefix(text, "${"):
			match := variable.FindStringSubmatch(text)
			if match == nil {
				return "", "${ must be followed by a variable's name and }; write $${ for the characters themselves"
			}
			value, ok := getenv(match[1])
			if !ok {
				return "", "the environment variable " + match[1] + " is not set"
			}
			b.WriteString(value)
			text = text[len(match[0]):]
		default:
			b.WriteByte('$')
			text = text[1:]
		}
	}
}

func itoa(i int) string { return strconv.Itoa(i) }
