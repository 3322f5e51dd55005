// Package js holds the browser client as it is served: what package bundle has made of the TypeScript in src.
package js

import _ "embed"

var (
	// Module is /client.js, an ES module. It must not be changed.
	//
	//go:embed dist/client.js
	Module []byte
	// Classic is /client.classic.js, the same for pages without modules. It must not be changed.
	//
	//go:embed dist/client.classic.js
	Classic []byte
)
