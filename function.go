package muster

import (
	"context"
	"iter"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
)

// Function is a typed function that runs as tasks. It is made by Func or Local, doesn't change afterwards and may be
// used by any number of goroutines.
type Function[In, Out any] struct {
	fn engine.Fn[In, Out]
}

// Func registers fn under a name that is unique in the program. It must be called while packages are initialised, as
// in a package-level variable's declaration or an init function, so that every process of the program knows the same
// functions. It panics otherwise, for an empty name or one that is taken, a nil function, a wrong option, and a type
// whose values can't leave a process, and says which field is to blame.
//
// fn gets a context that carries the caller's cancellation and deadline and none of its values. It may be called by
// several goroutines at once, and must not change its argument.
//
// A function that calls itself through its Function is set in init, since Go reports an initialisation cycle otherwise.
func Func[In, Out any](name string, fn func(context.Context, In) (Out, error), opts ...Option) *Function[In, Out] {
	f := &Function[In, Out]{}
	f.fn.Name, f.fn.Do = name, fn
	f.fn.InPlan, f.fn.OutPlan = register[In, Out](name, fn == nil)
	f.fn.InRefs, f.fn.OutRefs = f.fn.InPlan, f.fn.OutPlan
	f.fn.InSize = codec.SizerOf(reflect.TypeFor[In]())
	f.fn.Opts = defaults()
	apply(&f.fn.Spec, opts)
	f.checkCached()
	engine.Register(&f.fn)
	return f
}

// Local makes a Function of any function, closures included, at any time. It has no name, runs in the process that
// calls it, its types may be anything, and its context keeps the caller's values. It panics for a nil function.
func Local[In, Out any](fn func(context.Context, In) (Out, error), opts ...Option) *Function[In, Out] {
	if fn == nil {
		panic("muster: Local of a nil function: pass one")
	}
	f := &Function[In, Out]{}
	f.fn.Name, f.fn.Local, f.fn.Do = "local", true, fn
	f.fn.InRefs, f.fn.OutRefs = codec.FinderOf(reflect.TypeFor[In]()), codec.FinderOf(reflect.TypeFor[Out]())
	f.fn.Opts = defaults()
	apply(&f.fn.Spec, opts)
	f.checkCached()
	return f
}

// made is the function; a nil one is a mistake that panics here, before the runtime's less helpful panic.
func (f *Function[In, Out]) made() *engine.Fn[In, Out] {
	if f == nil {
		panic(engine.Unmade)
	}
	return &f.fn
}

// Plain adapts a function without a context and an error, such as math.Sqrt, for Func and Local.
func Plain[In, Out any](fn func(In) Out) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}
	return func(_ context.Context, in In) (Out, error) { return fn(in), nil }
}

// PlainErr adapts a function without a context, such as os.ReadFile, for Func and Local.
func PlainErr[In, Out any](fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}
	return func(_ context.Context, in In) (Out, error) { return fn(in) }
}

// With is a copy of f with other options; those that aren't named stay.
func (f *Function[In, Out]) With(opts ...Option) *Function[In, Out] {
	g := &Function[In, Out]{fn: *f.made()}
	apply(&g.fn.Spec, opts)
	g.checkCached()
	return g
}

// Weight is a copy of f that knows what an item costs beside others, in any unit: a file's size, the length of a slice.
// Map and its kin use it to give each core about as much. It must be quick; it is called once an item, and what isn't a
// positive number counts as 1.
func (f *Function[In, Out]) Weight(weight func(In) float64) *Function[In, Out] {
	g := &Function[In, Out]{fn: *f.made()}
	g.fn.Weight = weight
	return g
}

// Go starts a task and returns at once. Refs anywhere inside in are waited for first, and their values are at hand when
// fn asks for them; if one of them fails, its error becomes this task's, and fn doesn't run. Every error, a nil context
// included, is reported by the Ref. The task ends when ctx does. About 1 us.
func (f *Function[In, Out]) Go(ctx context.Context, in In) Ref[Out] {
	return Ref[Out]{f.made().Go(ctx, in)}
}

// From starts a task when in is ready, with in's value as its argument. If in fails, its error becomes this task's.
func (f *Function[In, Out]) From(ctx context.Context, in Ref[In]) Ref[Out] {
	return Ref[Out]{f.made().From(ctx, in.typed())}
}

// Call is Go and Get. When ctx ends, it returns the task's own *TaskError, once the function has returned or the grace
// period is over.
func (f *Function[In, Out]) Call(ctx context.Context, in In) (Out, error) {
	return f.made().Call(ctx, in)
}

// Map calls f for each item of in, in parallel, and yields the results in the order of the items. It pulls in as it
// goes, on the ranging goroutine, and holds a bounded number of items however slow the loop is, so in may be endless.
// While in blocks, results wait: write it to watch ctx.
//
// An item's failure, a *TaskError with its index, is yielded in its place and doesn't end the iteration. Leaving the
// loop cancels what hasn't been yielded. When ctx ends, ctx.Err() itself is yielded last, so that an incomplete loop
// doesn't look complete; if in panics, an error that says so is. Nothing starts before the range; ranging twice runs
// twice. A cheap item costs some tens of nanoseconds, since items travel in chunks of up to a millisecond.
func (f *Function[In, Out]) Map(ctx context.Context, in iter.Seq[In]) iter.Seq2[Out, error] {
	return f.made().Map(ctx, engine.All(in))
}

// Pipe is Map over a sequence that may carry errors, such as another Map's results: they keep their place, and f isn't
// called for them.
func (f *Function[In, Out]) Pipe(ctx context.Context, in iter.Seq2[In, error]) iter.Seq2[Out, error] {
	return f.made().Map(ctx, in)
}

// Unordered is Map in the order in which items finish. When ctx ends, a Result with Index -1 and ctx.Err() comes last.
func (f *Function[In, Out]) Unordered(ctx context.Context, in iter.Seq[In]) iter.Seq[Result[In, Out]] {
	return f.made().Unordered(ctx, in)
}

// Result is an item of Unordered. Its fields are
//
//	Index int   // of the item in the input, from 0; -1 for the last one after ctx has ended
//	In    In    // the item
//	Out   Out   // its result; the zero value if Err isn't nil
//	Err   error // a *TaskError, or ctx.Err() itself with Index -1
type Result[In, Out any] = engine.Result[In, Out]
