package b // want package:`3 tasks, 2 writes`

import (
	"context"

	"facts.test/a"
	"github.com/musterrun/muster"
)

var state a.T

var Task = muster.Func("task", func(_ context.Context, x int) (int64, error) { return a.Now() + int64(a.Read()), nil }) // want Task:`reaches time.Now`

func All(ctx context.Context) error { // want All:`reads facts.test/a.N, reads facts.test/b.Task, reads facts.test/b.state, writes facts.test/a.N, writes facts.test/b.state`
	a.Generic(map[string]int{}, 1)
	state.Both(2)
	_, err := Task.Call(ctx, 1)
	return err
}

func Passed() func() { return a.Write } // want Passed:`reads facts.test/a.M, writes facts.test/a.M, writes facts.test/a.N`

type reader interface{ Read() int }

func Dynamic(r reader, f func()) int { f(); return r.Read() }

func Register(name string, n int) { // want Register:`registers by 110`
	muster.Func(name, muster.Plain(func(x int) int { return x * n }))
}

func Inside() { // want Inside:`reads facts.test/a.N$`
	_ = muster.Local(muster.Plain(func(x int) int { return x + a.N }))
}

func Elsewhere() { // want Elsewhere:`^registers by 0$`
	muster.Func("elsewhere", muster.Plain(func(x int) int { return x + a.N }))
}

func Mode() string { return "x" + a.Mode() + a.Env } // want Mode:`reads facts.test/a.Env, reaches os.Getenv, state of os.Getenv`
