package cluster_test

import (
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
