//go:build unix

package yardstick

import (
	"net"
	"os"
	"os/exec"
	"syscall"
)

// Supported reports whether this system has what it takes: sockets that a process inherits.
const Supported = true

// startWorker starts the worker with one end of a socket pair, and gives the other.
func startWorker(cmd *exec.Cmd) (net.Conn, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	mine, its := os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "agent")
	defer mine.Close()
	defer its.Close()
	conn, err := net.FileConn(mine)
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{its} // becomes workersEnd
	if err := cmd.Start(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
