//go:build linux

package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

// What must be undone whatever happens to this program is done by a guard: the program once more, as
//
//	chaos guard freeze DIR TIME
//	chaos guard clock SECONDS TIME
//
// It ends, having undone what it did, after the time or as soon as its standard input is at its end, which is when the
// program that started it is gone. Signals do not end it.

// guarded runs a guard and waits for it.
func guarded(ctx context.Context, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{"guard"}, args...)...) //nolint:noctx // it ends when its input does
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true} // a terminal's signals are not for it
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = stdin.Close() })
	defer stop()
	return cmd.Wait()
}

// Guard is the guard's main: args are what follows the word guard.
func Guard(args []string, stdin io.Reader) error {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	if len(args) != 3 {
		return errors.New("guard: want an action, its object and a time")
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(over)
	}()
	hold := func() {
		select {
		case <-over:
		case <-time.After(d):
		}
	}
	switch args[0] {
	case "freeze":
		return freeze(args[1], hold)
	case "clock":
		seconds, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("guard: %w", err)
		}
		return step(time.Duration(seconds)*time.Second, hold)
	}
	return fmt.Errorf("guard: %q is unknown", args[0])
}

// FIFREEZE and FITHAW of linux/fs.h: _IOWR('X', 119, int) and _IOWR('X', 120, int).
const (
	fifreeze = 0xc0045877
	fithaw   = 0xc0045878
)

// freeze keeps the file system from taking writes, syncs included, for as long as hold takes.
func freeze(dir string, hold func()) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("guard: freeze: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlSetInt(fd, fifreeze, 0); err != nil {
		return fmt.Errorf("guard: freeze: %w", err)
	}
	hold()
	if err := unix.IoctlSetInt(fd, fithaw, 0); err != nil {
		return fmt.Errorf("guard: thaw: %w", err)
	}
	return nil
}

// step moves the machine's clock and moves it back. What time it is then comes from CLOCK_BOOTTIME, which nobody sets.
func step(by time.Duration, hold func()) error {
	read := func(clock int32) (time.Duration, error) {
		var t unix.Timespec
		err := unix.ClockGettime(clock, &t)
		return time.Duration(t.Nano()), err
	}
	wall, err := read(unix.CLOCK_REALTIME)
	if err != nil {
		return fmt.Errorf("guard: clock: %w", err)
	}
	boot, err := read(unix.CLOCK_BOOTTIME)
	if err != nil {
		return fmt.Errorf("guard: clock: %w", err)
	}
	set := func(offset time.Duration) error {
		now, err := read(unix.CLOCK_BOOTTIME)
		if err != nil {
			return fmt.Errorf("guard: clock: %w", err)
		}
		t := unix.NsecToTimespec(int64(wall + now - boot + offset))
		if err := unix.ClockSettime(unix.CLOCK_REALTIME, &t); err != nil {
			return fmt.Errorf("guard: clock: %w", err)
		}
		return nil
	}
	if err := set(by); err != nil {
		return err
	}
	hold()
	return set(0)
}

// clock moves the clock of the whole machine by up to two minutes for some seconds: less than the five minutes after
// which a signature is stale.
func clock(ctx context.Context, _ *cluster.Site, n int) error {
	seconds := 60 + rand.N(61)
	if n%2 == 1 {
		seconds = -seconds
	}
	return guarded(ctx, "clock", strconv.Itoa(seconds), (3*time.Second + rand.N(4*time.Second)).String())
}
