package muster

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"

	"github.com/musterrun/muster/cluster/worker"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// envCPUs is how many CPUs the node of a worker has, as its agent counts them.
const envCPUs = "MUSTER_CPUS"

func init() {
	engine.Doors.Work = func() (int, bool) {
		fd, ok := worker.FromEnv()
		if !ok {
			return 0, false
		}
		return Config{}.work(fd, os.Stderr), true
	}
	engine.Doors.Open = func() {
		process.Lock()
		defer process.Unlock()
		process.door = true
	}
}

// work is what Main does in a process that an agent has started: it runs the agent's tasks until that says quit or goes
// away. What its functions do then ends with the process.
func (c Config) work(fd int, stderr *os.File) int {
	signal.Ignore(os.Interrupt) // a terminal's Ctrl-C is for the driver
	if err := enterMain(); err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if err := c.serve(fd); err != nil {
		fmt.Fprintln(stderr, oneLine(err))
		return exitFailed
	}
	return 0
}

func (c Config) serve(fd int) error {
	socket, err := worker.Socket(fd)
	if err != nil {
		return err
	}
	w := worker.New(worker.Config{Socket: socket, Functions: engine.Functions()})
	dir, err := object.Open("objects")
	if err != nil {
		return err
	}
	ec, err := c.engine()
	if err != nil {
		return err
	}
	c.Job, ec.Strict = "", false
	if _, err := c.keep(&ec); err != nil {
		return err
	}
	ec.CPUs = max(ec.CPUs, nodeCPUs())
	ec.Upstream = upstream{w.Link(), dir}
	codec.OnLost(func(text string) { fmt.Fprintln(os.Stderr, "muster:", lostIdentity(text)) }) // into the job's log
	return w.Run(context.Background(), engine.Open(ec, engine.Trial{}))
}

// nodeCPUs is how many tasks of one CPU the agent lets run at once.
func nodeCPUs() float64 {
	if n, err := strconv.ParseFloat(os.Getenv(envCPUs), 64); err == nil && n > 0 {
		return n
	}
	return float64(runtime.GOMAXPROCS(0))
}

// upstream is a worker's agent, for the session.
type upstream struct {
	*worker.Link
	dir *object.Dir
}

// Send sends items; the session makes none that is too long for a frame.
func (u upstream) Send(items ...protocol.Item) { _ = u.Link.Send(items...) }

// PutValue seals a value in the job's folder, where its agent finds it.
func (u upstream) PutValue(_ context.Context, data []byte) (string, int64, error) {
	id, err := u.dir.Put(data)
	return id, int64(len(data)), err
}

// GetValue reads a value that the agent has put into the job's folder.
func (u upstream) GetValue(_ context.Context, id string, _ int64) ([]byte, error) {
	return u.dir.Get(id)
}
