//go:build unix

package agent

import (
	"testing"
	"time"
)

// run lets the jobs have so many CPUs for some time, in which the agent looks now and then.
func (a *Agent) run(from time.Time, lasts time.Duration, cpus map[string]int64) time.Time {
	a.watchShares(from)
	for id, n := range cpus {
		a.jobs[id].used.CPU = n * unit
	}
	for ; lasts > 0; lasts -= 50 * time.Millisecond {
		a.watchShares(from)
		from = from.Add(50 * time.Millisecond)
	}
	a.watchShares(from)
	return from
}

// driftOf is by how many CPUs a job and its user have had too much.
func (a *Agent) driftOf(id string) float64 {
	return a.jobs[id].drift.value + a.shares.drift.users[a.jobs[id].info.Owner]
}

// Who has had more than its part over time comes after who has had less, with as much at the moment; but not for long.
func TestDriftsDecideBetweenEqualShares(t *testing.T) {
	a := sharing("a1", "b1")
	now := time.Now()
	a.wantOrder(t, "at first", "a1", "b1")
	now = a.run(now, time.Second, map[string]int64{"a1": 3, "b1": 1})
	a.run(now, 0, map[string]int64{"a1": 2, "b1": 2})
	a.wantOrder(t, "after a1 had more", "b1", "a1")
	now = a.run(now, time.Second, map[string]int64{"a1": 3, "b1": 1})
	a.run(now, 0, map[string]int64{"a1": 1, "b1": 3})
	a.wantOrder(t, "a drift of a CPU doesn't outdo two", "a1", "b1")
	now = a.run(now, 3*time.Second, map[string]int64{"a1": 1, "b1": 3})
	a.run(now, 0, map[string]int64{"a1": 2, "b1": 2})
	a.wantOrder(t, "after b1 had more", "a1", "b1")
}

// Two jobs of a user drift apart, and the user doesn't; of equal ones who has waited longest comes first.
func TestDriftsOfAUsersJobs(t *testing.T) {
	a := sharing("a1", "a2", "b1")
	a.rank()
	now := a.run(time.Now(), time.Second, map[string]int64{"a1": 2, "b1": 2})
	if a.jobs["a1"].drift.value < 0.4 || a.shares.drift.users["a"] > 1e-6 || a.shares.drift.users["a"] < -1e-6 {
		t.Errorf("the job drifts by %v, its user by %v", a.jobs["a1"].drift.value, a.shares.drift.users["a"])
	}
	a.run(now, 0, map[string]int64{"a1": 1, "a2": 1, "b1": 2})
	a.jobs["a1"].offer.gave = now
	a.wantOrder(t, "a1 was given something last", "b1", "a2", "a1")
}

// A job that wants nothing is no measure for others, and its own drift fades.
func TestDriftsOfThoseThatWantMore(t *testing.T) {
	a := sharing("a1", "b1", "c1")
	a.rank() // until then it knows of no cluster
	now := time.Now()
	a.jobs["c1"].offer.rest = now.Add(time.Hour)
	now = a.run(now, time.Second, map[string]int64{"a1": 2, "b1": 2})
	for _, id := range []string{"a1", "b1", "c1"} {
		if v := a.driftOf(id); v > 1e-6 || v < -1e-6 {
			t.Errorf("%s drifts by %v with its part", id, v)
		}
	}
	now = a.run(now, time.Second, map[string]int64{"a1": 3, "b1": 1})
	had := a.driftOf("a1")
	a.jobs["a1"].offer.rest = now.Add(time.Hour)
	a.run(now, time.Second, map[string]int64{"a1": 3, "b1": 1})
	if v := a.driftOf("a1"); had < 0.4 || v >= had/2 {
		t.Errorf("the drift was %v, and is %v a second later", had, v)
	}
}
