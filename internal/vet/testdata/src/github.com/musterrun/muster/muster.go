// Package muster has the signatures of the real one, for the tests of the checks. TestStub compares them.
package muster

import (
	"context"
	"iter"
)

type Function[In, Out any] struct{}

func Func[In, Out any](name string, fn func(context.Context, In) (Out, error), opts ...Option) *Function[In, Out] {
	return nil
}

func Local[In, Out any](fn func(context.Context, In) (Out, error), opts ...Option) *Function[In, Out] {
	return nil
}

func Plain[In, Out any](fn func(In) Out) func(context.Context, In) (Out, error) { return nil }
func PlainErr[In, Out any](fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	return nil
}

func PerProcess[K comparable, T any](open func(context.Context, K) (T, error)) func(context.Context, K) (T, error) {
	return nil
}

func (f *Function[In, Out]) With(opts ...Option) *Function[In, Out]                 { return nil }
func (f *Function[In, Out]) Weight(weight func(In) float64) *Function[In, Out]      { return nil }
func (f *Function[In, Out]) CacheKey(key func(In) In) *Function[In, Out]            { return nil }
func (f *Function[In, Out]) CacheValid(valid func(In, Out) bool) *Function[In, Out] { return nil }
func (f *Function[In, Out]) Go(ctx context.Context, in In) Ref[Out]                 { return Ref[Out]{} }
func (f *Function[In, Out]) From(ctx context.Context, in Ref[In]) Ref[Out]          { return Ref[Out]{} }
func (f *Function[In, Out]) Call(ctx context.Context, in In) (Out, error)           { panic(0) }
func (f *Function[In, Out]) Map(ctx context.Context, in iter.Seq[In]) iter.Seq2[Out, error] {
	return nil
}
func (f *Function[In, Out]) Pipe(ctx context.Context, in iter.Seq2[In, error]) iter.Seq2[Out, error] {
	return nil
}
func (f *Function[In, Out]) Unordered(ctx context.Context, in iter.Seq[In]) iter.Seq[Result[In, Out]] {
	return nil
}

type Result[In, Out any] struct {
	Index int
	In    In
	Out   Out
	Err   error
}

type Ref[T any] struct{}

func (r Ref[T]) Get(ctx context.Context) (T, error)       { panic(0) }
func (r Ref[T]) Wait(ctx context.Context) error           { return nil }
func (r Ref[T]) Value() T                                 { panic(0) }
func (r Ref[T]) Done(ctx context.Context) <-chan struct{} { return nil }
func (r Ref[T]) Cancel()                                  {}
func (r Ref[T]) IsZero() bool                             { return false }

func Put[T any](ctx context.Context, v T) Ref[T]                   { return Ref[T]{} }
func Gather[T any](ctx context.Context, refs ...Ref[T]) Ref[[]T]   { return Ref[[]T]{} }
func Split[T any](ctx context.Context, r Ref[[]T], n int) []Ref[T] { return nil }
func Flatten[T any](ctx context.Context, r Ref[Ref[T]]) Ref[T]     { return Ref[T]{} }
func Reduce[T any, S ~[]T](ctx context.Context, f *Function[S, T], refs []Ref[T]) Ref[T] {
	return Ref[T]{}
}
func Completed[T any](ctx context.Context, refs ...Ref[T]) iter.Seq2[int, Ref[T]] { return nil }
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error)                         { return nil, nil }
func Lazy(ctx context.Context) context.Context                                    { return ctx }

type Pending[K, T any] struct{}

func (p *Pending[K, T]) Add(k K, r Ref[T])                                  {}
func (p *Pending[K, T]) Len() int                                           { return 0 }
func (p *Pending[K, T]) Completed(ctx context.Context) iter.Seq2[K, Ref[T]] { return nil }

type Option struct{}

func Retries(n int) Option { return Option{} }
func IO() Option           { return Option{} }

type Config struct{ Strict bool }

func Main(run func(context.Context) error)            {}
func (c Config) Main(run func(context.Context) error) {}

type Session struct{}

func Open(ctx context.Context, c Config) (*Session, context.Context, error) { return nil, nil, nil }
func (s *Session) Context(ctx context.Context) context.Context              { return ctx }
func (s *Session) Close() error                                             { return nil }
