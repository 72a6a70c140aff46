package agent

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/musterrun/muster/internal/child"
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
	maxStarts = 3 // in a row that come to nothing, before the tasks are given back
	maxPause  = 10 * time.Second
)

// proc is a worker: its process, and what the job gave it. Its fields are the Agent's mutex's, unless they say otherwise.
type proc struct {
	*child.Child // its own mutex's
	a            *Agent
	job          *job
	kind         kind
	epoch        uint32        // of the coordinator whose tasks it runs
	need         protocol.Need // of an isolated one's task; set before it is started
	gpus         *lease        // which GPUs it sees; the lease itself is a task's. nil for none
	tasks        attempts
	uses         uses
	done         int       // outcomes it has given
	ready        bool      // it was welcomed, and may be given tasks
	over         bool      // it is to end, or has: nothing more is given to it, and what it says doesn't count
	last         bool      // it gets no more tasks, and ends with those that it has
	until        time.Time // a former driver's: when it is killed if it still runs; zero for others

	info     *protocol.JobInfo // the job's, when it was started
	files    *prepared         // its job's
	outcomes protocol.Outcomes // scratch of the goroutine that reads
}

// start begins a worker of the kind. The mutex is held.
func (a *Agent) start(j *job, k kind) *proc { return a.startWith(j, k, nil) }

func (a *Agent) startWith(j *job, k kind, gpus *lease) *proc {
	p := &proc{
		Child: child.New(child.Config{Grace: a.cfg.Grace, PingEvery: a.cfg.pingEvery, Silence: a.cfg.silence, Logger: j.log, Quiet: true}),
		a:     a, job: j, kind: k, epoch: j.epoch, gpus: gpus,
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
	a.died(p, err)
}

func (a *Agent) pauseFor(p *proc, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-p.Over():
	case <-p.job.ctx.Done():
	}
	return errors.New("it wasn't started")
}

// runChild starts the process and speaks with it until it ends. The error says how it did.
func (a *Agent) runChild(p *proc) error {
	ready, err := a.prepared(p.job)
	if err != nil {
		return &child.StartError{Err: err}
	}
	a.mu.Lock()
	info, binary, over := p.job.info, p.job.binary, p.over || p.job.over
	a.mu.Unlock()
	if over || info == nil || binary == nil {
		return errors.New("it wasn't started")
	}
	p.files, p.info = ready, info
	if a.cfg.Serve != nil {
		return p.Run(child.Spec{Serve: a.cfg.Serve}, p)
	}
	group, err := a.limits.make(limitOf(p.kind, &p.need, a.cfg.CPUs))
	if err != nil {
		p.job.log.Warn("a worker runs without limits of its own", "error", err)
	}
	defer group.end()
	path, err := a.bins.get(p.job.ctx, a.cfg.Control, binary)
	if err != nil {
		return &child.StartError{Err: err}
	}
	defer a.bins.release(binary.Hash)
	defer func() { a.folder.forgetWorker(p.PID()) }()
	return p.Run(child.Spec{
		Path: path, Args: info.Args, Env: a.workerEnv(p, ready, info.Env), Dir: ready.dir, Output: ready.log,
		Attributes: ready.account.attributes, Killed: group.killed,
		Started: func(pid int) {
			a.folder.noteWorker(pid)
			if err := group.take(pid); err != nil {
				p.job.log.Warn("a worker runs without limits of its own", "error", err)
			}
		},
	}, p)
}

// Hello welcomes the worker, and gives it what waits for it.
func (p *proc) Hello(hello *protocol.Hello) {
	if missing := lacks(hello.Functions, p.info.Functions); len(missing) > 0 {
		p.job.log.Warn("the worker lacks functions of the job: tasks of these will fail", "functions", missing)
	}
	major, minor := protocol.Agreed(hello.Major, hello.Minor)
	w := protocol.Welcome{
		Major: major, Minor: minor, Job: p.job.id, Node: p.a.cfg.Node, Functions: p.info.Functions,
	}
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	p.Send(protocol.FrameWelcome, w.Append)
	p.ready = true
	p.job.failed = 0
	p.a.dispatch(p.job)
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

// end tells the worker to quit, and kills it if it doesn't within the grace. The mutex is held.
func (p *proc) end(why string) {
	p.over = true
	p.Quit(why)
}
