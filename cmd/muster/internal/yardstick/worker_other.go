//go:build !unix

package yardstick

import (
	"errors"
	"net"
	"os/exec"
)

// Supported reports whether this system has what it takes: sockets that a process inherits.
const Supported = false

func startWorker(*exec.Cmd) (net.Conn, error) {
	return nil, errors.New("this system has no sockets that a process inherits")
}
