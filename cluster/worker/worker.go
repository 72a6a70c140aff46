package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/musterrun/muster/protocol"
)

// Host runs the tasks. Its methods are called by one goroutine, one at a time, and must not block, since a ping that
// waits behind them counts as silence.
type Host interface {
	// Welcome comes first, and once.
	Welcome(w *protocol.Welcome)
	// Tasks are to run now. The bytes and lists of each belong to the host; b itself is used again afterwards.
	Tasks(b *protocol.Batch)
	// Down brings Settle, Stop and TakeBack items, which belong to the host.
	Down(d *protocol.Down)
}

// Config is what a Worker needs.
type Config struct {
	Socket    io.ReadWriteCloser // whose Close ends a Read and a Write that wait
	Functions []string           // the names of those that this program can run
	Logger    *slog.Logger       // Defaults to slog.Default().
}

// ErrLost is in Run's error when the agent has gone without a word. The process ends then, as its agent's next start
// would end it.
var ErrLost = errors.New("the agent has gone")

// Worker is this process's end of the socket.
type Worker struct {
	config Config
	link   *Link
	batch  protocol.Batch // used again for each frame
}

// New makes a Worker. It doesn't touch the socket before Run.
func New(c Config) *Worker {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Worker{config: c, link: newLink()}
}

// Link is how the host speaks to the agent. It may be used before Run.
func (w *Worker) Link() *Link { return w.link }

// Run speaks with the agent until that says quit (no error), goes away (ErrLost), or sends what makes no sense, or until
// ctx ends. It doesn't wait for tasks: what the host runs is to end with the process. The socket is closed then, and
// what the link has is dropped. Call it once.
func (w *Worker) Run(ctx context.Context, host Host) error {
	unwatch := context.AfterFunc(ctx, func() { _ = w.config.Socket.Close() })
	defer unwatch()
	err := w.hello()
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	} else {
		err = w.converse(host)
	}
	_ = w.config.Socket.Close()
	w.link.close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (w *Worker) hello() error {
	h := protocol.Hello{Major: protocol.Major, Minor: protocol.Minor, PID: os.Getpid(), Functions: w.config.Functions}
	_, err := w.config.Socket.Write(protocol.AppendFrame(nil, protocol.FrameHello, h.Append))
	return err
}

// converse reads what the agent says, and from its welcome on has a goroutine that writes what the link gathers.
func (w *Worker) converse(host Host) error {
	frames := protocol.NewFrameReader(w.config.Socket)
	if err := w.welcome(frames, host); err != nil {
		return err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.link.flush(w.config.Socket)
		_ = w.config.Socket.Close() // an error of writing ends reading too
	}()
	err := w.read(frames, host)
	_ = w.config.Socket.Close()
	w.link.close()
	<-written
	return err
}

// welcome waits for the agent's first frame of a kind that this version knows.
func (w *Worker) welcome(frames *protocol.FrameReader, host Host) error {
	for {
		kind, body, err := frames.Next()
		switch {
		case err != nil:
			return lost(err)
		case kind == protocol.FrameQuit:
			return fmt.Errorf("%w before it said what for", ErrLost)
		case kind != protocol.FrameWelcome:
			continue
		}
		welcome, err := protocol.ReadWelcome(body)
		if err != nil {
			return fmt.Errorf("read the agent's welcome: %w", err)
		}
		host.Welcome(&welcome)
		return nil
	}
}

func (w *Worker) read(frames *protocol.FrameReader, host Host) error {
	for {
		kind, body, err := frames.Next()
		if err != nil {
			return lost(err)
		}
		switch kind {
		case protocol.FramePing:
			w.link.pong()
		case protocol.FrameQuit:
			return nil
		default:
			if err := w.deliver(kind, body, host); err != nil {
				return err
			}
		}
	}
}

// deliver gives the host what it may keep: frames are read into memory that is used again.
func (w *Worker) deliver(kind protocol.FrameKind, body []byte, host Host) error {
	switch kind {
	case protocol.FrameTasks:
		b := &w.batch
		if err := b.Read(bytes.Clone(body)); err != nil {
			return fmt.Errorf("read the agent's tasks: %w", err)
		}
		w.link.owe(len(b.Tasks))
		host.Tasks(b)
	case protocol.FrameDown:
		d, err := protocol.ReadDown(bytes.Clone(body))
		if err != nil {
			return fmt.Errorf("read what the agent says: %w", err)
		}
		host.Down(&d)
	default:
		w.config.Logger.Debug("a frame of a kind that this version doesn't know", "kind", kind)
	}
	return nil
}

// lost is the error of a socket that gives nothing more.
func lost(err error) error {
	if errors.Is(err, protocol.ErrMalformed) {
		return fmt.Errorf("read the agent's frames: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}
