package agent

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
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

func kindOf(flags uint8) kind {
	switch {
	case flags&protocol.Isolated != 0:
		return isolated
	case flags&protocol.Alone != 0:
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
	out   *sendbuf // its own mutex's
	tasks map[protocol.Attempt]held
	done  int  // outcomes it has given
	ready bool // it was welcomed, and may be given tasks
	over  bool // it is to end, or has: nothing more is given to it, and what it says doesn't count
	last  bool // it gets no more tasks, and ends with those that it has
	why   string

	quit  chan struct{} // closed: it was told to quit
	kill  chan struct{} // closed: it is to be killed
	once  sync.Once     // for quit
	again sync.Once     // for kill
	child *child        // nil until it was started

	files  *prepared    // its job's
	heard  atomic.Int64 // when it last said something, in nanoseconds; atomic
	silent bool         // it was asked for its stacks

	killedFor string // why; set before kill is closed

	outcomes protocol.Outcomes // scratch of the goroutine that reads
}

// start begins a worker of the kind. The mutex is held.
func (a *Agent) start(j *job, k kind) *proc {
	p := &proc{
		job: j, kind: k, epoch: j.epoch, out: newSendbuf(), tasks: map[protocol.Attempt]held{},
		quit: make(chan struct{}), kill: make(chan struct{}),
	}
	switch k {
	case shared:
		j.main = p
	case alone:
		j.single = p
	default:
		j.others[p] = true
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
		path: path, args: info.Args, env: workerEnv(ready.dir, info.Env), dir: ready.dir, log: ready.log,
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

// startError is a worker that never came to run a task.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// endError is how a worker ended, with what it wrote last.
func endError(c *child, how, why string, greeted bool) error {
	text := "the worker " + how
	if why != "" {
		text += ": " + why
	}
	if last := strings.TrimSpace(c.tail.String()); last != "" {
		text += "\nlast output:\n" + last
	}
	if !greeted {
		return &startError{errors.New(text +
			"\nit ended before it said hello to its agent: does the program call muster.Main, and what does it do before?")}
	}
	return errors.New(text)
}

// converse reads frames, from hello on, until there are no more or one makes no sense.
func (a *Agent) converse(p *proc, c *child, info *protocol.JobInfo, deadline *time.Timer, all *sync.WaitGroup) error {
	frames := protocol.NewFrameReader(c.conn)
	kind, body, err := frames.Next()
	if err != nil {
		return err
	}
	deadline.Stop()
	if kind != protocol.FrameHello {
		return fmt.Errorf("its first frame is of kind %d, not a hello", kind)
	}
	hello, err := protocol.ReadHello(body)
	if err != nil {
		return err
	}
	if missing := lacks(hello.Functions, info.Functions); len(missing) > 0 {
		p.job.log.Warn("the worker lacks functions of the job: tasks of these will fail", "functions", missing)
	}
	all.Go(func() {
		_ = p.out.run(c.conn)
		_ = c.conn.Close()
	})
	a.welcome(p, info)
	for {
		kind, body, err := frames.Next()
		if err != nil {
			return err
		}
		if err := a.frame(p, kind, body); err != nil {
			p.die(err.Error())
			return err
		}
	}
}

// lacks are the names in want that has doesn't have.
func lacks(has, want []string) (missing []string) {
	known := make(map[string]bool, len(has))
	for _, name := range has {
		known[name] = true
	}
	for _, name := range want {
		if !known[name] {
			missing = append(missing, name)
		}
	}
	return missing
}

// welcome tells a worker whom it works for, and gives it what waits for it.
func (a *Agent) welcome(p *proc, info *protocol.JobInfo) {
	w := protocol.Welcome{
		Major: protocol.Major, Minor: protocol.Minor, Job: p.job.id, Node: a.cfg.Node, Functions: info.Functions,
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.frame(protocol.FrameWelcome, w.Append)
	p.ready = true
	p.heard.Store(time.Now().UnixNano())
	p.job.failed = 0
	a.dispatch(p.job)
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
	case !p.ready || p.over:
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

// died takes back what a worker had. The coordinator hears how it ended.
func (a *Agent) died(p *proc, err error) {
	a.mu.Lock()
	j := p.job
	over := p.over
	p.over, p.ready = true, false
	if j.main == p {
		j.main = nil
	}
	if j.single == p {
		j.single = nil
	}
	delete(j.others, p)
	for _, w := range j.waiting {
		if w.proc == p {
			w.proc = nil
		}
	}
	if !over && !j.over {
		a.afterDeath(j, p, err)
	}
	a.mu.Unlock()
	a.offer()
}

// afterDeath is died for a worker that nobody ended. The mutex is held.
func (a *Agent) afterDeath(j *job, p *proc, err error) {
	var start *startError
	failed := errors.As(err, &start)
	j.log.Warn("a worker ended", "tasks", len(p.tasks), "how", err)
	switch {
	case failed:
		j.failed++
	case p.done > 0:
		j.deaths = 1
	default:
		j.deaths++
	}
	a.giveBackAll(j, p, protocol.WorkerDied, err.Error())
	if failed && j.failed%maxStarts == 0 {
		a.cantStart(j, err.Error())
	}
	a.dispatch(j)
	a.grantResumes()
}

// cantStart gives back what waits for a worker that can't be started. The mutex is held.
func (a *Agent) cantStart(j *job, text string) {
	text = fmt.Sprintf("node %s couldn't start a worker, %d times in a row: %s", a.cfg.Node, j.failed, text)
	for _, at := range j.inOrder() {
		w := j.waiting[at]
		if w.left == 0 {
			a.giveBackWaiting(j, at, w, protocol.WorkerDied, text)
		}
	}
	j.offer.rest = time.Now().Add(startPause(j.failed))
}

// inOrder are the attempts that wait, as they came.
func (j *job) inOrder() []protocol.Attempt {
	list := make([]protocol.Attempt, 0, len(j.waiting))
	for at := range j.waiting {
		list = append(list, at)
	}
	slices.SortFunc(list, func(x, y protocol.Attempt) int { return int(int64(j.waiting[x].seq) - int64(j.waiting[y].seq)) })
	return list
}
