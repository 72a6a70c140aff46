package engine

import (
	"context"

	"github.com/musterrun/muster/internal/codec"
)

// Fn is a function with what the engine needs to run it.
type Fn[In, Out any] struct {
	Spec
	Do      func(context.Context, In) (Out, error)
	InPlan  *codec.Plan // nil for Local
	OutPlan *codec.Plan
	InRefs  codec.Finder
	OutRefs codec.Finder
	InSize  codec.Sizer // says 0 for Local
	Weight  func(In) float64

	CacheKey   func(In) In                 // the argument without what makes no difference; nil: all of it counts
	CacheKeyID func(version string) string // names CacheKey: a result that was kept under one holds for no other
	CacheValid func(In, Out) bool          // whether a cached result still holds; nil: it does
}

// Go starts a call, or records it if ctx is lazy. It doesn't block; every error becomes the task's.
func (f *Fn[In, Out]) Go(ctx context.Context, in In) *Typed[Out] {
	at, err := f.at(ctx)
	if err != nil {
		return f.failed(err)
	}
	if f.Local {
		l := &localCall[In, Out]{values: ctx}
		l.f, l.in, l.traits = f, in, f.argTraits()
		at.s.identify(&l.Task, at.run, l)
		start(ctx, at, &l.Task, l)
		return &l.Typed
	}
	if at.s.cfg.Strict {
		if in, err = f.snapshot(at.s, in); err != nil {
			return f.failed(err)
		}
	}
	c := &call[In, Out]{f: f, in: in}
	c.traits, c.bulk = f.argTraits(), f.bulkOf(at.s, &c.in)
	at.s.identify(&c.Task, at.run, c)
	start(ctx, at, &c.Task, c)
	return &c.Typed
}

// argTraits says whether an argument can hold Refs.
func (f *Fn[In, Out]) argTraits() traits {
	if f.InRefs.HasRefs() {
		return waits
	}
	return 0
}

// From starts a call when src is ready, with its value.
func (f *Fn[In, Out]) From(ctx context.Context, src *Typed[In]) *Typed[Out] {
	at, err := f.at(ctx)
	if err != nil {
		return f.failed(err)
	}
	c := &fromCall[In, Out]{f: f, src: src, values: ctx}
	c.traits = waits
	at.s.identify(&c.Task, at.run, c)
	start(ctx, at, &c.Task, c)
	return &c.Typed
}

// Call starts a call and waits for its task, which ends when ctx does.
func (f *Fn[In, Out]) Call(ctx context.Context, in In) (Out, error) {
	t := f.Go(ctx, in)
	if !t.Done() {
		at, _ := siteOf(ctx)
		t.s.demand(&t.Task)
		_ = t.wait(at.run, nil, ctx) // without a stop channel it can't fail
	}
	return t.Value()
}

// Unmade is the panic of who uses a Function that is nil, or none that Func or Local has given.
const Unmade = "muster: a Function that nobody has made was called: set it with Func or Local, before its first call"

func (f *Fn[In, Out]) at(ctx context.Context) (site, error) {
	if f.Do == nil {
		panic(Unmade)
	}
	at, err := siteOf(ctx)
	if err == nil && at.s == nil {
		at.s, err = fallback(f.Name)
	}
	return at, err
}

func (f *Fn[In, Out]) failed(err error) *Typed[Out] {
	var zero Out
	return Ready(nil, zero, &TaskError{Func: f.Name, Item: -1, Err: err})
}

// call is a task whose argument is at hand.
type call[In, Out any] struct {
	Typed[Out]
	f  *Fn[In, Out]
	in In
}

func (c *call[In, Out]) Spec() *Spec          { return &c.f.Spec }
func (c *call[In, Out]) Join() (*Task, error) { return nil, nil }

func (c *call[In, Out]) Deps(visit func(*Task)) error { return eachTask(c.f.InRefs, &c.in, visit) }

func (c *call[In, Out]) Exec(r *Run) error { return c.f.exec(r, c.in, &c.out) }

func (c *call[In, Out]) Results(visit func(*Task)) { c.f.results(&c.out, visit) }

func (c *call[In, Out]) Release(drop bool) {
	var in In
	c.in = in
	c.drop(drop)
}

// localCall is a call of a Local, which sees its caller's context values.
type localCall[In, Out any] struct {
	call[In, Out]
	values context.Context
}

func (c *localCall[In, Out]) Exec(r *Run) error {
	r.values = c.values
	return c.call.Exec(r)
}

func (c *localCall[In, Out]) Release(drop bool) {
	c.values = nil
	c.call.Release(drop)
}

// fromCall is a task whose argument is another's value.
type fromCall[In, Out any] struct {
	Typed[Out]
	f      *Fn[In, Out]
	src    *Typed[In]
	values context.Context
}

func (c *fromCall[In, Out]) Spec() *Spec          { return &c.f.Spec }
func (c *fromCall[In, Out]) Join() (*Task, error) { return nil, nil }

func (c *fromCall[In, Out]) Deps(visit func(*Task)) error {
	visit(&c.src.Task)
	return nil
}

func (c *fromCall[In, Out]) Exec(r *Run) error {
	if c.f.Local {
		r.values = c.values
	}
	in := c.src.out
	if r.s.cfg.Strict && !c.f.Local {
		var err error
		if in, err = c.f.copyIn(in); err != nil {
			return err
		}
	}
	return c.f.exec(r, in, &c.out)
}

func (c *fromCall[In, Out]) Results(visit func(*Task)) { c.f.results(&c.out, visit) }

func (c *fromCall[In, Out]) Release(drop bool) {
	c.src, c.values = nil, nil
	c.drop(drop)
}

// exec runs one attempt and keeps its result, unless the attempt was given up meanwhile.
func (f *Fn[In, Out]) exec(r *Run, in In, out *Out) error {
	if r.t.ident != nil && !f.Local {
		return f.recorded(r, in, out)
	}
	return f.plainly(r, in, out)
}

func (f *Fn[In, Out]) plainly(r *Run, in In, out *Out) error {
	v, err := f.invoke(r, in)
	if r.Commit() && err == nil {
		*out = v
	}
	return err
}

// invoke calls the function, with what a strict session and injected faults put around it.
func (f *Fn[In, Out]) invoke(r *Run, in In) (Out, error) {
	if r.s.careful {
		return f.carefully(r, in)
	}
	return f.do(r, in)
}

func (f *Fn[In, Out]) results(out *Out, visit func(*Task)) {
	if f.OutRefs.HasRefs() {
		_ = eachTask(f.OutRefs, out, visit) // a cycle was reported when the value was encoded, or hides no Ref
	}
}

func (t *Typed[T]) drop(really bool) {
	if really {
		var zero T
		t.out = zero
	}
}

// eachTask visits the tasks whose Refs stand in *ptr.
func eachTask(p codec.Finder, ptr any, visit func(*Task)) error {
	return p.EachRef(ptr, func(n *codec.Node) { visit(taskOf(n)) })
}
