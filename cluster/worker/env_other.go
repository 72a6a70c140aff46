//go:build !unix

package worker

import (
	"errors"
	"net"
	"os"

	"github.com/musterrun/muster/protocol"
)

// FromEnv reports whether this process was started as a worker. On this system agents don't start any yet.
func FromEnv() (fd int, ok bool) {
	_, ok = os.LookupEnv(protocol.EnvWorker)
	return 0, ok
}

// Socket isn't supported on this system yet.
func Socket(int) (net.Conn, error) {
	return nil, errors.New("workers aren't supported on this system yet: run the agent on Linux or macOS")
}
