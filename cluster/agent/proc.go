package agent

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/protocol"
)

// kind is what a worker runs.
type kind byte

const (
	shared   kind = iota // all tasks but those of the other kinds
	alone                // one task at a time, which may have killed a worker
	isolated             // one task
)

func kindOf(t *protocol.Task) kind {
	switch {
	case t.Flags&protocol.Isolated != 0 || t.Flags&protocol.Alone != 0 && t.Need.GPUs > 0:
		return isolated
	case t.Flags&protocol.Alone != 0:
		return alone
	}
	return shared
}

const (
	helloWithin = time.Minute // a program's initialisation may take its time
	maxStarts   = 3           // in a row that come to nothing, before the tasks are given back
	maxPause    = 10 * time.Second
)

// proc is a worker: its process and its end of the socket. Its fields are the Agent's mutex's, unless they say otherwise.
type proc struct {
	job   *job
	kind  kind
	epoch uint32   // of the coordinator whose tasks it runs
	gpus  *lease   // which GPUs it sees; the lease itself is a task's. nil for none
	out   *sendbuf // its own mutex's
	tasks map[protocol.Attempt]held
	done  int       // outcomes it has given
	ready bool      // it was welcomed, and may be given tasks
	over  bool      // it is to end, or has: nothing more is given to it, and what it says doesn't count
	last  bool      // it gets no more tasks, and ends with those that it has
	until time.Time // a former driver's: when it is killed if it still runs; zero for others
	why   string

	quit  chan struct{} // closed: it was told to quit
	kill  chan struct{} // closed: it is to be killed
	once  sync.Once     // for quit
	again sync.Once     // for kill
	child *child        // nil until it was started

	files  *prepared    // its job's
	heard  atomic.Int64 // when it last said something, in nanoseconds; atomic
	held   atomic.Bool  // it isn't read from: its coordinator is away and much waits for that
	silent bool         // it was asked for its stacks

	killedFor string // why; set before kill is closed

	outcomes protocol.Outcomes // scratch of the goroutine that reads
}

// start begins a worker of the kind. The mutex is held.
func (a *Agent) start(j *job, k kind) *proc { return a.startWith(j, k, nil) }

func (a *Agent) startWith(j *job, k kind, gpus *lease) *proc {
	p := &proc{
		job: j, kind: k, epoch: j.epoch, gpus: gpus, out: newSendbuf(), tasks: map[protocol.Attempt]held{},
		quit: make(chan struct{}), kill: make(chan struct{}),
	}
	switch {
	case k == isolated || gpus != nil:
		j.others[p] = true
	case k == alone:
		j.singles[p] = true
	default:
		j.main = p
	}
	pause := startPause(j.deaths - 1 + j.failed)
	j.all.Go(func() { a.live(p, pause) })
	return p
}

// startPause is how long to wait before a start, after so many failures.
func startPause(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	d := min(100*time.Millisecond<<min(failures-1, 20), maxPause)
	return d/2 + rand.N(d/2) //nolint:gosec // not a secret
}

// live is a worker's life, from its start to its end.
func (a *Agent) live(p *proc, pause time.Duration) {
	err := a.pauseFor(p, pause)
	if err == nil {
		err = a.runChild(p)
	}
	p.out.close()
	a.died(p, err)
}

func (a *Agent) pauseFor(p *proc, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-p.quit:
	case <-p.kill:
	case <-p.job.ctx.Done():
	}
	return errors.New("it wasn't started")
}

// runChild starts the process and speaks with it until it ends. The error says how it did.
func (a *Agent) runChild(p *proc) error {
	ready, err := a.prepared(p.job)
	if err != nil {
		return &startError{err}
	}
	a.mu.Lock()
	info, binary, over := p.job.info, p.job.binary, p.over || p.job.over
	a.mu.Unlock()
	if over || info == nil || binary == nil {
		return errors.New("it wasn't started")
	}
	p.files = ready
	path, err := a.bins.get(p.job.ctx, a.cfg.Control, binary)
	if err != nil {
		return &startError{err}
	}
	defer a.bins.release(binary.Hash)
	child, err := startChild(a.spawn, childSpec{
		path: path, args: info.Args, env: a.workerEnv(p, ready.dir, info.Env), dir: ready.dir, log: ready.log,
	})
	if err != nil {
		return &startError{fmt.Errorf("start the worker: %w", err)}
	}
	a.folder.noteWorker(child.pid())
	defer a.folder.forgetWorker(child.pid())
	return a.attend(p, child, info)
}

// attend speaks with a process until it ends.
func (a *Agent) attend(p *proc, c *child, info *protocol.JobInfo) error {
	a.mu.Lock()
	p.child = c
	a.mu.Unlock()
	var all sync.WaitGroup
	all.Go(func() { c.watch(p.quit, p.kill, a.cfg.Grace) })
	hello := time.AfterFunc(helloWithin, func() { p.die("it hasn't said hello within a minute") })
	err := a.converse(p, c, info, hello, &all)
	hello.Stop()
	_ = c.conn.Close()
	p.out.close()
	how := c.wait(time.Second)
	all.Wait()
	a.mu.Lock()
	why, greeted := p.why, p.ready
	a.mu.Unlock()
	select {
	case <-p.kill:
		how, why = "was killed", p.killedFor
	default:
		if !errors.Is(err, io.EOF) && !isClosed(err) {
			why = err.Error()
		}
	}
	return endError(c, how, why, greeted)
}

// frame sends a frame. It never blocks.
func (p *proc) frame(kind protocol.FrameKind, fill func([]byte) []byte) {
	ok := p.out.add(func(dst []byte) []byte { return protocol.AppendFrame(dst, kind, fill) })
	if !ok {
		p.die("it doesn't read what is sent to it")
	}
}

// end tells the worker to quit, and kills it if it doesn't within the grace. The mutex is held.
func (p *proc) end(why string) {
	p.over = true
	if p.why == "" {
		p.why = why
	}
	if p.ready {
		p.frame(protocol.FrameQuit, nil)
	}
	p.once.Do(func() { close(p.quit) })
}

// die kills the worker. It needs no mutex.
func (p *proc) die(why string) {
	p.again.Do(func() {
		p.job.log.Warn("a worker is killed", "reason", why)
		p.killedFor = why
		close(p.kill)
	})
}

// ping asks a worker that says nothing whether it lives. The mutex is held.
func (p *proc) ping(now time.Time) {
	cfg := p.job.cfg
	quiet := now.Sub(time.Unix(0, p.heard.Load()))
	switch {
	case !p.ready || p.over || p.held.Load():
	case quiet >= cfg.silence+cfg.Grace:
		p.die(fmt.Sprintf("it hasn't answered for %v", cfg.silence))
	case quiet >= cfg.silence && !p.silent:
		p.silent = true
		p.job.log.Warn("a worker doesn't answer: it is asked for its stacks, and killed then; they are in the job's log")
		p.child.stacks()
	case quiet >= cfg.pingEvery:
		p.frame(protocol.FramePing, nil)
	default:
		p.silent = false
	}
}
