package demo

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

//go:embed assets
var files embed.FS

var page = template.Must(template.ParseFS(files, "assets/page.html"))

// security are headers of everything a browser shows. Scripts and styles come from this server's own files alone, and
// no other site may frame the page.
var security = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"Cache-Control":                "no-cache", // the next program on this port may be another version
}

// atSight is how many sources the page shows where there are too many to show all.
const atSight = 4

// servePage returns the handler of the page, which is the same for everybody: its script knows the language and the
// order.
func servePage(counters []counter, command string) http.HandlerFunc {
	var b bytes.Buffer
	first := len(counters)
	if first > atSight+2 {
		first = atSight
	}
	err := page.Execute(&b, struct {
		First, More []counter
		Price       relay.Amount
		Buttons     []relay.Status
		Faults      []string
		Command     string
	}{counters[:first], counters[first:], price, statuses, fault.Names, cmp.Or(command, "tillbell")})
	if err != nil {
		panic("demo: render page: " + err.Error()) // the template and what it shows are part of the program
	}
	return serve("text/html; charset=utf-8", b.Bytes())
}

// contentTypes of the page's files by the end of their name.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assets returns the page's files by their path.
func assets() map[string]http.HandlerFunc {
	handlers := make(map[string]http.HandlerFunc)
	err := fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		contentType := contentTypes[path.Ext(name)]
		if err != nil || d.IsDir() || contentType == "" { // as the page's template is
			return err
		}
		content, err := files.ReadFile(name)
		handlers["/demo"+strings.TrimPrefix(name, "assets")] = serve(contentType, content)
		return err
	})
	if err != nil {
		panic("demo: read assets: " + err.Error()) // they are embedded
	}
	return handlers
}

// serve returns a handler whose answer is always the same.
func serve(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for name, value := range security {
			h.Set(name, value)
		}
		h.Set("Content-Type", contentType)
		_, _ = w.Write(content) // net/http leaves the body of an answer to HEAD out
	}
}

// ActionList is the counter's actions as words, FaultList its faults, for the page.
func (c counter) ActionList() string { return strings.Join(c.Actions, " ") }
func (c counter) FaultList() string  { return strings.Join(c.Faults, " ") }
