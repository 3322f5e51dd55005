//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package embedded

import "os"

// lock does nothing where there is no flock: what keeps a second process out is the address that it listens on.
func lock(*os.File) error { return nil }
