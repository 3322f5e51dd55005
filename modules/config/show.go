package config

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// redacted is shown for a secret.
const redacted = "REDACTED"

// Redacted returns the effective configuration as YAML, in a fixed order, with REDACTED for every secret that is set.
// Of a source whose provider was not in the schema only the provider and the registration are shown, since nothing
// says which of the others are secrets. What an adapter leaves to its own default is not shown.
func (c *Config) Redacted() ([]byte, error) {
	var out bytes.Buffer
	dumper, err := yaml.NewDumper(&out, yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("config: redact: %w", err)
	}
	if err := dumper.Dump(show(reflect.ValueOf(c).Elem(), "", false)); err != nil {
		return nil, fmt.Errorf("config: redact: %w", err)
	}
	if err := dumper.Close(); err != nil {
		return nil, fmt.Errorf("config: redact: %w", err)
	}
	return out.Bytes(), nil
}

// show returns v as a node. With brief, a struct leaves out what is not set.
func show(v reflect.Value, file string, brief bool) *yaml.Node {
	if v.Type() == sourceType {
		return showSource(v.Interface().(Source))
	}
	if isLeaf(v.Type()) {
		return textNode(v, file)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		}
		return show(v.Elem(), file, brief)
	case reflect.Slice, reflect.Array:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for i := range v.Len() {
			list.Content = append(list.Content, show(v.Index(i), file, brief))
		}
		if isLeafList(v.Type()) && file != publicFile {
			list.Style = yaml.FlowStyle
		}
		return list
	case reflect.Map:
		return showMap(v, file, brief)
	case reflect.Struct:
		mapping := mappingNode()
		showFields(mapping, v, file, brief)
		return mapping
	}
	return scalarNode(redacted)
}

func showFields(mapping *yaml.Node, v reflect.Value, file string, brief bool) {
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		if brief && value.IsZero() {
			continue
		}
		put(mapping, f.name, show(value, cmp.Or(f.file, file), brief))
	}
}

func showMap(v reflect.Value, file string, brief bool) *yaml.Node {
	mapping := mappingNode()
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		put(mapping, key.String(), show(v.MapIndex(key), file, brief))
	}
	return mapping
}

func showSource(s Source) *yaml.Node {
	mapping := mappingNode()
	put(mapping, "provider", scalarNode(shown(s.Provider)))
	put(mapping, "registration", scalarNode(shown(s.Registration)))
	if s.options != nil {
		showFields(mapping, reflect.ValueOf(s.options), "", true)
	}
	return mapping
}

func mappingNode() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

func put(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, scalarNode(key), value)
}

// textNode returns a leaf. A private key among public ones is a mistake that must not be shown either.
func textNode(v reflect.Value, file string) *yaml.Node {
	text := fmt.Sprint(v.Interface())
	if d, ok := v.Interface().(time.Duration); ok {
		text = duration(d)
	}
	switch {
	case file == secretFile && !v.IsZero(), strings.Contains(text, "PRIVATE KEY"):
		return scalarNode(redacted)
	case v.Kind() == reflect.String || v.Type() == sizeType || v.Type() == durationType:
		n := scalarNode(shown(text))
		if file == urlFile {
			n = scalarNode(shownURLs(text))
		}
		if strings.Contains(text, "\n") {
			n.Style = yaml.LiteralStyle
		}
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

// shownURLs returns a list of URLs without their users. Where what stands between two commas is no URL, the comma may be
// part of a password.
func shownURLs(text string) string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		if u, err := url.Parse(part); err != nil || u.Scheme == "" || u.Host == "" {
			return shown(text)
		}
		parts[i] = shown(part)
	}
	return strings.Join(parts, ",")
}

// A password may have any character in it that should have been escaped, so the last @ ends it.
var userInfo = regexp.MustCompile(`(?s)://.*@`)

// shown returns text as a document may have it: what follows ${ is no variable, and the user of a URL is a secret.
func shown(text string) string {
	return strings.ReplaceAll(userInfo.ReplaceAllString(text, "://"+redacted+"@"), "${", "$${")
}

// duration writes 72h0m0s as 72h.
func duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// reloadableKeys are the parts that SIGHUP applies.
var reloadableKeys = []string{"api_keys", "tickets", "cors", "sources"}

// Diff returns the paths in which two configurations differ: those that a running process can take over, and those
// that need a restart. A source counts as one path. It counts as changed where its provider was not in the schema.
// Only configurations are compared: a changed file behind tickets.jwks_file or tls is not seen.
func Diff(old, new *Config) (reloadable, restart []string) {
	for _, path := range differences(reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem(), "") {
		top, _, _ := strings.Cut(path, ".")
		if slices.Contains(reloadableKeys, top) {
			reloadable = append(reloadable, path)
		} else {
			restart = append(restart, path)
		}
	}
	return reloadable, restart
}

func differences(a, b reflect.Value, path string) []string {
	var all []string
	for _, f := range fieldsOf(a.Type()) {
		x, y, at := a.FieldByIndex(f.index), b.FieldByIndex(f.index), dotted(path, f.name)
		switch {
		case at == "sources":
			all = append(all, differentSources(x.Interface().(map[string]Source), y.Interface().(map[string]Source))...)
		case f.kind.Kind() == reflect.Struct:
			all = append(all, differences(x, y, at)...)
		case f.kind.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0:
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			all = append(all, at)
		}
	}
	return all
}

func differentSources(a, b map[string]Source) []string {
	names := maps.Clone(a)
	if names == nil {
		names = map[string]Source{}
	}
	maps.Copy(names, b)
	var all []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, in := a[name]
		y, too := b[name]
		same := in && too && x.Provider == y.Provider && x.Registration == y.Registration &&
			x.options != nil && reflect.DeepEqual(x.options, y.options)
		if !same {
			all = append(all, entry(here{path: "sources"}, name))
		}
	}
	return all
}
