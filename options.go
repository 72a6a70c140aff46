package muster

import (
	"fmt"
	"math"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

// Option says what a Function's tasks need and what happens when they fail. Of two that contradict each other, the
// later one holds. A wrong value, such as a negative one, panics where the option is applied.
type Option struct {
	set func(*engine.Options)
	bad string
}

func option(ok bool, bad string, set func(*engine.Options)) Option {
	if ok {
		bad = ""
	}
	return Option{set, bad}
}

// mostUnits bounds amounts of CPUs and resources: ten thousand times that still fits 64 bits.
const mostUnits = 9e14

// CPUs is how many cores a task keeps busy: fractions are allowed, down to 0.0001. Defaults to 1.
func CPUs(n float64) Option {
	wrong := fmt.Sprintf("CPUs(%v): must be above 0; for functions that wait use IO()", n)
	if n > mostUnits {
		wrong = fmt.Sprintf("CPUs(%v): must be at most %v", n, mostUnits)
	}
	return option(n > 0 && n <= mostUnits, wrong, func(o *engine.Options) {
		o.CPUs, o.IO = n, false
	})
}

// IO is for functions that wait for something else than a core: they aren't bound to cores, but to Config.Concurrency.
func IO() Option {
	return option(true, "", func(o *engine.Options) { o.IO = true })
}

// Memory is how many bytes a task needs. A session starts tasks as long as their sum stays within Config.Memory; it
// doesn't measure what they use. Only a cluster's nodes limit the processes of Isolated tasks to it.
func Memory(bytes int64) Option {
	return option(bytes >= 0, fmt.Sprintf("Memory(%d): must not be negative", bytes), func(o *engine.Options) { o.Memory = bytes })
}

// Resource is how much of one of Config.Resources a task holds while it runs. Zero takes an earlier one back.
func Resource(name string, n float64) Option {
	wrong := fmt.Sprintf("Resource(%q, %v): needs a name and an amount between 0 and %v", name, n, mostUnits)
	return option(name != "" && n >= 0 && n <= mostUnits, wrong, func(o *engine.Options) {
		o.Resources = engine.SetResource(o.Resources, name, n)
	})
}

// GPUs is Resource("gpu", n): how many GPUs a task holds while it runs, fractions included. On a cluster nodes have what
// nvidia-smi lists, or what they were told, and a task that needs some has a worker process of its own, whose
// CUDA_VISIBLE_DEVICES names them.
func GPUs(n float64) Option {
	o := Resource(engine.GPU, n)
	if o.bad != "" {
		o.bad = fmt.Sprintf("GPUs(%v): must be between 0 and %v", n, mostUnits)
	}
	return o
}

// Where bounds which nodes of a cluster may run a task, by their labels: terms that commas separate, all of which must
// hold: name=value, name!=value, name for any value, !name for none. Every node has the labels node, its name, os and
// arch; others are given when it joins. A session without a cluster runs all tasks where it is. Defaults to no bound.
func Where(labels string) Option {
	w, err := engine.ParseWhere(labels)
	bad := ""
	if err != nil {
		bad = fmt.Sprintf("Where(%q): %v", labels, err)
	}
	return option(err == nil, bad, func(o *engine.Options) { o.Where = w })
}

// AtMostOnce is for functions that must not run twice. There are no retries; and if what ran a task is lost, on a cluster
// or with Isolated, or before a job with a name went on, the task fails with ErrMaybeRan instead of running again. It takes
// a round trip more before it starts, or in a job with a name a write to the disk.
func AtMostOnce() Option {
	return option(true, "", func(o *engine.Options) { o.Once = true })
}

// Isolated gives each of a function's tasks a worker process of its own, which ends with it, and with all that it has
// started: for what may crash, leak, or ignore its context. When the process dies, the task runs again, and after three
// that died it fails with the last that was written; with AtMostOnce it fails at once with ErrMaybeRan. A Map makes a
// task of each item.
//
// On a cluster the process is on a node. Without one it is a copy of this program, with the same arguments, environment
// and current directory, that becomes a worker at Main, so the program needs Main, and Linux or macOS; tests need
// mustertest.Main. What it writes goes where the program writes. A cancel, the Timeout and Close kill it at once: nothing
// in it is run any more, deferred calls neither. What the function calls with its context runs where its caller's
// session is, and it lends its CPUs there while it waits.
//
// As on a cluster, arguments and results are encoded, errors keep what was registered of them, and the function sees of
// the program's state what is there when Main is called. It costs the start and the end of a process: 8 ms for a small
// program, more as main does more before Main.
func Isolated() Option {
	return option(true, "", func(o *engine.Options) { o.Isolated = true })
}

// Retries is how many more attempts a task gets when its function returns an error, panics or exceeds its Timeout.
// Defaults to 0. A cancelled task isn't retried, nor one whose dependency failed.
func Retries(n int) Option {
	wrong := fmt.Sprintf("Retries(%d): must be between 0 and %d", n, math.MaxUint16-1)
	return option(n >= 0 && n < math.MaxUint16, wrong, func(o *engine.Options) { o.Retries = n })
}

// RetryIf limits Retries to errors for which it answers true. It must be quick and safe for concurrent use.
// It is asked about the error that the function returned, before it travels; also in strict sessions. A panic or a
// Goexit in it is a no, and the task's error says so. A copy with a RetryIf of its own can't be called by a task that runs
// in a worker, of a cluster or Isolated: that is an error.
func RetryIf(mend func(error) bool) Option {
	return option(mend != nil, "RetryIf(nil): pass a function", func(o *engine.Options) { o.RetryIf = mend })
}

// Backoff is the pause before the second attempt; it doubles for each one after that, up to most. A task that pauses
// holds nothing. Defaults to no pause.
func Backoff(first, most time.Duration) Option {
	return option(first >= 0 && most >= first, fmt.Sprintf("Backoff(%v, %v): needs 0 <= first <= most", first, most), func(o *engine.Options) {
		o.First, o.Max = first, most
	})
}

// Timeout bounds each attempt, from the moment its function starts; time in which the function waits for a Ref doesn't
// count. The function's context ends, and the attempt fails with an error that is context.DeadlineExceeded, and
// wraps what the function returned, once it has returned or Config.Grace is over. Zero, the default, means no bound.
func Timeout(d time.Duration) Option {
	return option(d >= 0, fmt.Sprintf("Timeout(%v): must not be negative", d), func(o *engine.Options) { o.Timeout = d })
}

// Priority lets ready tasks of a higher number start first. Defaults to 0. What a task waits for inherits its priority.
func Priority(n int) Option {
	wrong := fmt.Sprintf("Priority(%d): must fit 32 bits", n)
	return option(n >= math.MinInt32 && n <= math.MaxInt32, wrong, func(o *engine.Options) { o.Priority = n })
}

func defaults() engine.Options { return engine.Options{CPUs: 1} }

func apply(sp *engine.Spec, opts []Option) {
	for _, o := range opts {
		if o.set == nil {
			o.bad = "is the zero Option: make one with CPUs, Retries and the like"
		}
		if o.bad != "" {
			panic(fmt.Sprintf("muster: %s: option %s", sp.Name, o.bad))
		}
		o.set(&sp.Opts)
	}
}
