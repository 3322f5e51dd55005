//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A Volume is an ext4 file system of its own in a file, which can be filled, frozen and slowed down without hurting
// anybody else. It is mounted in the program's own mount namespace, and gone with it.
type Volume struct {
	Dir string

	device string // such as 7:0
	group  string // control group that slows its processes' writes down, "" until then
}

// NewVolume makes a file system of so many bytes in dir. It needs root, mount and mkfs.ext4, and a mount namespace of the
// program's own.
func NewVolume(ctx context.Context, dir string, size int64) (*Volume, error) {
	image := filepath.Join(dir, "volume.img")
	v := &Volume{Dir: filepath.Join(dir, "volume")}
	f, err := os.Create(image)
	if err != nil {
		return nil, fmt.Errorf("cluster: make volume: %w", err)
	}
	if err := errors.Join(f.Truncate(size), f.Close(), os.MkdirAll(v.Dir, 0o700)); err != nil {
		return nil, fmt.Errorf("cluster: make volume: %w", err)
	}
	if err := run(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", image); err != nil {
		return nil, err
	}
	if err := run(ctx, "mount", "-o", "loop", image, v.Dir); err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Stat(v.Dir, &st); err != nil {
		return nil, errors.Join(fmt.Errorf("cluster: make volume: %w", err), v.Close())
	}
	v.device = fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	return v, nil
}

// Close unmounts the volume. Its processes must have ended.
func (v *Volume) Close() error {
	v.Hurry()
	if err := unix.Unmount(v.Dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cluster: unmount: %w", err)
	}
	return nil
}

// Fill makes a file that takes all room that is left. Empty removes it.
func (v *Volume) Fill() error {
	f, err := os.Create(v.ballast())
	if err != nil {
		return fmt.Errorf("cluster: fill: %w", err)
	}
	var st unix.Statfs_t
	if err = unix.Fstatfs(int(f.Fd()), &st); err == nil && st.Bavail > 0 {
		err = unix.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize)
	}
	if err == nil || errors.Is(err, unix.ENOSPC) {
		_, err = f.Seek(0, io.SeekEnd)
	}
	for block := make([]byte, 64<<10); err == nil && len(block) > 1; {
		if _, err = f.Write(block); errors.Is(err, unix.ENOSPC) {
			block, err = block[:len(block)/2], nil
		}
	}
	return errors.Join(err, f.Close())
}

// Empty removes what Fill wrote.
func (v *Volume) Empty() error { return os.Remove(v.ballast()) }

func (v *Volume) ballast() string { return filepath.Join(v.Dir, "ballast") }

// blkio is where the first version of control groups limits devices (Documentation/admin-guide/cgroup-v1/blkio-controller.rst).
const blkio = "/sys/fs/cgroup/blkio"

// Throttles reports why writes cannot be slowed down here.
func Throttles() error {
	if _, err := os.Stat(filepath.Join(blkio, "cgroup.procs")); err != nil {
		return errors.New("needs control groups of version 1 with blkio")
	}
	return nil
}

// Slow lets the process write to the volume no more than so many times a second.
func (v *Volume) Slow(pid, writes int) error {
	if v.group == "" {
		v.group = filepath.Join(blkio, fmt.Sprintf("tillbell-chaos-%d", os.Getpid()))
		if err := os.Mkdir(v.group, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("cluster: slow down: %w", err)
		}
	}
	return errors.Join(
		write(filepath.Join(v.group, "blkio.throttle.write_iops_device"), fmt.Sprintf("%s %d", v.device, writes)),
		write(filepath.Join(v.group, "cgroup.procs"), fmt.Sprint(pid)))
}

// Hurry lets all processes write as fast as they can.
func (v *Volume) Hurry() {
	if v.group == "" {
		return
	}
	_ = write(filepath.Join(v.group, "blkio.throttle.write_iops_device"), v.device+" 0")
	pids, _ := os.ReadFile(filepath.Join(v.group, "cgroup.procs"))
	for pid := range strings.FieldsSeq(string(pids)) {
		_ = write(filepath.Join(blkio, "cgroup.procs"), pid)
	}
	if err := os.Remove(v.group); err == nil {
		v.group = ""
	}
}

func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}
