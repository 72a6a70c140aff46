package engine

import (
	"reflect"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/coordinator"
)

// adopt has what a result needs governed by one scope instead of another: the tasks whose Refs stand in it, those that
// these wait for, and those whose Refs stand in the values of either, however far they have come. Whether one has ended
// a moment before or will a moment later makes no difference. The mutex is held.
func (s *Session) adopt(results func(visit func(*Task)), from, to *Scope) {
	var ids []coordinator.ID
	s.reach(results, func(t *Task) {
		switch {
		case t.phase == live:
			ids = append(ids, t.id)
		case t.phase == fresh && t.scope.resolve() == from:
			t.scope = to
		}
	})
	if len(ids) == 0 {
		return
	}
	for _, id := range s.m.Adopt(ids, from.id, to.id) {
		t := s.taskOf(id)
		t.scope = to
		if t.run != nil {
			t.run.scope = to
		}
	}
}

// reach visits the session's tasks whose Refs stand in a result, what they depend on, and the Refs in their values.
func (s *Session) reach(results func(visit func(*Task)), visit func(*Task)) {
	var todo []*Task
	var seen map[*Task]bool
	push := func(t *Task) {
		if t.s != s || seen[t] {
			return
		}
		if seen == nil {
			seen = map[*Task]bool{}
		}
		seen[t] = true
		todo = append(todo, t)
	}
	results(push)
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(t)
		switch {
		case t.ops == nil:
		case t.phase != over:
			if t.is(waits) {
				_ = t.ops.Deps(push) // an error was the task's own
			}
		case t.err == nil:
			t.ops.Results(push)
		}
	}
}

// refsIn visits the tasks whose Refs stand in a value of any type.
func refsIn[T any](v *T, visit func(*Task)) {
	typ := reflect.TypeFor[T]()
	f, ok := finders.Load(typ)
	if !ok {
		f, _ = finders.LoadOrStore(typ, codec.FinderOf(typ))
	}
	if f := f.(codec.Finder); f.HasRefs() {
		_ = eachTask(f, v, visit) // a cycle was reported before, or hides no Ref
	}
}

var finders sync.Map // reflect.Type to codec.Finder
