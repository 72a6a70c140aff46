package app

import (
	"context"
	"time"

	"example.com/taskctx/help"
	"github.com/musterrun/muster"
)

type pair struct{ A, B muster.Ref[int] }

var base = context.Background()

var inc = muster.Func("inc", muster.Plain(func(x int) int { return x + 1 }))

var (
	sum = muster.Func("sum", func(ctx context.Context, p pair) (int, error) {
		a, err := p.A.Get(context.Background()) // want `a task \(Func "sum"\) uses context.Background\(\): pass the task's own context, which lends its slot while it waits and ends with it`
		if err != nil {
			return 0, err
		}
		if err := p.B.Wait(base); err != nil { // want `uses the package variable base`
			return 0, err
		}
		short, cancel := context.WithTimeout(context.TODO(), time.Second)
		defer cancel()
		b, err := inc.Call(short, a) // want `uses context.TODO\(\)`
		return b, err
	})
	plain = muster.Func("plain", muster.Plain(func(p pair) int {
		ref := inc.Go(context.Background(), 1)                  // want `uses context.Background`
		for range muster.Completed(context.Background(), ref) { // want `uses context.Background`
		}
		return help.Total(p.A) // want `Func "plain" reaches a call that uses context.Background\(\) \(example.com/taskctx/help/help.go:\d+\)`
	}))
	named = muster.Func("named", sumOf)
)

func sumOf(ctx context.Context, p pair) (int, error) { return helper(p.A) }

func helper(r muster.Ref[int]) (int, error) {
	return r.Get(context.Background()) // want `uses context.Background`
}

func captured(ctx context.Context, refs []muster.Ref[int]) error {
	f := muster.Local(func(_ context.Context, i int) (int, error) {
		return refs[i].Get(ctx) // want `a task \(a Local function\) uses ctx, a context from outside of the task's function`
	})
	g := muster.Local(func(ctx context.Context, i int) (int, error) {
		h := muster.Local(func(context.Context, int) (int, error) {
			return inc.Call(ctx, i) // want `uses ctx, a context from outside`
		})
		return h.Call(ctx, i)
	})
	_, err := muster.Gather(ctx, f.Go(ctx, 0), g.Go(ctx, 1)).Get(ctx)
	return err
}

// What follows derives from the task's context, belongs to no task, or can't be told.
type server struct {
	ctx     context.Context
	session *muster.Session
}

func (s *server) handle(_ context.Context, p pair) (int, error) { return p.A.Get(s.ctx) }

func good(s *server) error {
	f := muster.Local(func(ctx context.Context, p pair) (int, error) {
		long, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := p.A.Wait(muster.Lazy(long)); err != nil {
			return 0, err
		}
		c := ctx
		if p.B.IsZero() {
			c = context.Background()
		}
		go func() { _ = p.B.Wait(either(ctx, context.Background())) }()
		return p.B.Get(c)
	})
	own := muster.Local(func(_ context.Context, x int) (int, error) {
		session, ctx, err := muster.Open(context.Background(), muster.Config{})
		if err != nil {
			return 0, err
		}
		defer session.Close()
		return inc.Call(ctx, x)
	})
	h := muster.Local(s.handle)
	_, err := own.Call(context.Background(), help.Total(f.Go(context.Background(), pair{})))
	_ = h
	return err
}

func either(a, b context.Context) context.Context {
	if a.Err() != nil {
		return b
	}
	return a
}

var better = muster.Func("better", func(ctx context.Context, p pair) (int, error) {
	background := context.Background()
	_ = background
	return help.TotalContext(ctx, p.A), nil
})
