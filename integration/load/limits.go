//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/tillbell/tillbell/integration/load/proc"
	"golang.org/x/sys/unix"
)

// A limit is one setting of the machine that stands in the way.
type limit struct {
	name       string
	have, want int64
	fix        string
}

// A shortage is an error: what a machine lacks for a number of waiters in one process.
type shortage struct {
	waiters int
	limits  []limit
}

// Error says for each limit what it is, what it must be, and how to set it.
func (s *shortage) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load: this machine does not allow %d waiters in one process; nothing was started\n", s.waiters)
	for _, l := range s.limits {
		fmt.Fprintf(&b, "  %s is %d, needs %d: %s\n", l.name, l.have, l.want, l.fix)
	}
	return strings.TrimRight(b.String(), "\n")
}

// The bytes of one waiter's two sockets in the kernel, and of the server and the generator with it, both rounded up
// from what was measured on Linux 6.18.
const (
	kernelBytes  = 10 << 10
	processBytes = 2 << 10
)

// others is how many descriptors a process has beside its waiters; the server keeps 512 back for callbacks.
const others = 1000

// machine is what check reads. The files are those of /proc/sys.
type machine struct {
	sys       fs.FS
	files     int64 // hard limit of descriptors
	available int64 // memory, in bytes
}

func thisMachine() (machine, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return machine{}, fmt.Errorf("limit of files: %w", err)
	}
	available, err := proc.Available()
	return machine{os.DirFS("/proc/sys"), int64(min(l.Max, 1<<62)), available}, err
}

// check returns a shortage if one server and one generator with that many waiters do not fit the machine.
func (m machine) check(waiters int) error {
	n := int64(waiters)
	var missing []limit
	need := func(name string, have, want int64, fix string) {
		if have < want {
			missing = append(missing, limit{name, have, want, fix})
		}
	}
	need("RLIMIT_NOFILE (hard)", m.files, n+others,
		fmt.Sprintf("ulimit -Hn %d; LimitNOFILE= of a unit; --ulimit nofile= of a container", n+others))
	for _, s := range []struct {
		file string
		want int64
	}{
		{"fs/nr_open", n + others},
		{"fs/file-max", 2*n + 10*others},
		{"fs/epoll/max_user_watches", 2*n + 10*others},
		{"net/netfilter/nf_conntrack_max", n + 10*others},
		{"net/core/somaxconn", 512},
	} {
		name := strings.ReplaceAll(s.file, "/", ".")
		if have := m.numbers(s.file); len(have) == 1 { // a file that is not there limits nothing
			need(name, have[0], s.want, fmt.Sprintf("sysctl -w %s=%d", name, s.want))
		}
	}
	const ports, wanted = "net.ipv4.ip_local_port_range", 25_000
	if r := m.numbers(strings.ReplaceAll(ports, ".", "/")); len(r) == 2 {
		need(ports+" (its width)", r[1]-r[0]+1, min(wanted, n+others), "sysctl -w "+ports+`="10000 65000"`)
	}
	need("available memory (bytes)", m.available, n*(kernelBytes+processBytes)+256<<20, "more memory, or fewer waiters")
	if len(missing) > 0 {
		return &shortage{waiters, missing}
	}
	return nil
}

// numbers reads a file of numbers, nil if there is none.
func (m machine) numbers(file string) []int64 {
	b, err := fs.ReadFile(m.sys, file)
	if err != nil {
		return nil
	}
	var all []int64
	for word := range strings.FieldsSeq(string(b)) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}
