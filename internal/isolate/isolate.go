package isolate

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/musterrun/muster/internal/child"
	"github.com/musterrun/muster/protocol"
)

// Variables by which such a worker learns what it is for, beside those that an agent sets too.
const (
	EnvTask    = "MUSTER_TASK"    // the number of its task in the session
	EnvObjects = "MUSTER_OBJECTS" // the folder for large values, which is made when it is needed
)

// Supported reports whether this system can have worker processes.
const Supported = child.Supported

// quitWithin is how long a worker whose task has ended may take to exit before it is killed.
const quitWithin = time.Second

// Process is the worker process of one attempt.
type Process struct {
	*child.Child
	functions []string
	cpus      float64
	values    values

	at      protocol.Attempt
	task    *protocol.Task
	begins  func()
	up      func([]protocol.Item)
	outcome *protocol.Outcome
}

// New makes a Process; nothing is started. functions are the names of those that tasks are numbered by, cpus is how many
// the session has.
func New(functions []string, cpus float64) *Process {
	return &Process{
		Child:     child.New(child.Config{Grace: quitWithin, Logger: slog.New(slog.DiscardHandler)}),
		functions: functions, cpus: cpus, values: newValues(),
	}
}

// Run starts the process, gives it the task, and returns once it has ended, and all that it has started: with the task's
// outcome, or an error that says how it ended, with the last that it wrote. died says that it was started. begins is
// called when the process is there, before it gets the task, and up with what that says, in order, by this goroutine.
// What it writes goes where this process writes.
func (p *Process) Run(t *protocol.Task, number uint64, begins func(), up func([]protocol.Item)) (
	o *protocol.Outcome, died bool, err error,
) {
	p.at, p.task, p.begins, p.up = protocol.Attempt{Task: t.ID, N: t.Attempt}, t, begins, up
	defer p.values.remove()
	if err := p.values.shrinkTask(t); err != nil {
		return nil, false, fmt.Errorf("argument: %w", err)
	}
	path, err := executable()
	if err != nil {
		return nil, false, err
	}
	err = p.Child.Run(child.Spec{
		Path: path, Name: os.Args[0], Args: os.Args[1:],
		Env: append(os.Environ(),
			protocol.EnvCPUs+"="+strconv.FormatFloat(p.cpus, 'f', -1, 64),
			EnvTask+"="+strconv.FormatUint(number, 10), EnvObjects+"="+p.values.path),
		Stdout: os.Stdout, Output: os.Stderr,
	}, p)
	if p.outcome != nil {
		return p.outcome, false, nil
	}
	return nil, p.PID() != 0, err
}

// Hello gives the worker its task.
func (p *Process) Hello(*protocol.Hello) {
	w := protocol.Welcome{Major: protocol.Major, Minor: protocol.Minor, Functions: p.functions}
	p.Child.Send(protocol.FrameWelcome, w.Append)
	p.begins()
	b := protocol.Batch{Tasks: []protocol.Task{*p.task}}
	p.Child.Send(protocol.FrameTasks, b.Append)
}

// Frame takes what the worker says of its task. What it says of another is an error, and ends it.
func (p *Process) Frame(kind protocol.FrameKind, body []byte) error {
	switch kind {
	case protocol.FrameOutcomes:
		return p.ended(body)
	case protocol.FrameItems:
		up, err := protocol.ReadUp(bytes.Clone(body))
		if err != nil {
			return err
		}
		for _, it := range up.Items {
			by, _ := protocol.Speaker(it)
			if _, gives := it.(protocol.GiveBack); gives || by != p.at { // nothing is asked back
				return fmt.Errorf("it speaks for task %d, attempt %d, which it doesn't have", by.Task, by.N)
			}
		}
		p.up(up.Items)
	case protocol.FrameLog:
		l, err := protocol.ReadLog(body)
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, l.Text)
	}
	return nil // the others are pongs, or of a later minor version
}

// ended takes the task's outcome, after which the process isn't needed any more.
func (p *Process) ended(body []byte) error {
	o, err := protocol.ReadOutcomes(bytes.Clone(body))
	if err != nil {
		return err
	}
	for i := range o.List {
		x := &o.List[i]
		if p.outcome != nil || x.ID != p.at.Task || x.Attempt != p.at.N {
			return fmt.Errorf("it sent an outcome of task %d, attempt %d, which it doesn't have", x.ID, x.Attempt)
		}
		if err := p.values.expand(&x.Value); err != nil {
			x.Status, x.Value = protocol.Failed, protocol.TextFailure("result: "+err.Error())
		}
		p.outcome = x
		p.Quit("its task has ended")
	}
	return nil
}

// Send brings the task something. It never blocks for long: a large value is written to a file first.
func (p *Process) Send(it protocol.Item) {
	if s, ok := it.(protocol.Settle); ok {
		if err := p.values.shrink(&s.Value); err != nil {
			s.Value = protocol.TextFailure(err.Error())
		}
		it = s
	}
	d := protocol.Down{Items: []protocol.Item{it}}
	p.Child.Send(protocol.FrameDown, d.Append)
}
