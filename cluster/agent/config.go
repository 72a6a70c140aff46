package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// Control is how an agent asks its head for something, as the node that it is. cluster/join has one.
type Control interface {
	Ask(ctx context.Context, op string, in, out any) error
	GetBlob(ctx context.Context, hash string, to io.Writer) error
	PutBlob(ctx context.Context, hash string, size int64, from io.ReaderAt) error
}

// Config is what an Agent needs. Conn, Control, Node and StateDir must be set.
type Config struct {
	Conn     *nats.Conn // connected as the node. It stays the caller's, to be closed after Stop.
	Control  Control    // which asks as the node
	Node     string     // the node's id: letters and digits
	Name     string     // for people. Defaults to the host's name.
	Version  string     // of this program, for people
	StateDir string     // the agent's folder: executables, and a folder for each job. One agent at a time has it.

	// HeadBlobs is the folder of the blobs of a head that runs on this machine, from which executables are copied instead
	// of being fetched. Defaults to "": there is none.
	HeadBlobs string

	User       string // the cluster's user whose node it is. Defaults to the cluster's first admin.
	AllowUsers bool   // all users' jobs run here, as the agent's system user. See [Agent] for who may otherwise.
	WorkerUser string // the system account for users without one here, if the agent is root

	CPUs   float64           // to give to tasks. Defaults to the machine's.
	Memory int64             // bytes. Defaults to what the machine, or its cgroup, has.
	GPUs   float64           // Defaults to what nvidia-smi lists; below 0 for none.
	IO     int               // places for functions that wait. Defaults to 1,000.
	Named  map[string]int64  // other resources, in 1/10,000
	Labels map[string]string // for people, and to choose nodes by

	// Limits has workers limited by cgroups, where the system has them and allows it. It is for a process that is an
	// agent and nothing else: that may move into another cgroup for it.
	Limits bool

	Ages       protocol.Ages // the cluster's. Defaults to 5 s, 15 s and 3 s.
	Grace      time.Duration // what workers get to end by themselves. Defaults to 1 s.
	BinaryRoom int64         // bytes of executables that are kept. Defaults to 4 GiB.
	LogRoom    int64         // bytes of a job's log, of which twice as much is kept. Defaults to 64 MiB.
	Logger     *slog.Logger  // Defaults to slog.Default().

	// Serve, if it isn't nil, is a worker in this process for every job, without an executable, values beyond messages, and
	// isolation: for tests of clusters with more workers than a machine could have processes.
	Serve func(net.Conn)

	offerAgain time.Duration // how long an offer is parked before it is made again
	pingEvery  time.Duration // a worker that says nothing; 0 for the usual, as below
	silence    time.Duration // after which it is ended
}

const (
	defaultIO         = 1000
	defaultBinaryRoom = 4 << 30
	defaultLogRoom    = 64 << 20
)

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Conn == nil || c.Control == nil:
		return c, errors.New("start the agent: it needs a connection to the head, see cluster/join")
	case !validID(c.Node):
		return c, errors.New("start the agent: its node id must be letters and digits, as the head gives it to who joins")
	case c.StateDir == "":
		return c, errors.New("start the agent: it needs a folder for its state")
	}
	var err error
	if c.StateDir, err = filepath.Abs(c.StateDir); err != nil {
		return c, err
	}
	if c.Name == "" {
		c.Name, _ = os.Hostname()
	}
	if c.GPUs == 0 {
		c.GPUs = countGPUs()
	}
	c.GPUs = max(c.GPUs, 0)
	if c.User == "" {
		c.User = "admin"
	}
	setDefault(&c.CPUs, float64(runtime.GOMAXPROCS(0)))
	setDefault(&c.IO, defaultIO)
	setDefault(&c.BinaryRoom, defaultBinaryRoom)
	setDefault(&c.LogRoom, defaultLogRoom)
	setDefault(&c.Grace, time.Second)
	setDefault(&c.Ages.Renew, 5*time.Second)
	setDefault(&c.Ages.Dead, 15*time.Second)
	setDefault(&c.Ages.Ask, 3*time.Second)
	setDefault(&c.offerAgain, 30*time.Second)
	if c.Memory == 0 {
		c.Memory = machineMemory()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

func setDefault[T int | int64 | float64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// validID reports whether an id may be part of subjects and paths: up to 64 letters and digits, and - or _ inside.
func validID(id string) bool {
	if id == "" || len(id) > 64 || id[0] == '-' {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
