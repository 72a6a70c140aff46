package remote

import (
	"context"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// Config says which job to open, where, and whom to tell what.
type Config struct {
	Cluster   Cluster  // needed
	Name      string   // of the job; one without a name doesn't resume
	Program   string   // for people
	Functions []string // in the order in which tasks count them
	Binaries  []Binary // Defaults to this process's own executable
	Args      []string // of the driver, which workers get too
	Env       []string // what workers get beside their clean environment, NAME=value
	Files     []File   // put into the job's folder on each node
	TakeOver  bool     // though the job has a driver that seems to live
	// Note is told of pauses, lost nodes and the like, a line each. Defaults to nobody.
	Note func(text string)
	// Replay gets what was recorded in earlier epochs, in the journal's order: before Start returns all that there was
	// when the job was opened, later what comes late. Ids and attempts in it mean nothing any more, keys do. The list is
	// used again when it has returned, what the outcomes point at isn't. Defaults to nobody.
	Replay func(*protocol.Outcomes)
	// Decided gets what earlier drivers have decided, likewise. Defaults to nobody.
	Decided func(*protocol.Decisions)
	// Quota is told how many CPUs nodes may be given tasks for, when the job is opened with a limit, and when that changes.
	// Defaults to nobody.
	Quota func(protocol.Quota)
	// Superseded is told, once, that the job isn't this driver's any more, and why: nothing is handed out or read from
	// then on. Close is to be called all the same, but not in it. Defaults to nobody.
	Superseded func(error)

	handOver time.Duration // until a batch counts as unconfirmed; half of it is Spread's patience. Defaults to 2 s
	resend   time.Duration // until what wasn't answered is sent again. Defaults to 2 s
	beat     time.Duration // of the ticker behind all that is due some time. Defaults to 250 ms
}

// Cluster reaches a cluster as one of its users.
type Cluster interface {
	Control
	// Connect connects as a job, by the JWT that the head gave for the public half of seed. The connection must
	// reconnect without end, and refuse to publish while it is down.
	Connect(ctx context.Context, job, jwt, seed string) (*nats.Conn, Control, error)
}

// Control is the head's control service as somebody may ask it. A refusal is a *protocol.Refusal. Each call ends in
// time without an answer too.
type Control interface {
	Ask(ctx context.Context, op string, in, out any) error
	PutBlob(ctx context.Context, hash string, size int64, r io.ReaderAt) error
	GetBlob(ctx context.Context, hash string, w io.Writer) error
}

// Binary is an executable of the program for a platform: a file here, or one that the head has.
type Binary struct {
	OS, Arch string
	Path     string // "" if the head has it
	Hash     string // else these are known
	Size     int64
}

// File is one that is put into the job's folder on each node.
type File struct {
	Path string // in that folder: relative, with slashes
	From string // here
}

func (c *Config) setDefaults() {
	if c.Note == nil {
		c.Note = func(string) {}
	}
	if c.Replay == nil {
		c.Replay = func(*protocol.Outcomes) {}
	}
	if c.Decided == nil {
		c.Decided = func(*protocol.Decisions) {}
	}
	if c.Quota == nil {
		c.Quota = func(protocol.Quota) {}
	}
	if c.Superseded == nil {
		c.Superseded = func(error) {}
	}
	setDefault(&c.handOver, 2*time.Second)
	setDefault(&c.resend, 2*time.Second)
	setDefault(&c.beat, 250*time.Millisecond)
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}
