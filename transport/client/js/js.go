// Package js holds the browser client, one ES module that is served as it is written.
package js

import _ "embed"

// Module is client.js. It must not be changed.
//
//go:embed client.js
var Module []byte
