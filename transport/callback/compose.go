package callback

import (
	"crypto/sha512"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// What follows is for Signers.

// NewPost returns the POST of body, without a host.
func NewPost(h http.Header, body []byte) Request {
	return Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: h, Body: body}
}

// Place writes value into object where the gjson path has it read from: names parted by points, without the rest of
// what gjson knows. Objects on the way are made. A path of another kind, or through a member that is no object, is an
// error.
func Place(object map[string]any, path string, value any) error {
	names := strings.Split(path, ".")
	last := len(names) - 1
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, `*?|#@\!{}[]()=<>%":,~`) {
			return fmt.Errorf("fields: cannot write to the path %q: only names parted by points can be signed for", path)
		}
		if i == last {
			break
		}
		if object[name] == nil {
			object[name] = make(map[string]any)
		}
		inner, ok := object[name].(map[string]any)
		if !ok {
			return fmt.Errorf("fields: the path %q leads through another field", path)
		}
		object = inner
	}
	object[names[last]] = value
	return nil
}

// Digits returns n decimal digits that follow from seed, for ids that look like the provider's. They name things and
// protect nothing. There are 64 at most.
func Digits(seed string, n int) string {
	sum := sha512.Sum512([]byte(seed))
	for i, b := range sum {
		sum[i] = '0' + b%10
	}
	return string(sum[:n])
}
