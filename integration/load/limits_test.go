//go:build linux

package main

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

// roomy returns a machine that allows a million waiters.
func roomy() (machine, fstest.MapFS) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"fs/nr_open": "2000000\n", "fs/file-max": "9223372036854775807\n", "fs/epoll/max_user_watches": "5000000\n",
		"net/netfilter/nf_conntrack_max": "2000000\n", "net/core/somaxconn": "4096\n",
		"net/ipv4/ip_local_port_range": "32768\t60999\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return machine{sys: files, files: 2_000_000, available: 64 << 30}, files
}

func TestCheck(t *testing.T) {
	if m, _ := roomy(); m.check(million) != nil {
		t.Fatal(m.check(million))
	}
	for want, change := range map[string]func(*machine, fstest.MapFS){
		"RLIMIT_NOFILE (hard) is 20000, needs 1001000: ulimit -Hn 1001000":                                          func(m *machine, _ fstest.MapFS) { m.files = 20_000 },
		"fs.nr_open is 1000000, needs 1001000: sysctl -w fs.nr_open=1001000":                                        set("fs/nr_open", "1000000"),
		"fs.file-max is 1000, needs 2010000: sysctl -w fs.file-max=2010000":                                         set("fs/file-max", "1000"),
		"fs.epoll.max_user_watches is 7, needs 2010000: sysctl -w fs.epoll.max_user_watches":                        set("fs/epoll/max_user_watches", "7"),
		"net.netfilter.nf_conntrack_max is 262144, needs 1010000: sysctl -w net.netfilter.nf_conntrack_max=1010000": set("net/netfilter/nf_conntrack_max", "262144"),
		"net.core.somaxconn is 128, needs 512":                                                                      set("net/core/somaxconn", "128"),
		`(its width) is 101, needs 25000: sysctl -w net.ipv4.ip_local_port_range="10000 65000"`:                     set("net/ipv4/ip_local_port_range", "1000 1100"),
		"available memory (bytes) is 1073741824, needs 12556435456":                                                 func(m *machine, _ fstest.MapFS) { m.available = 1 << 30 },
	} {
		m, files := roomy()
		change(&m, files)
		err := m.check(million)
		var short *shortage
		if !errors.As(err, &short) || len(short.limits) != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "1000000 waiters") {
			t.Errorf("%v: does not say how many waiters", err)
		}
	}
	m, files := roomy()
	delete(files, "net/netfilter/nf_conntrack_max") // a kernel without connection tracking
	if err := m.check(million); err != nil {
		t.Error(err)
	}
}

func set(file, text string) func(*machine, fstest.MapFS) {
	return func(_ *machine, files fstest.MapFS) { files[file].Data = []byte(text) }
}
