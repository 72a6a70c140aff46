//go:build unix

package daemon

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives a command a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// terminate asks a process to end at once, as Ctrl-C does: SIGTERM would have an agent end its tasks first.
func terminate(p *os.Process) error { return p.Signal(os.Interrupt) }
