package network

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// thread starts all processes from one thread that lives as long as the program: they die with the thread that started
// them (prctl(2), PR_SET_PDEATHSIG), so that nothing of a run that was killed goes on.
var thread = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// start starts a process that ends with this program, in a group of its own, which the terminal's interrupt does not reach.
func start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGTERM, true
	done := make(chan error)
	thread() <- func() { done <- cmd.Start() }
	return <-done
}

// giveUpRoot has a process run as nobody where this program is root. One that gave root up by itself would lose the signal
// of start.
func giveUpRoot(cmd *exec.Cmd) {
	const nobody = 65534
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
