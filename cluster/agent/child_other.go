//go:build !unix

package agent

import (
	"errors"
	"io"
	"net"
	"time"
)

const supported = false

type childSpec struct {
	path string
	args []string
	env  []string
	dir  string
	log  io.Writer
}

type child struct {
	conn net.Conn
	tail *tail
}

func startChild(*spawner, childSpec) (*child, error) {
	return nil, errors.New("workers aren't supported on this system yet: run the agent on Linux or macOS")
}

func (c *child) pid() int                                    { return 0 }
func (c *child) stacks()                                     {}
func (c *child) watch(_, _ <-chan struct{}, _ time.Duration) {}
func (c *child) wait(time.Duration) string                   { return "ended" }
func killGroup(int)                                          {}
func processBirth(int) string                                { return "" }
func machineMemory() int64                                   { return 0 }
func isClosed(err error) bool                                { return errors.Is(err, net.ErrClosed) }
