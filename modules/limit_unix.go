//go:build unix

package modules

import "syscall"

// reserved is how many descriptors waiters leave free, so that callbacks always find a socket.
const reserved = 512

// maxWaiters returns the configured limit, or for 0 what the process's descriptors allow. The Go runtime has raised the
// soft limit to the hard one by then.
func maxWaiters(configured int) int {
	var limit syscall.Rlimit
	if configured > 0 || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return configured
	}
	free := int64(min(limit.Cur, 1<<31)) - reserved
	return int(max(free, reserved/8))
}
