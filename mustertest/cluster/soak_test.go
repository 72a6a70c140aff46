//go:build linux

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/protocol"
)

// A soak is many jobs, one after the other and some at once, while something is killed again and again.
type soak struct {
	jobs, tasks int           // of each
	atOnce      int           // jobs
	pace        time.Duration // from one job's start to the next
	kill        time.Duration // from one kill to the next
	settle      time.Duration // after which a process has the size that it is to keep
	headUntil   time.Duration // after which the head isn't killed any more, so that it gets old
}

func soakOf() soak {
	if os.Getenv("MUSTER_SOAK") == "full" {
		return soak{1000, 10_000, 4, 1200 * time.Millisecond, 5 * time.Second, time.Minute, 5 * time.Minute}
	}
	return soak{12, 2_000, 4, 100 * time.Millisecond, 300 * time.Millisecond, 0, 2 * time.Second}
}

var soakSquare = muster.Func("soak.square", func(_ context.Context, x int) (int, error) { return x * x, nil })

// soaking is a job of a soak: half of its tasks are a Map's items. It fails unless all results are right.
var soaking = Driver("soaking", func(ctx context.Context, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	refs := make([]muster.Ref[int], n/2)
	for i := range refs {
		refs[i] = soakSquare.Go(ctx, i)
	}
	next := n / 2
	for v, err := range soakSquare.Map(ctx, func(yield func(int) bool) {
		for i := n / 2; i < n && yield(i); i++ {
		}
	}) {
		if err != nil || v != next*next {
			return fmt.Errorf("item %d gave %d, %w", next, v, err)
		}
		next++
	}
	if next != n {
		return fmt.Errorf("the Map gave %d items of %d", next-n/2, n-n/2)
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); err != nil || v != i*i {
			return fmt.Errorf("task %d gave %d, %w", i, v, err)
		}
	}
	return nil
})

// TestSoak runs a soak: with MUSTER_SOAK=full 10,000,000 tasks in 1,000 jobs over 20 minutes, with a kill every 5 s, after
// which the processes that weren't killed must be as large as after their first minute, and the disk as full.
func TestSoak(t *testing.T) {
	r := &soakRun{t: t, soak: soakOf(), c: Processes(t, 3, Options{}), began: time.Now(), sizes: map[string]int64{}}
	r.disk = r.used()
	look := time.NewTicker(20 * time.Millisecond) // several processes are waited for
	defer look.Stop()
	for r.done < r.jobs {
		<-look.C
		r.collect()
		r.begin()
		r.disturb()
		r.measure()
	}
	t.Logf("%d tasks in %d jobs within %v; killed: %v; started while the head was away: %d",
		r.jobs*r.tasks, r.jobs, time.Since(r.began).Round(time.Second), r.killed, r.again)
	r.judge()
}

type soakRun struct {
	soak
	t       *testing.T
	c       *Procs
	began   time.Time
	running []soakJob
	started int
	done    int
	last    time.Time // when the last job began
	kills   int
	killed  [4]int   // workers, drivers, agents, heads
	names   []string // of jobs to be started again
	again   int
	headAge time.Time
	disk    int64
	sizes   map[string]int64 // by process, once it has settled
}

// notOpened is the exit code of a program that hasn't got its job.
const notOpened = 2

type soakJob struct {
	name   string
	driver *Driving
}

func (r *soakRun) run(name string) soakJob {
	return soakJob{name, r.c.Run(soaking, name, strconv.Itoa(r.tasks))}
}

// begin starts a job, if it is time.
func (r *soakRun) begin() {
	if r.started < r.jobs && len(r.running) < r.atOnce && time.Since(r.last) >= r.pace {
		name := fmt.Sprint("soak-", r.started+r.again)
		if n := len(r.names); n > 0 {
			name, r.names = r.names[n-1], r.names[:n-1]
		}
		r.running = append(r.running, r.run(name))
		r.started++
		r.last = time.Now()
	}
}

// collect takes the jobs that have ended, and removes what the cluster keeps of them.
func (r *soakRun) collect() {
	r.t.Helper()
	r.running = slices.DeleteFunc(r.running, func(j soakJob) bool {
		if !j.driver.isOver() {
			return false
		}
		if j.driver.cmd.ProcessState.ExitCode() == notOpened && r.again < r.atOnce*r.killed[3] {
			r.again++ // it was started while the head was away, and says so: it is started again
			r.started--
			r.names = append(r.names, j.name)
			j.driver.free()
			return true
		}
		j.driver.Wait(time.Second) // it has ended
		j.driver.free()
		r.c.Ask(protocol.OpRemoveJob, protocol.JobID{Job: j.name}, nil)
		if err := os.RemoveAll(filepath.Join(r.c.dir, "cache", "jobs", j.name)); err != nil { // the driver's own record
			r.t.Error(err)
		}
		r.c.drivers = slices.DeleteFunc(r.c.drivers, func(d *Driving) bool { return d == j.driver })
		r.done++
		return true
	})
}

// disturb kills something, if it is time: a worker, a driver, the first agent, the head.
func (r *soakRun) disturb() {
	if time.Since(r.began) < time.Duration(r.kills+1)*r.kill {
		return
	}
	what := r.kills % len(r.killed)
	workers := append(r.c.Workers(1), r.c.Workers(2)...)
	if what == 0 && len(workers) == 0 || what == 1 && len(r.running) == 0 {
		return // there will be one
	}
	r.kills++
	switch {
	case what == 0:
		if p, err := os.FindProcess(workers[0]); err == nil {
			_ = p.Kill() // it may have ended by itself
		}
	case what == 1:
		j := &r.running[len(r.running)-1]
		j.driver.Kill()
		*j = r.run(j.name)
	case what == 2:
		r.c.KillAgent(0)
		r.c.StartAgent(0)
	case what == 3 && time.Since(r.began) < r.headUntil:
		r.c.KillHead()
		r.c.StartHead()
		r.headAge = time.Now()
	default:
		return
	}
	r.killed[what]++
}

// processes are those that get old, with how old they are.
func (r *soakRun) processes() map[string]int {
	return map[string]int{"head": r.c.head.cmd.Process.Pid, "agent 2": r.c.agents[1].cmd.Process.Pid, "agent 3": r.c.agents[2].cmd.Process.Pid}
}

// measure notes the sizes of processes that have settled.
func (r *soakRun) measure() {
	for name, pid := range r.processes() {
		since := r.began
		if name == "head" {
			since = later(r.headAge, r.began.Add(r.headUntil))
		}
		if r.sizes[name] == 0 && time.Since(since) >= r.settle {
			r.sizes[name] = residentOf(r.t, pid)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// judge looks at what all that has left.
func (r *soakRun) judge() {
	r.t.Helper()
	for i, n := range r.killed[:3] {
		if n == 0 {
			r.t.Errorf("nothing of kind %d was killed", i)
		}
	}
	used := r.used()
	r.t.Logf("disk: %d KiB at the start, %d KiB at the end", r.disk>>10, used>>10)
	const slack = 16 << 20 // logs, executables, the journal of what happened
	if used > r.disk+slack {
		r.t.Errorf("the cluster keeps %d MiB more than at its start", (used-r.disk)>>20)
	}
	for name, pid := range r.processes() {
		now, then := residentOf(r.t, pid), r.sizes[name]
		r.t.Logf("%s: %d MiB when it had settled, %d MiB at the end", name, then>>20, now>>20)
		if r.settle > 0 && then > 0 && now > then+then/5 {
			r.t.Errorf("%s has grown from %d to %d MiB", name, then>>20, now>>20)
		}
	}
}

// used is how many bytes the head and the agents keep, without executables.
func (r *soakRun) used() (sum int64) {
	r.t.Helper()
	err := filepath.WalkDir(r.c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && (d.Name() == "bin" || d.Name() == "blobs") {
				return fs.SkipDir
			}
			return nil // it has gone meanwhile
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return sum
}

func residentOf(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(data)
	if err != nil || len(fields) < 2 {
		t.Fatalf("the size of process %d: %q, %v", pid, data, err)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
