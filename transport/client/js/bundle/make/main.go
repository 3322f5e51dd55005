// Make writes the browser client's dist folder anew: the bundles by esbuild. It is run in transport/client/js, by `make
// js`, which has TypeScript's compiler add the declarations.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tillbell/tillbell/transport/client/js/bundle"
)

func main() {
	for _, f := range bundle.Files() {
		text, err := f.Build(".")
		if err == nil {
			err = os.WriteFile(filepath.Join("dist", f.Name), text, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
