package muster

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/engine"
)

// Config is a session's set-up. Its zero value works.
type Config struct {
	// Addr is the cluster on which the tasks of registered functions run: the name of a context, an address that stands in
	// one, or the path of an identity's file. Local functions run in this process all the same. It needs Main. Defaults to
	// none: all tasks run in this process; under Main to the environment variable MUSTER_ADDR, which also overrides it. In a
	// program without Main that has the variable, calls without a session are refused.
	Addr string
	// CPUs is how many cores the session keeps busy in this process. Defaults to GOMAXPROCS, which follows the cgroup's quota.
	CPUs float64
	// Concurrency bounds the tasks of IO functions that run at once. Defaults to 1,000.
	Concurrency int
	// Memory is the bytes that tasks with the option Memory share. Defaults to the machine's memory, or the cgroup's
	// limit if that is lower.
	Memory int64
	// Resources are the totals that tasks with the option Resource share. Defaults to none.
	Resources map[string]float64
	// Strict encodes and decodes every argument and result, as another process would, and checks at the end that none
	// was changed after it was passed. It is slow, and for tests. Defaults to false.
	Strict bool
	// MaxPending bounds the tasks that have not ended: Go and its kin wait while there are so many, inside a task with its
	// slot lent. Calls made inside tasks on a cluster's nodes count, and don't wait. Defaults to 2,000,000.
	MaxPending int
	// ArgumentBytes bounds the memory of the arguments of tasks that have not ended, by an estimate: Go and its kin wait
	// while they take more, and Map holds fewer items. As many tasks as can run at once are always let in. Calls made inside
	// tasks count, and don't wait; arguments of Local don't count, nor does what Refs stand for. An argument that many calls
	// share counts for each: Put it once. Defaults to 1 GiB.
	ArgumentBytes int64
	// Grace is how long a cancelled or timed-out function may take to return. Defaults to 10 s.
	Grace time.Duration
	// UnsatisfiableAfter is how long a task waits for a node of the cluster that has what it needs: nodes may join. A
	// warning comes at once. Without a cluster such a task fails at once. Defaults to 60 s; negative means without end.
	UnsatisfiableAfter time.Duration
	// Env are the variables that workers on a cluster get beside PATH, HOME, LANG and the like: NAME passes on what this
	// process has, if it has one, NAME=value sets it. They stand in the job's record, which the head keeps and its admins
	// and nodes can read. Defaults to none.
	Env []string
	// Job names what the session does: each result is recorded in a journal beside the cache, and a session of the same
	// name, in another process, finds it there instead of running its function again. One process at a time can have a
	// job open. Defaults to none; under Main to the environment variable MUSTER_JOB, which also overrides it.
	Job string
	// ResumeFailures lets recorded failures stand too, when a job goes on. Defaults to false: they run again.
	ResumeFailures bool
	// CacheDir is the folder of cached results and of jobs. Defaults to muster in the user's cache folder.
	CacheDir string
	// CacheLimit is how many bytes cached results may take; those used least recently go first. Defaults to 10 GiB or a
	// tenth of the disk, whichever is less.
	CacheLimit int64
	// OnEvent is told of every change of a task's state, in order, from one goroutine at a time. It must be quick: events
	// wait for it in memory, and Close waits until it has seen the last. It may call Ref.Cancel; it must not wait for
	// tasks. Defaults to nil.
	OnEvent func(event.Event)
}

// engine fills the defaults in.
func (c Config) engine() (engine.Config, error) {
	e := engine.Config{
		CPUs: c.CPUs, Concurrency: c.Concurrency, Resources: c.Resources,
		Strict: c.Strict, Grace: c.Grace, Memory: func() int64 { return c.Memory },
	}
	if e.UnsatisfiableAfter = c.UnsatisfiableAfter; e.UnsatisfiableAfter == 0 {
		e.UnsatisfiableAfter = time.Minute
	}
	if c.CPUs == 0 {
		e.CPUs = float64(runtime.GOMAXPROCS(0))
	}
	if e.MaxPending = c.MaxPending; e.MaxPending == 0 {
		e.MaxPending = 2_000_000
	}
	if e.ArgumentBytes = c.ArgumentBytes; e.ArgumentBytes == 0 {
		e.ArgumentBytes = 1 << 30
	}
	if c.Concurrency == 0 {
		e.Concurrency = 1000
	}
	e.Isolate = isolator(e.CPUs)
	if c.Memory == 0 {
		e.Memory = machineMemory
	}
	if c.Grace == 0 {
		e.Grace = 10 * time.Second
	}
	return e, c.check()
}

func (c Config) check() error {
	switch {
	case c.CPUs > mostUnits:
		return fmt.Errorf("muster: Config.CPUs is %v: it must be at most %v", c.CPUs, mostUnits)
	case c.CPUs != 0 && (c.CPUs < 1 || math.IsNaN(c.CPUs)):
		return fmt.Errorf("muster: Config.CPUs is %v: it must be at least 1, or 0 for GOMAXPROCS", c.CPUs)
	case c.Concurrency < 0:
		return fmt.Errorf("muster: Config.Concurrency is %d: it must not be negative", c.Concurrency)
	case c.MaxPending < 0:
		return fmt.Errorf("muster: Config.MaxPending is %d: it must not be negative", c.MaxPending)
	case c.ArgumentBytes < 0:
		return fmt.Errorf("muster: Config.ArgumentBytes is %d: it must not be negative", c.ArgumentBytes)
	case c.Memory < 0:
		return fmt.Errorf("muster: Config.Memory is %d: it must not be negative", c.Memory)
	case c.CacheLimit < 0:
		return fmt.Errorf("muster: Config.CacheLimit is %d: it must not be negative", c.CacheLimit)
	case c.Grace < 0:
		return fmt.Errorf("muster: Config.Grace is %v: it must not be negative", c.Grace)
	}
	for _, entry := range c.Env {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case name == "" || strings.ContainsAny(entry, "\x00"):
			return fmt.Errorf("muster: Config.Env has %q: want NAME or NAME=value", entry)
		case strings.HasPrefix(name, "MUSTER_"):
			return fmt.Errorf("muster: Config.Env has %s: names that begin with MUSTER_ are muster's own", name)
		}
	}
	for name, n := range c.Resources {
		if name == "" || n < 0 || n > mostUnits || math.IsNaN(n) {
			return fmt.Errorf("muster: Config.Resources[%q] is %v: it needs a name and an amount between 0 and %v", name, n, mostUnits)
		}
	}
	return nil
}

// machineMemory is what this process may use: the cgroup's limit or the machine's memory; without a known limit, tasks
// are not held back.
func machineMemory() int64 {
	limit := int64(math.MaxInt64)
	for _, ask := range []memlimit.Provider{memlimit.FromCgroup, memlimit.FromSystem} {
		if n, err := ask(); err == nil && n > 0 && n < math.MaxInt64 {
			limit = min(limit, int64(n))
		}
	}
	return limit
}

// environment are the variables that workers get, NAME=value.
func (c Config) environment() (list []string) {
	for _, entry := range c.Env {
		if strings.Contains(entry, "=") {
			list = append(list, entry)
		} else if value, ok := os.LookupEnv(entry); ok {
			list = append(list, entry+"="+value)
		}
	}
	return list
}
