package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/musterrun/muster/internal/journal"
)

// ErrZeroRef is the error of a Ref that no call gave.
var ErrZeroRef = errors.New("muster: a zero Ref has no task: it is what an unset variable or field holds")

// Zero is the outcome of a zero Ref.
func Zero[T any]() *Typed[T] {
	var zero T
	return Ready(nil, zero, ErrZeroRef)
}

// value is the part that Gather, Split and Flatten share: no function runs.
type value[T any] struct {
	Typed[T]
	spec *Spec
}

func (v *value[T]) Spec() *Spec     { return v.spec }
func (v *value[T]) Exec(*Run) error { return nil }

func (v *value[T]) Results(visit func(*Task)) { refsIn(&v.out, visit) }

var gatherSpec, splitSpec, flattenSpec = &Spec{Name: "gather"}, &Spec{Name: "split"}, &Spec{Name: "flatten"}

func startValue[T any](ctx context.Context, v *value[T], ops Ops, made func() (journal.Key, bool)) *Typed[T] {
	at, err := siteOf(ctx)
	if err == nil && at.s == nil {
		at.s, err = fallback(v.spec.Name)
	}
	if err != nil {
		var zero T
		return Ready(nil, zero, err)
	}
	v.traits = waits | joins
	at.s.identifyValue(&v.Task, at.run, made)
	start(ctx, at, &v.Task, ops)
	return &v.Typed
}

// gather is the slice of the values of others.
type gather[T any, S ~[]T] struct {
	value[S]
	refs []*Typed[T]
}

// Gather makes the value of all refs: it waits for all and fails with the failed one of lowest index.
func Gather[T any, S ~[]T](ctx context.Context, refs []*Typed[T]) *Typed[S] {
	g := &gather[T, S]{refs: refs}
	g.spec = gatherSpec
	return startValue(ctx, &g.value, g, g.madeOf)
}

func (g *gather[T, S]) madeOf() (journal.Key, bool) {
	parts := make([][]byte, len(g.refs))
	for i, r := range g.refs {
		k, ok := r.keyOf(false)
		if !ok {
			return k, false
		}
		parts[i] = k[:]
	}
	return journal.Mix("gather", parts...), true
}

func (g *gather[T, S]) Deps(visit func(*Task)) error {
	for _, r := range g.refs {
		visit(&r.Task)
	}
	return nil
}

func (g *gather[T, S]) Join() (*Task, error) {
	out := make(S, len(g.refs))
	for i, r := range g.refs {
		if r.err != nil {
			return nil, r.err
		}
		out[i] = r.out
	}
	g.out = out
	if g.s.cfg.Strict {
		watchValue(g.s, out, "a value of Gather")
	}
	return nil, nil
}

func (g *gather[T, S]) Release(drop bool) {
	g.refs = nil
	g.drop(drop)
}

// element is one of a slice's values.
type element[T any] struct {
	value[T]
	src  *Typed[[]T]
	i, n int
}

// Split makes the n values of src's elements.
func Split[T any](ctx context.Context, src *Typed[[]T], n int) []*Typed[T] {
	out := make([]*Typed[T], n)
	for i := range out {
		e := &element[T]{src: src, i: i, n: n}
		e.spec = splitSpec
		out[i] = startValue(ctx, &e.value, e, e.madeOf)
	}
	return out
}

func (e *element[T]) madeOf() (journal.Key, bool) {
	k, ok := e.src.keyOf(false)
	return journal.Mix("split", k[:], binary.AppendUvarint(nil, uint64(e.i)), binary.AppendUvarint(nil, uint64(e.n))), ok
}

func (e *element[T]) Deps(visit func(*Task)) error {
	visit(&e.src.Task)
	return nil
}

func (e *element[T]) Join() (*Task, error) {
	if e.src.err != nil {
		return nil, e.src.err
	}
	if len(e.src.out) != e.n {
		return nil, fmt.Errorf("muster: Split into %d, but the task returned %d elements", e.n, len(e.src.out))
	}
	e.out = e.src.out[e.i]
	return nil, nil
}

func (e *element[T]) Release(drop bool) {
	e.src = nil
	e.drop(drop)
}

// flat is the value of a Ref that a task returns.
type flat[R, T any] struct {
	value[T]
	src   *Typed[R]
	inner *Typed[T]
	open  func(R) *Typed[T]
}

// Flatten makes the value of the task that src's value refers to.
func Flatten[R, T any](ctx context.Context, src *Typed[R], open func(R) *Typed[T]) *Typed[T] {
	f := &flat[R, T]{src: src, open: open}
	f.spec = flattenSpec
	return startValue(ctx, &f.value, f, f.madeOf)
}

func (f *flat[R, T]) madeOf() (journal.Key, bool) {
	k, ok := f.src.keyOf(false)
	return journal.Mix("flatten", k[:]), ok
}

func (f *flat[R, T]) Deps(visit func(*Task)) error {
	visit(&f.src.Task)
	return nil
}

func (f *flat[R, T]) Join() (*Task, error) {
	if f.inner == nil {
		if f.src.err != nil {
			return nil, f.src.err
		}
		f.inner = f.open(f.src.out)
		if f.inner.s != nil {
			return &f.inner.Task, nil
		}
	}
	var err error
	f.out, err = f.inner.Value()
	return nil, err
}

func (f *flat[R, T]) Release(drop bool) {
	f.src, f.inner = nil, nil
	f.drop(drop)
}
