package engine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

var errForeign = errors.New("muster: a Ref of another session stands in the argument: get its value there, and Put it here")

// start starts the task with the session, or records it if ctx is lazy. Every error becomes the task's.
func start(ctx context.Context, at site, t *Task, ops Ops) {
	s := at.s
	t.s, t.ops = s, ops
	if s.cfg.Upstream != nil {
		s.goUp(at, t)
	}
	by := s.tetherOf(ctx, at.run)
	s.mu.Lock()
	if !at.lazy {
		s.admit(ctx, at.run, t.bulk)
	}
	if s.closed {
		s.mu.Unlock()
		t.reject(ErrClosed)
		return
	}
	t.scope = s.scopeAt(by)
	if at.run != nil {
		t.chain = at.run.chain
		t.depth = min(at.run.t.depth, math.MaxUint16-1) + 1
		if t.host == nil {
			t.host = at.run.t.host
		}
	}
	if at.lazy {
		t.traits |= lazily
		s.lazies++
		s.mu.Unlock()
		return
	}
	s.submit(t, at.run)
	s.flush()
}

// reject ends a task that never entered the table.
func (t *Task) reject(err error) {
	t.err = &TaskError{Func: t.ops.Spec().Name, Item: -1, Err: err}
	t.phase = over
	t.ops.Release(true)
	notifyAll(t.publish())
}

// demand submits a lazy call, and those it needs, if that hasn't happened.
func (s *Session) demand(t *Task) {
	s.mu.Lock()
	s.want(t)
	if t.phase != fresh {
		s.mu.Unlock()
		return
	}
	s.submit(t, nil)
	s.flush()
}

// submit enters t in the machine, and before it the lazy calls it needs.
func (s *Session) submit(t *Task, by *Run) {
	if !t.is(waits) {
		s.submitOne(t, by, nil)
		return
	}
	stack := []*Task{t}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		n := len(stack)
		if top.phase == fresh {
			_ = top.ops.Deps(func(d *Task) { // unmet reports the error
				if d.s == s && d.phase == fresh {
					stack = append(stack, d)
				}
			})
		}
		if len(stack) > n {
			continue
		}
		stack = stack[:n-1]
		if top.phase == fresh {
			s.submitOne(top, by, s.unmet(top))
		}
	}
}

// deps is what a task waits for.
type deps struct {
	ids     []coordinator.ID
	err     error // of a dependency that has failed already, or of the search for them
	foreign bool  // there is one of another session
}

// unmet looks at the dependencies of t and records them for Plan.
func (s *Session) unmet(t *Task) *deps {
	d := &deps{}
	var nodes []*planNode
	err := t.ops.Deps(func(dep *Task) {
		switch {
		case dep.s != s && dep.s != nil:
			d.err, d.foreign = &TaskError{Func: t.ops.Spec().Name, Item: -1, Err: errForeign}, true
			return // its fields are guarded by the other session
		case dep.phase == live:
			s.want(dep)
			d.ids = append(d.ids, dep.id)
		case dep.err != nil && d.err == nil:
			d.err = dep.err
		}
		nodes = append(nodes, dep.node())
	})
	t.planned(nodes)
	if err != nil {
		d.err = &TaskError{Func: t.ops.Spec().Name, Item: -1, Err: fmt.Errorf("argument: %w", err)}
	}
	return d
}

// rerun is a task that stands in for part of another: it has attempts behind it, or goes before new tasks.
type rerun interface {
	continues(coordinator.Spec) coordinator.Spec
}

// refuses says why a task isn't entered, and as what it ends; nil if it is.
func (s *Session) refuses(t *Task, d *deps, value bool) (event.Kind, error) {
	switch {
	case d != nil && d.err != nil && (!value || d.foreign):
		return event.TaskFailed, d.err
	case s.closed:
		return event.TaskCanceled, s.failure(t, nil, ErrClosed)
	case t.scope.err != nil:
		return event.TaskCanceled, s.failure(t, nil, canceled(byContext, t.scope))
	}
	if err := s.cantLeave(t, t.ops.Spec()); err != nil {
		return event.TaskUnfit, s.failure(t, nil, err)
	}
	return 0, nil
}

// submitOne enters a task whose dependencies are known to the machine.
func (s *Session) submitOne(t *Task, by *Run, d *deps) {
	sp := t.ops.Spec()
	if t.is(lazily) {
		t.traits &^= lazily
		s.lazies--
	}
	s.pressure.add(t.bulk)
	t.scope = s.awake(t.scope)
	spec := coordinator.Spec{Depth: uint32(t.depth), Scope: t.scope.id, Priority: int32(sp.Opts.Priority), Value: t.is(joins)}
	if !t.is(once) && !sp.Opts.Once {
		spec.Retries = uint16(sp.Opts.Retries)
	}
	if d != nil {
		spec.Deps = d.ids
	}
	if kind, err := s.refuses(t, d, spec.Value); err != nil {
		s.settle(t, err, kind)
		return
	}
	switch {
	case spec.Value:
	case s.isAway(sp) && s.carried.stranded != nil:
		s.settle(t, s.failure(t, nil, s.carried.stranded), event.TaskFailed)
		return
	case s.isAway(sp):
		spec.Need = s.awayNeed(sp, t.is(once))
	case !sp.Opts.plain():
		need, err := s.needOf(sp)
		if err != nil {
			s.settle(t, s.failure(t, nil, err), event.TaskUnfit)
			return
		}
		spec.Need = need
	}
	if c, ok := t.ops.(rerun); ok {
		spec = c.continues(spec)
	}
	s.keep(t, s.m.Submit(spec))
	if spec.Attempts > 0 {
		s.pause(t, int(spec.Attempts))
	}
	s.carryOut()
	t.planSubmitted()
	if s.listens(t, event.TaskSubmitted) {
		s.log.add(event.Event{
			Kind: event.TaskSubmitted, Task: s.m.Number(t.id), Func: sp.Name,
			Parent: by.number(), Priority: sp.Opts.Priority, Item: -1,
		})
	}
}
