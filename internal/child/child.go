package child

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/internal/quiet"
	"github.com/musterrun/muster/protocol"
)

// Config says how a Child is treated. Its zero value works.
type Config struct {
	Grace     time.Duration // for its end, once it was told to quit. Defaults to 1 s.
	PingEvery time.Duration // it is asked whether it lives when it has said nothing for so long. Defaults to 5 s.
	Silence   time.Duration // after which it is asked for its stacks, and killed Grace later. Defaults to 30 s.
	Logger    *slog.Logger  // Defaults to slog.Default().
	Quiet     bool          // for a process in which nothing computes for long: see package quiet
}

// Handler is told what a worker says, by one goroutine. While a call takes its time, the worker isn't read from, and its
// silence doesn't count.
type Handler interface {
	// Hello comes first, and once. It is to send a welcome.
	Hello(h *protocol.Hello)
	// Frame is each of the others. body is valid until it returns. An error kills the worker.
	Frame(kind protocol.FrameKind, body []byte) error
}

// Child is one worker process. Its methods may be called concurrently, and but for Run they return at once.
type Child struct {
	cfg     Config
	out     *sendbuf
	over    chan struct{} // closed: it is to end, one way or the other
	quit    chan struct{} // closed: it was told to quit
	kill    chan struct{} // closed: it is to be killed
	greeted atomic.Bool   // it has said hello
	heard   atomic.Uint64 // counts what it has said
	busy    atomic.Bool   // its Handler has something of it, and it isn't read from
	silence silence       // the watching goroutine's

	mu      sync.Mutex
	why     string // it was told to quit
	killWhy string // set before kill is closed
	pid     int
	cpu     time.Duration // that it has used, once it has ended
	memory  int64         // the most that it had
}

// New makes a Child that isn't started.
func New(c Config) *Child {
	setDefault(&c.Grace, time.Second)
	setDefault(&c.PingEvery, 5*time.Second)
	setDefault(&c.Silence, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Child{cfg: c, out: newSendbuf(), over: make(chan struct{}), quit: make(chan struct{}), kill: make(chan struct{})}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Over is closed once the worker was told to quit, or is to be killed.
func (c *Child) Over() <-chan struct{} { return c.over }

// PID is the number of the process, or 0 before it is started.
func (c *Child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// Used is the CPU time that the process used, and the most memory that it had, in bytes; 0 until it has ended.
func (c *Child) Used() (cpu time.Duration, memory int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cpu, c.memory
}

// Send sends a frame, after those sent before; fill appends its body, and may be nil. Before the worker has said hello,
// frames wait. One that leaves 64 MiB unread is killed.
func (c *Child) Send(kind protocol.FrameKind, fill func([]byte) []byte) {
	ok := c.out.add(func(dst []byte) []byte { return protocol.AppendFrame(dst, kind, fill) })
	if !ok {
		c.Kill("it doesn't read what is sent to it")
	}
}

// Quit tells the worker to quit, and kills it if it doesn't within the grace. Of several reasons the first one counts.
func (c *Child) Quit(why string) {
	if c.greeted.Load() {
		c.Send(protocol.FrameQuit, nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == "" {
		c.why = why
	}
	c.closeOnce(c.quit)
}

// Kill kills the worker, with all that it has started.
func (c *Child) Kill(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.kill:
		return
	default:
	}
	c.cfg.Logger.Warn("a worker is killed", "reason", why)
	c.killWhy = why
	c.closeOnce(c.kill)
}

// closeOnce closes a channel, and over. The mutex is held.
func (c *Child) closeOnce(ch chan struct{}) {
	for _, ch := range []chan struct{}{ch, c.over} {
		select {
		case <-ch:
		default:
			close(ch)
		}
	}
}

// Run starts the worker and speaks with it until it ends; nothing of it is left then. The error, which there always is,
// says how it ended, with the last that it wrote: a *StartError if it never said hello. Call it once.
func (c *Child) Run(s Spec, h Handler) error {
	defer c.out.close()
	select {
	case <-c.over:
		return &StartError{errors.New("it wasn't started")}
	default:
	}
	p, err := s.start()
	if err != nil {
		return &StartError{fmt.Errorf("start the worker: %w", err)}
	}
	c.mu.Lock()
	c.pid = p.pid()
	c.mu.Unlock()
	if s.Started != nil {
		s.Started(p.pid())
	}
	var all sync.WaitGroup
	all.Go(func() { c.watch(p) })
	socket := p.socket()
	if c.cfg.Quiet {
		socket = quiet.Conn(socket)
	}
	err = c.converse(socket, h, &all)
	_ = p.socket().Close()
	c.out.close()
	how := p.wait(time.Second)
	c.mu.Lock()
	c.cpu, c.memory = p.used()
	c.mu.Unlock()
	all.Wait()
	return c.ended(p, how, err)
}
