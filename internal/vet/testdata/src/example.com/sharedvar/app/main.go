package main

import (
	"context"
	"flag"
	"sync/atomic"

	"example.com/sharedvar/conf"
	"example.com/sharedvar/tasks"
	"github.com/musterrun/muster"
)

var (
	verbose bool
	rate    float64
	shift   int
	names   = []string{"a"}
	state   counter
	hits    atomic.Int64
	total   atomic.Int64
	onlyRun int
	hook    func(int) int
)

type counter struct{ n int }

func (c *counter) add(n int) { c.set(c.n + n) }
func (c *counter) set(n int) { c.n = n }
func (c *counter) get() int  { return c.n }

func main() {
	flag.BoolVar(&verbose, "v", false, "")
	flag.Parse()
	rate = 0.5 // each worker does that too
	muster.Main(run)
}

var (
	work = muster.Func("work", muster.Plain(func(x int) int {
		if verbose && rate > 0.1 {
			return -1
		}
		return x + shift + len(names) + state.get() + int(hits.Load()) + hook(x)
	}))
	count = muster.Local(muster.Plain(func(x int) int { return onlyRun }))
	tally = muster.Func("tally", muster.Plain(func(x int) int { total.Add(1); return x }))
)

var (
	seen   int
	setter = muster.Func("setter", muster.Plain(func(x int) int { seen = x; return x })) // want `app.seen is written while tasks run \(main.go:\d+\) and read by Func "getter"`
	getter = muster.Func("getter", muster.Plain(func(x int) int { return seen }))
)

func run(ctx context.Context) error {
	shift = 3                              // want `app\.shift is written while tasks run \(main.go:\d+\) and read by Func "work" \(main.go:\d+\): in another process it has its initial value; pass it in the argument, or set it in init or before Main`
	names[0] = "b"                         // want `app.names is written`
	state.add(1)                           // want `app.state is written`
	hits.Store(2)                          // want `app.hits is written`
	hook = double                          // want `app.hook is written`
	onlyRun = 4                            // read by a Local function: it is in this process
	total.Store(0)                         // written by tally, and read by nobody else
	conf.Grow()                            // want `conf.list is written while tasks run \(example.com/sharedvar/conf/conf.go:\d+\) and read by Func "len" \(example.com/sharedvar/conf/conf.go:\d+\)`
	conf.Fill(conf.Table)                  // want `conf.Table is written`
	if err := conf.Load(nil); err != nil { // want `conf.Limit is written` `conf.Settings is written`
		return err
	}
	tasks.Lookup("x")
	_, err := muster.Gather(ctx, work.Go(ctx, 1), count.Go(ctx, total1())).Get(ctx)
	return err
}

func total1() int { return int(total.Load()) }

func double(x int) int { return 2 * x }
