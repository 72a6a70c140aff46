package engine

import (
	"context"
	"fmt"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
)

// Put makes a task that has ended with v.
func Put[T any](ctx context.Context, v T) *Typed[T] {
	at, err := siteOf(ctx)
	if err == nil && at.s == nil {
		at.s, err = fallback("Put")
	}
	if err == nil && at.s.isClosed() {
		err = ErrClosed
	}
	if err == nil && at.s.cfg.Strict {
		v, err = putStrictly(at.s, v)
	}
	if err != nil {
		var zero T
		return Ready(at.s, zero, err)
	}
	p := &put[T]{}
	p.s, p.out, p.phase, p.ops = at.s, v, over, p
	p.waiters.Store(ended)
	t := &p.Typed
	at.s.identifyValue(&t.Task, at.run, func() (journal.Key, bool) { return valueKey(&v) })
	return t
}

// put is a task that has ended from the start: its value was at hand.
type put[T any] struct{ Typed[T] }

var putSpec = &Spec{Name: "put"}

func (p *put[T]) Spec() *Spec            { return putSpec }
func (p *put[T]) Deps(func(*Task)) error { return nil }
func (p *put[T]) Exec(*Run) error        { return nil }
func (p *put[T]) Join() (*Task, error)   { return nil, nil }
func (p *put[T]) Release(drop bool)      { p.drop(drop) }

func (p *put[T]) Results(visit func(*Task)) { refsIn(&p.out, visit) }

func putStrictly[T any](s *Session, v T) (T, error) {
	p, err := codec.Of(reflect.TypeFor[T]())
	if err != nil {
		return v, fmt.Errorf("muster: Put: %w", err)
	}
	refs := &refTable{}
	cp, data, err := duplicate(p, &v, refs)
	if err != nil {
		return v, fmt.Errorf("muster: Put: %w", err)
	}
	watch(s, p, v, data, refs, "a value passed to Put")
	watch(s, p, cp, data, refs, "a value passed to Put")
	return cp, nil
}

// watchValue checks a value again when the session ends, if it can be encoded at all.
func watchValue[T any](s *Session, v T, what string) {
	p, err := codec.Of(reflect.TypeFor[T]())
	if err != nil {
		return
	}
	refs := &refTable{}
	if data, err := p.Append(nil, &v, refs); err == nil {
		watch(s, p, v, data, refs, what)
	}
}

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// SetResource is the list with one resource changed, as a copy: functions share lists.
func SetResource(list []Resource, name string, n float64) []Resource {
	var out []Resource
	for _, r := range list {
		if r.Name != name {
			out = append(out, r)
		}
	}
	if n > 0 {
		out = append(out, Resource{name, n})
	}
	return out
}
