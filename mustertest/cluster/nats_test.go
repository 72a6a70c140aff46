package cluster_test

import (
	"os"
	"testing"
	"time"

	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// theJob is the job that the one session of a test has opened.
func theJob(t *testing.T, c *cluster.Procs) string {
	t.Helper()
	var jobs []protocol.JobInfo
	c.Ask(protocol.OpListJobs, nil, &jobs)
	if len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	return jobs[0].Job
}

// One of three servers is killed that leads the job's journal: every result is there, and nothing runs twice.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	began := time.Now()
	since := func(what string) { t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond)) }
	s := cluster.ThreeServers(t)
	since("three servers run")
	c := cluster.ProcessesOn(t, s, 2, cluster.Options{})
	ctx, dir := c.Context(), t.TempDir()
	job := theJob(t, c)
	since("a job is open")
	if r := s.Journal(job).Config.Replicas; r != 3 {
		t.Fatalf("the journal has %d replicas", r)
	}
	const n = 3000
	refs := start(ctx, dir, n)
	_, _ = refs[n/4].Get(ctx)
	leader := s.Leader(job)
	s.Kill(leader)
	since("the leader is killed")
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran != n {
		t.Errorf("%d executions of %d", ran, n)
	}
	since("all results are there")
	s.Start(leader)
	check(t, ctx, start(ctx, t.TempDir(), 100))
	since("and more")
}

// A server is cut off from the others and keeps its connections: the node that has one goes to another server, and what it
// couldn't say meanwhile has run elsewhere.
func TestCutOffServer(t *testing.T) {
	t.Parallel()
	s := cluster.ThreeServers(t)
	c := cluster.ProcessesOn(t, s, 2, cluster.Options{})
	const away = 0
	c.Avoid(away) // the test, its sessions, and the head
	c.Move(0, away)
	ctx, dir := c.Context(), t.TempDir()
	const n = 3000
	refs := start(ctx, dir, n)
	_, _ = refs[n/4].Get(ctx)
	s.Isolate(away)
	awaitNodes(t, c, func(alive int) bool { return alive < 2 })
	awaitNodes(t, c, func(alive int) bool { return alive == 2 })
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+unrecorded {
		t.Errorf("%d executions of %d", ran, n)
	}
}

// awaitNodes waits until as many nodes are there as there are to be.
func awaitNodes(t *testing.T, c *cluster.Procs, enough func(alive int) bool) {
	t.Helper()
	limit := time.After(patience)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		var nodes []protocol.NodeInfo
		c.Ask(protocol.OpListNodes, nil, &nodes)
		alive := 0
		for _, n := range nodes {
			if n.Alive {
				alive++
			}
		}
		if enough(alive) {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("%d nodes are there", alive)
		}
	}
}

// awaitRenewal waits until the head has heard of the driver since a time.
func (r *chaosRun) awaitRenewal(since time.Time) {
	r.t.Helper()
	limit := time.After(patience)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		var jobs []protocol.JobInfo
		r.c.Ask(protocol.OpListJobs, nil, &jobs)
		if len(jobs) == 1 && jobs[0].Renewed.After(since) {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			r.t.Fatal("the head hears nothing of the driver")
		}
	}
}

// The chaos test with three NATS servers, of which one is killed at a time, and is back before the next. It takes as long
// as TestChaos, so CI has TestKilledServer instead.
func TestChaosServers(t *testing.T) {
	if os.Getenv("MUSTER_CHAOS") == "" {
		t.Skip("MUSTER_CHAOS isn't set: see scripts/chaos.sh")
	}
	s := cluster.ThreeServers(t)
	r := newChaosRun(t, func(o cluster.Options) *cluster.Procs { return cluster.ProcessesOn(t, s, 3, o) })
	kill := func(which func(leader int) int, also func()) func(k int) {
		return func(k int) {
			r.holders(k, 1)
			r.await(k)
			also()
			i := which(s.Leader(theJob(t, r.c)))
			s.Kill(i)
			r.open(k)
			<-time.After(r.sc.away)
			s.Start(i)
			s.AwaitReplicas(theJob(t, r.c))
		}
	}
	leader := func(leader int) int { return leader }
	nothing := func() {}
	r.run([]fault{
		{"the server that leads the journal is killed", kill(leader, nothing), mayRepeat{}},
		{"another server is killed", kill(func(leader int) int { return (leader + 1) % 3 }, nothing), mayRepeat{}},
		{"the head is killed", func(k int) {
			r.killHead(k)
			r.awaitRenewal(time.Now()) // the job goes on without it; a new driver is refused until it knows whether the old one lives
		}, mayRepeat{}},
		{"the driver is killed", r.killDriver, mayRepeat{chaosParents, 0, itemsInHand}},
		{"the leader and a worker are killed", kill(leader, func() { r.c.KillWorker(0) }), mayRepeat{rareInHand, cheapInHand, itemsInHand}},
	})
}
