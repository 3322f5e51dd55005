package config

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"
)

// custom leaves n to the type's own UnmarshalYAML, once aliases, variables and files are resolved. Its error is not
// passed on, since it may quote the value.
func (d *decoder) custom(v reflect.Value, n *yaml.Node, h here) {
	before := len(d.problems)
	resolved := d.resolve(n, h)
	if len(d.problems) > before {
		return
	}
	texts := isLeafList(v.Type())
	if texts && !textOrTexts(resolved) {
		d.fail(h, n, "must be a text or a list of texts")
		return
	}
	if err := v.Addr().Interface().(interface{ UnmarshalYAML(*yaml.Node) error }).UnmarshalYAML(resolved); err != nil {
		d.fail(h, n, "is not valid here")
	}
}

func textOrTexts(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.ScalarNode
	}
	return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode || null(c) })
}

// resolve returns a copy of n without aliases, variables and file references.
func (d *decoder) resolve(n *yaml.Node, h here) *yaml.Node {
	n, h, ok := d.follow(n, h)
	if !ok || n == nil {
		return nil
	}
	twin := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.ScalarNode:
		if !null(n) {
			twin.Tag = "!!str"
			twin.Value, _ = d.text(n, h)
		}
	case yaml.MappingNode:
		pairs, _ := d.pairs(n, h)
		for _, p := range pairs {
			at := h
			at.path = entry(h, p.key)
			twin.Content = append(twin.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: p.key, Line: p.name.Line},
				d.resolve(p.value, at))
		}
	default:
		for i, child := range n.Content {
			at := h
			at.path = h.path + "[" + itoa(i) + "]"
			twin.Content = append(twin.Content, d.resolve(child, at))
		}
	}
	return twin
}
