package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile is the largest document or file that is read, in bytes. Certificates inside make kilobytes, not more.
const maxFile = 1 << 20

// LoadOptions says what a configuration is made of. The zero value reads the process's environment alone.
type LoadOptions struct {
	// Path is the configuration file. Where it is empty the variable TILLBELL_CONFIG holds the document, if it is set.
	Path string
	// Getenv looks a variable up; nil is os.LookupEnv.
	Getenv func(string) (string, bool)
	// Flags are values of the command line by dotted path ("await.ttl"). Lists are comma-separated.
	Flags map[string]string
	// Schema has a zero Options struct for each provider. With nil the sections of sources are not looked at until
	// Source.Decode, and any provider counts as known.
	Schema map[string]any
}

// inputs is everything that values come from.
type inputs struct {
	name   string // of the document, in errors
	dir    string // that relative paths start from
	getenv func(string) (string, bool)
	flags  map[string]string
	schema map[string]any
}

// Load reads a configuration. The error joins all that is wrong with it, one line each, in the document's order.
// Load does not judge values: call Validate or ValidateServe.
func Load(o LoadOptions) (*Config, error) {
	in := &inputs{getenv: o.Getenv, flags: o.Flags, schema: o.Schema}
	if in.getenv == nil {
		in.getenv = os.LookupEnv
	}
	text, err := in.document(o.Path)
	if err != nil {
		return nil, err
	}
	root, err := parse(in.name, text)
	if err != nil {
		return nil, err
	}
	c := Default()
	d := newDecoder(in)
	d.value(reflect.ValueOf(c).Elem(), root, here{from: origin{name: in.name}})
	d.unusedFlags()
	c.places = d.places
	d.port(c)
	if len(d.problems) > 0 {
		return nil, join(d.problems)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.Engine = in.absolute(c.Engine)
	if in.schema != nil {
		c.providers = slices.Sorted(maps.Keys(in.schema))
	}
	return c, nil
}

// document returns the YAML text and sets what it is called and where its relative paths start.
func (in *inputs) document(path string) ([]byte, error) {
	if path == "" {
		text, _ := in.getenv("TILLBELL_CONFIG")
		in.name = "TILLBELL_CONFIG"
		return []byte(text), nil
	}
	in.name, in.dir = path, filepath.Dir(path)
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("config: %s does not exist: name a file with -c, or set TILLBELL_CONFIG to the YAML itself", path)
	}
	if err != nil {
		return nil, fmt.Errorf("config: read %s: %w", path, err)
	}
	return text, nil
}

// readFile returns a file's content. The error says why, and leaves the path to the caller.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(text) > maxFile {
		return nil, errors.New("larger than 1 MiB")
	}
	return text, nil
}

func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// port lets the platform's $PORT replace the default of listen.
func (d *decoder) port(c *Config) {
	port, _ := d.in.getenv("PORT")
	if _, set := d.places["listen"]; set || port == "" {
		return
	}
	at := place{name: "PORT"}
	d.places["listen"] = at
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		d.problems = append(d.problems, problem{place: at, path: "listen", text: "must be a port from 0 to 65535"})
		return
	}
	c.Listen = ":" + port
}

// parse returns the root value of the only document in text, nil where there is none.
func parse(name string, text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("config: read %s: %w", name, err)
	}
	var first, second yaml.Node
	if err := loader.Load(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntax(name, err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, problem{place: place{name, second.Line}, text: "a second document; put everything into one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(name, err)
	}
	if len(first.Content) == 0 {
		return nil, nil
	}
	return first.Content[0], nil
}

// syntaxTexts are the parser's messages that are passed on. Others may quote the document.
var syntaxTexts = map[string]bool{
	"mapping values are not allowed in this context": true,
	"could not find expected ':'":                    true,
	"did not find expected key":                      true,
	"did not find expected '-' indicator":            true,
	"did not find expected node content":             true,
	"did not find expected ',' or ']'":               true,
	"did not find expected ',' or '}'":               true,
	"did not find expected <document start>":         true,
	"found unexpected end of stream":                 true,
	"found character that cannot start any token":    true,
	"found unknown escape character":                 true,
}

func syntax(name string, err error) error {
	p := problem{place: place{name: name}, text: "not valid YAML"}
	var one *yaml.LoadError
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		one = many.Errors[0]
	} else if !errors.As(err, &one) {
		return p
	}
	p.place.line = one.Mark.Line
	if syntaxTexts[one.Message] {
		p.text += ": " + one.Message
	}
	if strings.HasPrefix(one.Message, "unknown anchor") {
		p.text += ": an alias without its anchor; put text that starts with * into quotes"
	}
	return p
}
