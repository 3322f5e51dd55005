//go:build unix

package command

import (
	"io/fs"
	"os"
	"syscall"
)

// onlyMine reports whether a file or folder is this user's and nobody else can use it.
func onlyMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
