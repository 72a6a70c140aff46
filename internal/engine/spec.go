package engine

import (
	"time"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/internal/journal"
)

// Spec is what the engine knows of a function, whatever its types. It doesn't change once the function is made.
type Spec struct {
	Name  string
	Local bool
	Opts  Options
	reg   *registration // of a registered function
}

// Options are a function's, as the public options set them.
type Options struct {
	CPUs      float64
	IO        bool
	Memory    int64
	Resources []Resource
	Retries   int
	RetryIf   func(error) bool
	First     time.Duration // of the back-off; doubles up to Max
	Max       time.Duration
	Timeout   time.Duration
	Priority  int
	Version   string
	Where     Where         // on a cluster: the nodes that may run it
	Once      bool          // at most one attempt starts
	Isolated  bool          // a worker process of its own
	Cache     *cache.Policy // nil: results aren't cached
}

// Resource is so much of a named resource.
type Resource struct {
	Name string
	N    float64
}

// plain reports whether the need is one CPU and nothing else.
func (o *Options) plain() bool {
	return o.CPUs == 1 && !o.IO && o.Memory == 0 && len(o.Resources) == 0
}

// backoff is the pause after the given attempt.
func (o *Options) backoff(attempt int) time.Duration {
	d := o.First
	for range attempt - 1 {
		if d *= 2; d >= o.Max {
			return o.Max
		}
	}
	return d
}

// Config is a session's, with every default filled in.
type Config struct {
	CPUs        float64
	Concurrency int
	Memory      func() int64 // asked when a function first names Memory
	Resources   map[string]float64
	Strict      bool
	MaxPending  int // tasks that have not ended; 0 for no bound
	Grace       time.Duration
	// ArgumentBytes is how many bytes the arguments of tasks that have not ended may take; 0 for no bound.
	ArgumentBytes int64

	// Carrier takes the tasks of registered functions to other machines; nil: they run here.
	Carrier Carrier
	// UnsatisfiableAfter is how long a task waits for a node that has what it needs; negative: without end.
	UnsatisfiableAfter time.Duration
	// HoldAfter is how long a task is the first of its kind before a node is held for it. 0: 10 s.
	HoldAfter time.Duration
	// Upstream is where a worker's tasks come from, and where the calls go that they make; nil: they run here.
	Upstream Upstream

	// Isolate makes the process of an attempt whose function is Isolated, or says why it can't; it starts nothing, and is
	// also asked to see whether it could. nil: there are none.
	Isolate func() (Apart, error)
	// Only is the number, in the session that has started this worker, of the one task that it is for; 0 for other workers.
	Only uint64

	// Journal keeps the outcomes of a job's tasks; nil without a job.
	Journal        *journal.Journal
	ResumeFailures bool
	// Cache opens the store of cached results; it is asked when the first is wanted, and always gives the same.
	Cache func(report func(cache.Notice)) (*cache.Store, error)
	// Code says which code a function has, and Units what its fingerprint is made of, or nil.
	Code  func(*Spec) Code
	Units func(name string) []byte
}

// Code is the code of a function, as far as it is known.
type Code struct {
	journal.Code        // for the keys of a job
	Fingerprint  string // for the keys of the cache; "" if nothing may be kept
	Warning      error  // why it is the executable's
}
