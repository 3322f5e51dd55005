package config

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// place is where a value was written. Line is 0 for what has no lines: a variable, a flag.
type place struct {
	name string
	line int
}

func (p place) String() string {
	if p.line == 0 {
		return p.name
	}
	return p.name + ":" + strconv.Itoa(p.line)
}

// Place returns where the value at a dotted path, or the nearest thing around it, was written: FILE:LINE, a variable's
// name, or flag. It is empty for what nobody wrote.
func (c *Config) Place(path string) string { return c.place(path).String() }

func (c *Config) place(path string) place {
	for path != "" {
		if p, ok := c.places[path]; ok {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{}
}

// Given reports whether a document or a variable of Tillbell's set anything at all: flags and $PORT change a
// configuration and are none.
func (c *Config) Given() bool {
	for _, p := range c.places {
		if p.name != flagName && p.name != "PORT" {
			return true
		}
	}
	return false
}

// problem is one thing that is wrong, on one line and without any value.
type problem struct {
	place  place
	column int
	path   string
	text   string
}

func (p problem) Error() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{p.place.String(), p.path, p.text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// join makes one error of problems: the document's in its order, then the others as they were found.
func join(problems []problem) error {
	slices.SortStableFunc(problems, func(a, b problem) int {
		if a.place.line == 0 || b.place.line == 0 {
			return cmp.Compare(b.place.line, 0) - cmp.Compare(a.place.line, 0)
		}
		return cmp.Or(cmp.Compare(a.place.line, b.place.line), cmp.Compare(a.column, b.column))
	})
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// A missing space after a colon, or a list where a mapping belongs, makes a secret a key. So only what looks like a
// key is repeated: a setting's name, or an entry's (a key id, a provider's word for a status).
var (
	settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,31}$`)
	entryName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$`)
)

// entry returns the path of a map's entry.
func entry(h here, key string) string {
	if h.file == secretFile || !entryName.MatchString(key) {
		return h.path + "[…]"
	}
	return dotted(h.path, key)
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// suggest says what an unknown key may have been meant to be, or else what is allowed.
func suggest(key string, allowed []string) string {
	best, least := "", len(key)/3+1
	for _, name := range allowed {
		if far := distance(strings.ToLower(key), name); far <= least && (best == "" || far < least) {
			best, least = name, far
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; allowed: " + strings.Join(allowed, ", ")
}

// distance is the number of bytes to insert, delete or replace to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
