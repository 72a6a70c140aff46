package cluster_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// scale is how long things take: in CI as short as a busy machine bears, and with MUSTER_CHAOS=full as a cluster has them
// by default.
type scale struct {
	ages      protocol.Ages
	away, cut time.Duration // the head, and an agent
}

func scaleOf() scale {
	if os.Getenv("MUSTER_CHAOS") == "full" {
		return scale{protocol.Ages{Renew: 5 * time.Second, Dead: 15 * time.Second, Ask: 3 * time.Second}, time.Minute, 10 * time.Second}
	}
	return scale{cluster.Ages, 2 * cluster.Ages.Dead, 3 * cluster.Ages.Dead}
}

// mayRepeat is how much of a phase may be executed more often than once: what ran in the process that was killed.
type mayRepeat struct {
	rare  int // tasks that take long or call others
	cheap int // tasks of a microsecond, of which a worker has many at once
	items int // of the Map
}

// What a node of two CPUs may have: two batches of two tasks of some milliseconds for each CPU, or of 256 cheap ones, and
// parents that wait, which hold no CPU.
const (
	rareInHand  = chaosHeld + 8 + chaosParents
	cheapInHand = 2 * 2 * 256
	itemsInHand = 2048 // a Map's chunks are as long as they take some milliseconds, and there are few of them
)

// TestChaos kills each part of a cluster while a job runs, and counts what that costs.
func TestChaos(t *testing.T) {
	r := newChaosRun(t, func(o cluster.Options) *cluster.Procs { return cluster.Processes(t, 3, o) })
	r.run([]fault{
		{"a worker is killed", r.killWorker, mayRepeat{rareInHand, cheapInHand, itemsInHand}},
		{"an agent is killed", r.killAgent, mayRepeat{rareInHand, cheapInHand, itemsInHand}},
		{"the head is killed", r.killHead, mayRepeat{}},
		{"the driver is killed", r.killDriver, mayRepeat{chaosParents, 0, itemsInHand}},
		{"an agent is cut off", r.cutOff, mayRepeat{rareInHand, cheapInHand, itemsInHand}},
	})
}

// fault is what is done in a phase, and what may be executed again for it.
type fault struct {
	name string
	do   func(k int)
	most mayRepeat
}

func newChaosRun(t *testing.T, start func(cluster.Options) *cluster.Procs) *chaosRun {
	t.Helper()
	r := &chaosRun{t: t, dir: filepath.Join(t.TempDir(), "ran"), sc: scaleOf()}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.c = start(cluster.Options{Ages: r.sc.ages})
	return r
}

// run runs the job, and does one thing after the other to it.
func (r *chaosRun) run(faults []fault) {
	r.t.Helper()
	t := r.t
	r.driver = r.c.Run(chaos, "chaos", r.dir)
	for k, f := range faults {
		began := time.Now()
		r.hear(fmt.Sprint("phase ", k))
		f.do(k)
		t.Logf("%s: after %v", f.name, time.Since(began).Round(time.Millisecond))
	}
	r.hear("done")
	r.driver.Wait(patience)
	for k, f := range faults {
		r.judge(k, f.name, f.most)
	}
}

// chaosRun is one run of the chaos job.
type chaosRun struct {
	t      *testing.T
	c      *cluster.Procs
	dir    string
	sc     scale
	driver *cluster.Driving

	submitted *cluster.Submitted // the driver, if the cluster runs it
}

// hear waits for the driver to say something.
func (r *chaosRun) hear(line string) {
	r.t.Helper()
	limit := time.AfterFunc(patience, r.describe)
	defer limit.Stop()
	next := func(within time.Duration) string {
		if r.submitted != nil {
			return r.submitted.Next(within)
		}
		return r.driver.Next(within)
	}
	for next(patience+10*time.Second+r.sc.away) != line {
	}
}

// open lets the tasks of a phase go on that are held.
func (r *chaosRun) open(k int) {
	r.t.Helper()
	if err := os.WriteFile(gateOf(r.dir, k), nil, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *chaosRun) ledgers() map[int][]uint32 {
	r.t.Helper()
	return ledgersIn(r.t, r.dir)
}

// ledgersIn gives which tasks each process has executed.
func ledgersIn(t *testing.T, dir string) map[int][]uint32 {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int][]uint32{}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(f.Name())
		for ; len(data) >= 4; data = data[4:] {
			all[pid] = append(all[pid], binary.LittleEndian.Uint32(data))
		}
	}
	return all
}

// holders waits until all held tasks of a phase run, each of them n times, and gives the processes of the last ones.
func (r *chaosRun) holders(k, n int, which ...uint32) (pids []int) {
	r.t.Helper()
	if which == nil {
		for i := range chaosHeld {
			which = append(which, uint32(k*chaosPhase+i)) //nolint:gosec // of chaosTasks
		}
	}
	limit := time.After(patience + r.sc.ages.Dead)
	look := time.NewTicker(20 * time.Millisecond) // the workers can't tell: nobody listens who isn't killed
	defer look.Stop()
	for {
		pids = pids[:0]
		for pid, ran := range r.ledgers() {
			for _, x := range ran {
				if slices.Contains(which, x) {
					pids = append(pids, pid)
				}
			}
		}
		if len(pids) >= n*len(which) {
			return pids
		}
		select {
		case <-look.C:
		case <-limit:
			r.describe()
			r.t.Fatalf("phase %d: the held tasks run %d times, not %d", k, len(pids), n*len(which))
		}
	}
}

// describe logs what the head knows.
func (r *chaosRun) describe() {
	var nodes []protocol.NodeInfo
	r.c.Ask(protocol.OpListNodes, nil, &nodes)
	for _, n := range nodes {
		r.t.Logf("%s (%s): %d workers, %d tasks, %v CPUs free", n.Name, n.Node, n.Workers, n.Running, n.FreeCPU)
	}
	var jobs []protocol.JobInfo
	r.c.Ask(protocol.OpListJobs, nil, &jobs)
	for _, j := range jobs {
		r.t.Logf("job %s, epoch %d, %s: %+v", j.Job, j.Epoch, j.State, j.Load)
	}
}

// nodeOf is the node of one of the processes, and which held tasks of the phase it has.
func (r *chaosRun) nodeOf(k int, pids []int) (node, pid int, tasks []uint32) {
	r.t.Helper()
	for i := range 3 {
		for _, p := range r.c.Workers(i) {
			if !slices.Contains(pids, p) {
				continue
			}
			for _, x := range r.ledgers()[p] {
				if int(x)/chaosPhase == k && int(x)%chaosPhase < chaosHeld {
					tasks = append(tasks, x)
				}
			}
			return i, p, tasks
		}
	}
	r.t.Fatal("no node has any of the processes")
	return 0, 0, nil
}

// await waits until a good part of a phase's tasks are done, so that what comes then comes while many are on their way.
func (r *chaosRun) await(k int) {
	r.t.Helper()
	limit := time.After(patience)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		n := 0
		for _, ran := range r.ledgers() {
			for _, x := range ran {
				if int(x)/chaosPhase == k {
					n++
				}
			}
		}
		if n >= chaosPhase/5 {
			r.t.Logf("phase %d: %d of %d tasks were executed before", k, n, chaosPhase)
			return
		}
		select {
		case <-look.C:
		case <-limit:
			r.t.Fatalf("phase %d: only %d tasks were executed", k, n)
		}
	}
}

func (r *chaosRun) killWorker(k int) {
	_, pid, tasks := r.nodeOf(k, r.holders(k, 1))
	r.await(k)
	kill(r.t, pid)
	r.holders(k, 2, tasks...)
	r.open(k)
}

// killAgent starts the agent again when its tasks run elsewhere.
func (r *chaosRun) killAgent(k int) {
	node, _, tasks := r.nodeOf(k, r.holders(k, 1))
	r.await(k)
	r.c.KillAgent(node)
	r.holders(k, 2, tasks...)
	r.c.StartAgent(node)
	r.open(k)
}

// killHead lets tasks end while the head is away.
func (r *chaosRun) killHead(k int) {
	r.holders(k, 1)
	r.await(k)
	r.c.KillHead()
	r.open(k)
	<-time.After(r.sc.away)
	r.c.StartHead()
}

// killDriver lets tasks end that the next driver has adopted.
func (r *chaosRun) killDriver(k int) {
	r.holders(k, 1)
	r.await(k)
	r.driver.Kill()
	r.driver = r.c.Run(chaos, "chaos", r.dir)
	r.hear(fmt.Sprint("phase ", k))
	r.open(k)
}

// cutOff lets tasks go on that run twice, the first of them where nobody hears of it.
func (r *chaosRun) cutOff(k int) {
	node, _, tasks := r.nodeOf(k, r.holders(k, 1))
	r.await(k)
	r.c.CutOff(node)
	healed := time.After(r.sc.cut)
	if r.sc.cut > r.sc.ages.Dead+r.sc.ages.Ask {
		r.holders(k, 2, tasks...)
	}
	<-healed
	r.c.Heal(node)
	r.open(k)
}

// judge compares how often the tasks of a phase were executed with what may be.
func (r *chaosRun) judge(k int, name string, most mayRepeat) {
	r.t.Helper()
	times := make([]int, chaosPhase)
	for _, ran := range r.ledgers() {
		for _, x := range ran {
			if int(x)/chaosPhase == k {
				times[int(x)%chaosPhase]++
			}
		}
	}
	var more mayRepeat
	const firstChild = chaosHeld + chaosSlow + chaosParents
	for i, n := range times {
		switch {
		case n == 0:
			r.t.Errorf("%s: task %d of phase %d has a result and was never executed", name, i, k)
		case i < firstChild:
			more.rare += n - 1
		case i < firstChild+chaosChildren || i >= firstChild+chaosChildren+chaosItems:
			more.cheap += n - 1
		default:
			more.items += n - 1
		}
	}
	r.t.Logf("%s: executed again: %d that take long or call others, %d cheap ones, %d items of the Map", name, more.rare, more.cheap, more.items)
	if more.rare > most.rare || more.cheap > most.cheap || more.items > most.items {
		r.t.Errorf("%s: executed again %+v, at most %+v may be", name, more, most)
	}
}

// A worker that is killed while it has as many tasks as it may costs no more than those.
func TestKilledBusyWorker(t *testing.T) {
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx, dir := c.Context(), t.TempDir()
	const n = 50_000
	refs := make([]muster.Ref[int], n)
	for i := range refs {
		refs[i] = chaosCheap.Go(ctx, work{dir, i})
	}
	_, _ = refs[n/10].Get(ctx)
	c.KillWorker(0)
	check(t, ctx, refs)
	ran := 0
	for _, tasks := range ledgersIn(t, dir) {
		ran += len(tasks)
	}
	t.Logf("executed again: %d", ran-n)
	if ran > n+cheapInHand {
		t.Errorf("%d executions of %d", ran, n)
	}
}
