//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mark is set in the environment of these tests inside namespaces of their own.
const mark = "CLUSTER_TEST_INSIDE"

// TestMain runs the tests in network and mount namespaces of their own where it may, so that nothing they make is left.
func TestMain(m *testing.M) {
	if os.Getenv(mark) == "1" || os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // the child dies with the thread that started it
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, unix.EPERM): // a container's root
		os.Exit(m.Run())
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// needInside skips a test that needs namespaces of its own, or the tools. With TILLBELL_TEST_REQUIRE_TOOLS=1 it fails
// instead, if this is root.
func needInside(t *testing.T, tools ...string) {
	t.Helper()
	lacks := t.Skip
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" && os.Geteuid() == 0 {
		lacks = t.Fatal
	}
	if os.Getenv(mark) != "1" {
		lacks("needs root, and namespaces")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lacks("needs " + tool)
		}
	}
}
