package alipay

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/transport/callback"
)

// maxParams bounds a notice's parameters. Alipay sends about 30.
const maxParams = 256

type param struct{ name, value string }

// form is a notice's parameters, decoded once and not converted: the bytes that are signed. It is sorted by name in
// byte order and has each name once.
type form []param

// parseForm reads an application/x-www-form-urlencoded body. It is stricter than net/url, which lets a name come
// twice or without a value: whatever the check of the signature and the reader of the fields could see differently is
// refused.
func parseForm(body []byte) (form, *callback.Refusal) {
	if len(body) == 0 {
		return nil, nil
	}
	if bytes.Count(body, []byte("&")) >= maxParams {
		return nil, callback.Refuse(callback.Malformed, "the form has too many parameters")
	}
	var f form
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, callback.Refuse(callback.Malformed, "the body is not a form of name=value pairs")
		}
		name, okName := unescape(name)
		value, okValue := unescape(value)
		if !okName || !okValue {
			return nil, callback.Refuse(callback.Malformed, "a percent sign is not followed by two hexadecimal digits: was the body decoded on its way here?")
		}
		// With these in a name, one text would have several readings.
		if name == "" || strings.ContainsAny(name, "&=") {
			return nil, callback.Refuse(callback.Malformed, "the form has an impossible parameter name")
		}
		f = append(f, param{name, value})
	}
	slices.SortFunc(f, func(a, b param) int { return cmp.Compare(a.name, b.name) })
	for i := range len(f) - 1 {
		if f[i].name == f[i+1].name {
			return nil, callback.Refuse(callback.Malformed, "the form has a parameter twice")
		}
	}
	return f, nil
}

// unescape decodes s once: a plus is a space, %XX is a byte. It is not ok if a percent sign stands alone.
func unescape(s string) (text string, ok bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, okHi := nibble(s[i+1])
			lo, okLo := nibble(s[i+2])
			if !okHi || !okLo {
				return "", false
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b), true
}

func nibble(c byte) (n byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// get returns a parameter's value. An empty one is as good as none: it may not be signed, see texts.
func (f form) get(name string) string {
	i, ok := slices.BinarySearchFunc(f, name, func(p param, name string) int { return cmp.Compare(p.name, name) })
	if !ok {
		return ""
	}
	return f[i].value
}

// ambiguous reports whether a value contains `&name=` of one of names. The signed text does not escape anything, so
// `a=1&b=2` may be two parameters or one, and whoever has a signed notice can pass it on cut differently: with
// seller_id hidden in the value in front of it, or with an order number that was once part of a subject. Either way a
// parameter that Alipay sent ends up inside a value, which is what is looked for. A subject that has it by itself
// is refused too; one with any other `&` or `=` is not. The payment id has no `&` at all, or a part of the notice that is
// not read could become a part of the id.
func (f form) ambiguous(names []string, payment string) bool {
	if strings.Contains(f.get(payment), "&") {
		return true
	}
	for _, p := range f {
		_, rest, found := strings.Cut(p.value, "&")
		for ; found; _, rest, found = strings.Cut(rest, "&") {
			for _, name := range names {
				if tail, ok := strings.CutPrefix(rest, name); ok && strings.HasPrefix(tail, "=") {
					return true
				}
			}
		}
	}
	return false
}
