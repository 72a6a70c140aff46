package benchmarks

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/musterrun/muster"
)

// Work is what is done for each item. All variants call Do; muster's call it through Func.
type Work struct {
	Name  string
	Cost  time.Duration // of an item, on a core that nobody else uses
	Items int           // of one run of a variant that maps
	Calls int           // of one run of a variant that calls one at a time
	Limit int           // goroutines that may run Do at once; 0 for one per core
	Do    func(int) (int, error)
	Func  *muster.Function[int, int]
}

// Works are the rows of the table. The waiting one stands for a request to a server: 100 of them at once.
var Works = []*Work{
	{Name: "0", Items: 100_000, Calls: 10_000, Do: func(in int) (int, error) { return 2*in + 1, nil }},
	{Name: "1us", Cost: time.Microsecond, Items: 100_000, Calls: 10_000, Do: busy(time.Microsecond)},
	{Name: "100us", Cost: 100 * time.Microsecond, Items: 2_000, Calls: 500, Do: busy(100 * time.Microsecond)},
	{Name: "10ms", Cost: 10 * time.Millisecond, Items: 100, Calls: 10, Do: busy(10 * time.Millisecond)},
	{Name: "10ms-wait", Cost: 10 * time.Millisecond, Items: 2_000, Calls: 10, Limit: waiters, Do: wait(10 * time.Millisecond)},
}

// waiters is how many items of the waiting work are under way at once.
const waiters = 100

func init() {
	for _, w := range Works {
		w.Func = muster.Func("benchmarks."+w.Name, muster.PlainErr(w.Do))
		if w.Limit > 0 {
			w.Func = w.Func.With(muster.IO())
		}
	}
}

// limit is how many goroutines a variant may use.
func (w *Work) limit() int {
	if w.Limit > 0 {
		return w.Limit
	}
	return runtime.GOMAXPROCS(0)
}

// Want is what Do gives for an item.
func Want(in int) int { return 2*in + 1 }

// busy keeps a core busy. The number of steps is fixed, so that time which the machine gives to others counts against
// whoever loses it.
func busy(d time.Duration) func(int) (int, error) {
	return func(in int) (int, error) {
		if spin(int(stepsPerMilli()*d.Nanoseconds()/1e6)) == 0 {
			return 0, errors.New("spin came to zero")
		}
		return Want(in), nil
	}
}

// wait waits without a core.
func wait(d time.Duration) func(int) (int, error) {
	return func(in int) (int, error) {
		time.Sleep(d)
		return Want(in), nil
	}
}

// spin is a chain of dependent steps (xorshift64) that never gives zero, which the compiler doesn't know.
//
//go:noinline
func spin(steps int) uint64 {
	x := uint64(88172645463325252)
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// stepsPerMilli is how many steps of spin take a millisecond, by the fastest of many trials: a slower one was disturbed.
var stepsPerMilli = sync.OnceValue(func() int64 {
	const steps = 100_000
	best := time.Duration(1 << 62)
	for range 200 {
		start := time.Now()
		if spin(steps) == 0 {
			panic("spin gave zero")
		}
		best = min(best, time.Since(start))
	}
	return steps * time.Millisecond.Nanoseconds() / best.Nanoseconds()
})
