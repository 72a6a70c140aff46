package engine

import (
	"time"
)

// Spec is what the engine knows of a function, whatever its types. It doesn't change once the function is made.
type Spec struct {
	Name  string
	Local bool
	Opts  Options
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
	Grace       time.Duration
}
