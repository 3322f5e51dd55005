package config

import (
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"
)

// The values of Source.Registration.
const (
	// Optional: events of payments that nobody registered are told.
	Optional = "optional"
	// Required: they are held back until the registration.
	Required = "required"
)

// Source is one provider account that may post callbacks.
type Source struct {
	// Provider is the adapter's name.
	Provider string `yaml:"provider"`
	// Registration is Optional or Required.
	Registration string `yaml:"registration"`

	options any        // the adapter's Options; nil where the provider was not in the schema
	section *yaml.Node // the whole section, for a Decode without options
	in      *inputs
	at      here
}

// NewSource returns a source that was not read from a file. Options is the adapter's Options struct.
func NewSource(provider string, options any) Source {
	return Source{Provider: provider, Registration: Optional, options: options}
}

// Same reports whether o says the same of the provider. What both say of the registration is not compared.
func (s Source) Same(o Source) bool {
	return s.Provider == o.Provider && s.options != nil && reflect.DeepEqual(s.options, o.options)
}

// Decode puts the section's remaining settings into an adapter's Options, to which into points. A provider of the
// schema was decoded by Load, and Decode of its Options cannot fail; then all copies share their maps and lists, which
// nobody may change. For others the section is decoded at the call, and the error joins what is wrong with it.
func (s Source) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("config: decode source: %T is not a pointer to a struct", into)
	}
	if s.options != nil {
		if reflect.TypeOf(s.options) != v.Type().Elem() {
			return fmt.Errorf("config: decode source: the options of %s are %T, not %s", s.Provider, s.options, v.Type().Elem())
		}
		v.Elem().Set(reflect.ValueOf(s.options))
		return nil
	}
	if s.section == nil {
		return nil
	}
	d := newDecoder(s.in)
	pairs, _ := d.pairs(s.section, s.at)
	d.fill(v.Elem(), pairs, s.at, "provider", "registration")
	return join(d.problems)
}

// source decodes a source's section, its options too where the schema has the provider.
func (d *decoder) source(s *Source, n *yaml.Node, h here) {
	pairs, ok := d.pairs(n, h)
	if !ok {
		return
	}
	s.Registration = Optional
	s.in, s.section, s.at = d.in, n, h
	own, rest := split(pairs)
	d.fill(reflect.ValueOf(s).Elem(), own, h)
	zero, known := d.in.schema[s.Provider]
	if !known {
		return
	}
	t := reflect.TypeOf(zero)
	if t == nil || t.Kind() != reflect.Struct {
		d.fail(h, n, "the options of this provider are not a struct")
		return
	}
	options := reflect.New(t).Elem()
	options.Set(reflect.ValueOf(zero))
	d.fill(options, rest, h, "provider", "registration")
	s.options = options.Interface()
}

// split parts the settings that every source has from the adapter's.
func split(pairs []pair) (own, rest []pair) {
	for _, p := range pairs {
		if slices.Contains([]string{"provider", "registration"}, p.key) {
			own = append(own, p)
		} else {
			rest = append(rest, p)
		}
	}
	return own, rest
}
