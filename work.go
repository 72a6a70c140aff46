package muster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/musterrun/muster/cluster/worker"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/pages"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

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
	engine.Doors.Serve = serveLight
}

// serveLight is a worker in a process that isn't one, for tests with many. It has no place for large values.
func serveLight(socket net.Conn) {
	w := worker.New(worker.Config{Socket: socket, Functions: engine.Functions()})
	none := func() (*object.Dir, error) {
		return nil, errors.New("a worker in a test's process keeps no large values")
	}
	ec, err := Config{CPUs: 1}.engine()
	if err != nil {
		return // its agent sees that it has ended
	}
	ec.Upstream = upstream{w.Link(), none}
	s := engine.Open(ec, engine.Trial{})
	_ = w.Run(context.Background(), s) // its agent has gone, or tells it to quit
	_ = s.Close()
}

// work is what Main does in a process that an agent has started, or a session for a task that is Isolated: it runs the
// tasks that it is given until it is told to quit, or who has started it goes away. What its functions do then ends with the process.
func (c Config) work(fd int, stderr *os.File) int {
	pages.GiveBack()
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
	only, objects := isolated()
	if only == 0 {
		objects = "objects" // in the job's folder
		collectLess()
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
	useNodeCores()
	ec.Only = only
	ec.Upstream = upstream{w.Link(), sync.OnceValues(func() (*object.Dir, error) { return object.Open(objects) })}
	codec.OnLost(func(text string) { fmt.Fprintln(os.Stderr, "muster:", lostIdentity(text)) }) // into the job's log
	err = w.Run(context.Background(), engine.Open(ec, engine.Trial{}))
	if only != 0 && errors.Is(err, worker.ErrLost) {
		_ = os.RemoveAll(objects) // the session would have
	}
	return err
}

// ballast is never touched, so it takes addresses and no memory: see collectLess.
var ballast []byte

// ballastSize allows as much garbage more than what lives, and so makes a worker larger by about that. With 9 MB a worker of
// muster's own would take 29 of the 30 MB that it may.
const ballastSize = 5 << 20

// collectLess has the garbage collector run half as often or less while little lives, as in a worker of small tasks: it
// would run each 4 MB, hundreds of times a second. With more that lives it makes no difference. Who has set how much
// garbage or memory there may be is left alone.
func collectLess() {
	if os.Getenv("GOGC") == "" && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		ballast = make([]byte, ballastSize)
	}
}

// useNodeCores has the process compute on as many cores as its node gives to tasks. With more, each message that comes wakes a
// thread that looks for work in vain, on a core that isn't this process's. Who has set GOMAXPROCS is left alone.
func useNodeCores() {
	if n := int(math.Ceil(nodeCPUs())); os.Getenv("GOMAXPROCS") == "" && n < runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n) // once it is set, it doesn't follow the limits of a container any more
	}
}

// nodeCPUs is how many tasks of one CPU the agent lets run at once.
func nodeCPUs() float64 {
	if n, err := strconv.ParseFloat(os.Getenv(protocol.EnvCPUs), 64); err == nil && n > 0 {
		return n
	}
	return float64(runtime.GOMAXPROCS(0))
}

// upstream is a worker's agent, for the session.
type upstream struct {
	*worker.Link
	dir func() (*object.Dir, error)
}

// PutValue seals a value in the folder where its agent finds it, or the session that has started this process.
func (u upstream) PutValue(_ context.Context, data []byte) (string, int64, error) {
	dir, err := u.dir()
	if err != nil {
		return "", 0, err
	}
	id, err := dir.Put(data)
	return id, int64(len(data)), err
}

// GetValue reads a value that the agent has put there.
func (u upstream) GetValue(_ context.Context, id string, _ int64) ([]byte, error) {
	dir, err := u.dir()
	if err != nil {
		return nil, err
	}
	return dir.Get(id)
}
