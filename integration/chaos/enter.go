//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// mark is set in the environment of the program inside its namespaces.
const mark = "CHAOS_INSIDE"

// inside reports whether this program has network and mount namespaces of its own.
func inside() bool { return os.Getenv(mark) == "1" }

// canEnter reports whether it can have them.
func canEnter() bool {
	_, err := exec.LookPath("ip")
	return err == nil && os.Geteuid() == 0
}

// enter runs this program once more in namespaces of its own, and returns its exit code. What is mounted and linked
// there is gone with it.
func enter(ctx context.Context) int {
	runtime.LockOSThread() // the child dies with the thread that started it
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:noctx // it ends itself when it is told to
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos: namespaces:", err)
		return 1
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(unix.SIGTERM) })
	defer stop()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "chaos:", err)
	return 1
}
