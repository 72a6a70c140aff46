package agent

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// gpus are the machine's, one by one: the ledger counts them, this says which. A task of less than one shares a GPU with
// others; any other has its GPUs alone.
type gpus struct {
	names []string // as CUDA_VISIBLE_DEVICES has them
	free  []int64  // in 1/10,000
	came  bool     // something has become free since tasks that wait for GPUs were last looked at
}

// visibleGPUs is the variable by which programs are told which GPUs are theirs.
const visibleGPUs = "CUDA_VISIBLE_DEVICES"

func newGPUs(n float64) gpus {
	g := gpus{}
	names := strings.FieldsFunc(os.Getenv(visibleGPUs), func(r rune) bool { return r == ',' })
	for i := range int(n) {
		name := strconv.Itoa(i)
		if len(names) >= int(n) {
			name = names[i]
		}
		g.names, g.free = append(g.names, name), append(g.free, unit)
	}
	return g
}

// lease is which GPUs an attempt has.
type lease struct {
	use []int
	n   int64 // of each
}

// take gives so much: a part of the fullest GPU that has it, or whole ones. There may be none though the sum is free.
func (g *gpus) take(n int64) *lease {
	if n < unit {
		best := -1
		for i, free := range g.free {
			if free >= n && (best < 0 || free < g.free[best]) {
				best = i
			}
		}
		if best < 0 {
			return nil
		}
		g.free[best] -= n
		return &lease{[]int{best}, n}
	}
	l := &lease{n: unit}
	for i, free := range g.free {
		if free == unit && int64(len(l.use))*unit < n {
			l.use = append(l.use, i)
		}
	}
	if int64(len(l.use))*unit < n {
		return nil
	}
	for _, i := range l.use {
		g.free[i] = 0
	}
	return l
}

// give takes a lease back. One that is nil is nothing.
func (g *gpus) give(l *lease) {
	if l == nil {
		return
	}
	for _, i := range l.use {
		g.free[i] += l.n
	}
	g.came = true
}

// visible names the GPUs of a lease.
func (g *gpus) visible(l *lease) string {
	names := make([]string, len(l.use))
	for k, i := range l.use {
		names[k] = g.names[i]
	}
	return strings.Join(names, ",")
}

// withGPU is a worker of the job that has the GPUs of a lease, and no others; it is started if there is none. Workers
// that keep one of these GPUs and do nothing are ended: they would keep its memory too. The mutex is held.
func (a *Agent) withGPU(j *job, l *lease) (found *proc) {
	for _, other := range a.jobs {
		for p := range other.others {
			switch {
			case p.gpus == nil || p.last || p.over || p.kind != shared:
			case other == j && slices.Equal(p.gpus.use, l.use):
				found = p
			case p.tasks.len() == 0 && slices.ContainsFunc(p.gpus.use, func(i int) bool { return slices.Contains(l.use, i) }):
				p.last = true
				p.end("its GPU is needed for another task")
			}
		}
	}
	if found == nil {
		found = a.startWith(j, shared, l)
	}
	return found
}

// retryGPUs looks again at the tasks that wait for GPUs, if some have become free. The mutex is held.
func (a *Agent) retryGPUs() {
	if !a.gpus.came {
		return
	}
	a.gpus.came = false
	for _, j := range a.jobs {
		a.dispatch(j)
	}
}
