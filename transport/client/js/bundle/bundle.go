// Package bundle makes the browser client's files out of its TypeScript, with esbuild. The program itself serves what
// is committed in dist; only tests and `make js` build.
package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// File is one file of dist.
type File struct {
	Name  string // in dist
	Entry string // in src
	// Classic is a script for pages without modules.
	Classic bool
	// Apart are modules that the file imports at run time and does not hold.
	Apart []string
}

// members are names that no browser knows: those of platform.ts's interfaces. They are shortened.
const members = "^(onStop|stop|expect|stopped|late|recall|remember|watch|judge|follow|share|enter|leave|take|unwatched|retry|ways|leg|cursor)$"

// Files are all that dist holds besides declarations of types.
func Files() []File {
	return []File{
		{Name: "client.js", Entry: "client.ts"},
		{Name: "client.classic.js", Entry: "classic.ts", Classic: true},
		{Name: "index.js", Entry: "index.ts"},
		{Name: "react.js", Entry: "react.ts", Apart: []string{"react", "./index.js"}},
		{Name: "miniprogram.js", Entry: "miniprogram.ts"},
	}
}

// Build returns an ES module with all that the file entry imports. The path is relative to the current folder.
func Build(entry string) ([]byte, error) { return build(entry, File{}) }

// Build returns the file, made from the sources in root/src.
func (f File) Build(root string) ([]byte, error) {
	return build(filepath.Join(root, "src", f.Entry), f)
}

func build(entry string, f File) ([]byte, error) {
	o := api.BuildOptions{
		EntryPoints: []string{entry}, Bundle: true, Target: api.ES2020, Format: api.FormatESModule, External: f.Apart,
		Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelSilent,
		MangleProps: members, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
	}
	if f.Classic {
		o.Format = api.FormatIIFE
	}
	result := api.Build(o)
	if len(result.Errors) > 0 {
		text := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		return nil, fmt.Errorf("bundle: build %s: %w", entry, errors.New(strings.Join(text, "")))
	}
	return result.OutputFiles[0].Contents, nil
}
