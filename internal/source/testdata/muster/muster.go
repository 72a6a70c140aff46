// Package muster is what the analyser knows of the real one, so that tests needn't compile that.
package muster

import "context"

type Option func()

func Retry(n int) Option { return func() {} }

type Function[In, Out any] struct {
	name string
	do   func(context.Context, In) (Out, error)
}

func Func[In, Out any](name string, fn func(context.Context, In) (Out, error), opts ...Option) *Function[In, Out] {
	return &Function[In, Out]{name, fn}
}

// called is told what functions return, or panic with, in programs that run.
var called = func(name string, out any) {}

func (f *Function[In, Out]) Call(ctx context.Context, in In) (out Out, err error) {
	defer func() {
		said := any(out)
		if r := recover(); r != nil {
			said = r
		}
		called(f.name, said)
	}()
	return f.do(ctx, in)
}

func Plain[In, Out any](fn func(In) Out) func(context.Context, In) (Out, error) {
	return func(_ context.Context, in In) (Out, error) { return fn(in), nil }
}

func PlainErr[In, Out any](fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(_ context.Context, in In) (Out, error) { return fn(in) }
}

type PerKey[K, V any] struct{ open func(K) V }

func PerProcess[K, V any](open func(K) V) *PerKey[K, V] { return &PerKey[K, V]{open} }

func (p *PerKey[K, V]) Get(k K) V { return p.open(k) }

type ActorType[S any] struct{}

func Actor[S any](name string, start func(context.Context) (S, error)) *ActorType[S] { return nil }

type ActorMethod[S, In, Out any] struct{}

func Method[S, In, Out any](a *ActorType[S], name string, fn func(S, In) (Out, error)) *ActorMethod[S, In, Out] {
	return nil
}
