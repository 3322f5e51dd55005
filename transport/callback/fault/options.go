package fault

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// setting is one field of an adapter's Options.
type setting struct {
	name  string // in the configuration
	tag   reflect.StructTag
	value reflect.Value
}

// settings returns the fields of the struct to which options points, those of embedded structs among them.
func settings(options any) (all []setting) {
	v := reflect.ValueOf(options).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		all = append(all, setting{name: name, tag: f.Tag, value: v.FieldByIndex(f.Index)})
	}
	return all
}

// withKeysOf returns o with the keys, secrets and certificates of other, under o's own names for them: what a stranger
// signs with who knows all but the keys. A single secret that other does without, such as a password, stays o's.
func withKeysOf[O any](o, other O) O {
	fresh := settings(&other)
	for i, s := range settings(&o) {
		if s.tag.Get("file") == "" {
			continue
		}
		if s.value.Kind() == reflect.Map && s.value.Len() > 0 && fresh[i].value.Len() > 0 {
			s.value.Set(underNames(s.value, fresh[i].value))
			continue
		}
		if s.value.Kind() == reflect.String && fresh[i].value.Len() == 0 && s.tag.Get("file") == "secret" {
			continue
		}
		s.value.Set(fresh[i].value)
	}
	return o
}

// underNames returns a map with the keys of named, and an element of values for all of them.
func underNames(named, values reflect.Value) reflect.Value {
	m, value := reflect.MakeMap(named.Type()), reflect.Value{}
	for _, first := range values.Seq2() {
		value = first
		break
	}
	for name := range named.Seq2() {
		m.SetMapIndex(name, value)
	}
	return m
}

// withOldestKey returns o with the last of its shared secrets as the first, which is the one that signs.
func withOldestKey[O any](o O) (O, error) {
	rotated, lists := false, []string(nil)
	for _, s := range settings(&o) {
		if s.tag.Get("file") != "secret" || s.value.Kind() != reflect.Slice || s.value.Type().Elem().Kind() != reflect.String {
			continue
		}
		lists = append(lists, s.name)
		last := s.value.Len() - 1
		if last < 1 {
			continue
		}
		rotated = true
		list := reflect.MakeSlice(s.value.Type(), 0, last+1)
		list = reflect.AppendSlice(list, s.value.Slice(last, last+1))
		s.value.Set(reflect.AppendSlice(list, s.value.Slice(0, last)))
	}
	switch {
	case rotated:
		return o, nil
	case lists == nil:
		return o, errOneKey
	}
	return o, fmt.Errorf("this source has no older key: put one behind the current one in %s, as while keys are rotated",
		strings.Join(lists, " or "))
}

// forAnother returns o with other accounts than those that it has.
func forAnother[O any](o O) (O, error) {
	changed, names := false, map[string]bool{}
	for _, s := range settings(&o) {
		if s.tag.Get("account") != "true" {
			continue
		}
		names[s.name] = true
		if s.value.Kind() == reflect.String && s.value.Len() > 0 {
			changed = true
			s.value.SetString(another(s.value.String()))
		}
		if s.value.Kind() == reflect.Slice && s.value.Len() > 0 {
			changed = true
			list := reflect.MakeSlice(s.value.Type(), 1, 1)
			list.Index(0).SetString(unlike(s.value))
			s.value.Set(list)
		}
	}
	switch {
	case changed:
		return o, nil
	case len(names) == 0:
		return o, errors.New("this provider's callbacks name no account that is compared: its keys tell whose they are")
	}
	return o, fmt.Errorf("this source takes callbacks for every account: set %s to have the others refused",
		strings.Join(slices.Sorted(maps.Keys(names)), " or "))
}

// unlike returns a text like the first of the list that is none of it.
func unlike(list reflect.Value) string {
	var all []string
	for i := range list.Len() {
		all = append(all, list.Index(i).String())
	}
	text := all[0]
	for range all {
		if text = another(text); !slices.Contains(all, text) {
			return text
		}
	}
	return strings.Join(all, "") + "0"
}
