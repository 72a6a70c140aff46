//go:build unix

package worker

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/musterrun/muster/protocol"
)

// FromEnv reports whether this process was started as a worker, and which file descriptor is its end of the socket. It
// answers once: it takes the variable out of the environment and closes the descriptor to programs that the process
// starts, so that these don't take themselves for workers.
func FromEnv() (fd int, ok bool) {
	text, ok := os.LookupEnv(protocol.EnvWorker)
	if !ok {
		return 0, false
	}
	_ = os.Unsetenv(protocol.EnvWorker)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return 0, false
	}
	syscall.CloseOnExec(fd)
	return fd, true
}

// Socket is the connection on a file descriptor that FromEnv gave. The descriptor belongs to it from then on.
func Socket(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "the agent's socket")
	conn, err := net.FileConn(file)
	_ = file.Close() // conn has a copy
	if err != nil {
		return nil, fmt.Errorf("file descriptor %d of %s isn't the socket to an agent; only agents set the variable: %w",
			fd, protocol.EnvWorker, err)
	}
	return conn, nil
}
