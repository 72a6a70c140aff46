package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/protocol"
)

// limits keep workers to what they may have of the machine: each is in a cgroup (version 2) of its own, below one for
// all of them. Nil is none, where that isn't possible. Safe for concurrent use.
//
// A dozen files of a word or two are all there is to it, so there is no library for it (docs/decisions/dependencies.md).
type limits struct {
	node   string
	base   string // the folder of the cgroup for all workers
	memory int64  // what they may have together; 0 for what there is
	last   atomic.Int64
}

// limit is what one worker may have.
type limit struct {
	memory int64 // bytes; 0 for what all workers have together
	weight int64 // of its CPUs among the others'
}

const (
	leastMemory = 64 << 20 // bytes: a program needs them before its function does anything
	mostThreads = 16_384   // of a worker and what it starts
	weightOfCPU = 100      // the kernel's own for a group
	mostWeight  = 10_000
)

// limitOf is the limit of a worker: an isolated task's own memory, else that of all.
func limitOf(k kind, need *protocol.Need, cpus float64) limit {
	l := limit{weight: weightOf(cpus)}
	if k == isolated {
		l.weight = weightOf(float64(need.CPU) / unit)
		if need.Memory > 0 {
			l.memory = max(need.Memory, leastMemory)
		}
	}
	return l
}

func weightOf(cpus float64) int64 { return int64(min(max(cpus, 0.01)*weightOfCPU, mostWeight)) }

// files are what is written to a worker's cgroup. Of all that it starts nothing survives if memory runs out.
func (l limit) files() map[string]string {
	return map[string]string{
		"memory.max": amountOrMax(l.memory), "memory.oom.group": "1",
		"pids.max": strconv.Itoa(mostThreads), "cpu.weight": strconv.FormatInt(l.weight, 10),
	}
}

func amountOrMax(n int64) string {
	if n <= 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

// env has Go's garbage collector keep below the limit, which it doesn't know of otherwise.
func (l limit) env() []string {
	if l.memory <= 0 {
		return nil
	}
	return []string{"GOMEMLIMIT=" + strconv.FormatInt(l.memory/10*9, 10)}
}

// group is a worker's cgroup. Nil is none.
type group struct {
	all    *limits
	limit  limit
	path   string
	before int64 // how often the memory of all workers had run out when it began
}

// make makes a cgroup. An error says why there is none.
func (l *limits) make(of limit) (*group, error) {
	if l == nil {
		return nil, nil //nolint:nilnil // nil is none
	}
	g := &group{all: l, limit: of, path: filepath.Join(l.base, strconv.FormatInt(l.last.Add(1), 10))}
	if err := os.Mkdir(g.path, 0o755); err != nil { //nolint:gosec // the kernel's files have modes of their own
		return nil, fmt.Errorf("limit a worker: %w", err)
	}
	for name, value := range of.files() {
		err := write(g.path, name, value)
		if err != nil && name == "memory.max" { // others may not be there
			g.end()
			return nil, fmt.Errorf("limit a worker: %w", err)
		}
	}
	g.before = count(l.base, "memory.events.local", "oom")
	return g, nil
}

func write(dir, name, value string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644) //nolint:gosec // the kernel's files, which are there
}

// count is a number in one of a cgroup's files of names and numbers; 0 if it isn't there.
func count(dir, file, name string) int64 {
	text, _ := os.ReadFile(filepath.Join(dir, file))
	for line := range strings.Lines(string(text)) {
		if has, n, ok := strings.Cut(strings.TrimSpace(line), " "); ok && has == name {
			v, _ := strconv.ParseInt(n, 10, 64)
			return v
		}
	}
	return 0
}

// take puts a process, and what it starts from now on, into the cgroup.
func (g *group) take(pid int) error {
	if g == nil {
		return nil
	}
	if err := write(g.path, "cgroup.procs", strconv.Itoa(pid)); err != nil {
		return fmt.Errorf("limit a worker: %w", err)
	}
	return nil
}

// killed says that memory was the reason for the end of the worker, if it was.
func (g *group) killed() string {
	if g == nil || count(g.path, "memory.events", "oom_kill") == 0 {
		return ""
	}
	return g.all.words(g.limit, count(g.path, "memory.events", "oom") > 0, count(g.all.base, "memory.events.local", "oom") > g.before)
}

// words name the limit that a worker was killed by: its own, that of all workers, or what the machine has.
func (l *limits) words(of limit, own, all bool) string {
	switch {
	case own && of.memory > 0:
		return fmt.Sprintf("was killed by the memory limit of %s on node %s; give it more by Memory(...)", inBytes(of.memory), l.node)
	case all && l.memory > 0:
		return fmt.Sprintf("was killed by the memory limit of %s for all workers on node %s; say by Memory(...) how much a task needs, "+
			"so that fewer run at once", inBytes(l.memory), l.node)
	}
	return fmt.Sprintf("was killed since node %s had no memory left; say by Memory(...) how much a task needs, "+
		"so that fewer run at once", l.node)
}

// inBytes is a size in the largest unit in which it is a whole number, or nearly.
func inBytes(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// end kills what is left in the cgroup, and removes it.
func (g *group) end() {
	if g != nil {
		_ = removeGroup(g.path) // the next start tries again
	}
}

// removeGroup removes a cgroup with those below it. Processes that were killed may take a moment to leave it.
func removeGroup(path string) error {
	_ = write(path, "cgroup.kill", "1")
	below, _ := filepath.Glob(filepath.Join(path, "*", "cgroup.procs"))
	for _, name := range below {
		_ = removeGroup(filepath.Dir(name))
	}
	for try := 0; ; try++ {
		err := os.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) || try == 100 {
			return err
		}
		time.Sleep(10 * time.Millisecond) // nothing tells when they have
	}
}

// close removes the cgroup for all workers; they have ended.
func (l *limits) close() {
	if l != nil {
		_ = removeGroup(l.base)
	}
}
