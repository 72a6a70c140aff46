package agent

import (
	"math"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/fair"
)

// What a small node divides in whole CPUs is right only over some time: each job has a drift, see fair.Drift.

// driftEvery is how often drifts are brought up to date.
const driftEvery = 100 * time.Millisecond

// driftKept is how much of its drift a job keeps each time while it wants nothing.
const driftKept = 0.8

// drifting is the time that drifts are kept by.
type drifting struct {
	seen    time.Time // when CPU times were brought up to date
	settled time.Time // when drifts were
	users   map[string]float64
	list    []*job // scratch
	jobs    []fair.Job
	values  []float64
}

// drift is what an agent knows of a job's part over time.
type drift struct {
	had   int64   // CPUs, when it was looked last
	spent float64 // CPU time since drifts were brought up to date, in CPUs times seconds
	value float64 // among its user's jobs, in CPUs, from -1 to 1
}

// asPart is which part of the cluster who has a drift is ranked as if having it too. The mutex is held, as for the others
// below.
func (a *Agent) asPart(drift float64) float64 {
	if total := a.ledger.Total.CPU; total > 0 {
		return drift * unit / float64(total)
	}
	return 0
}

// watchShares counts the CPU time that jobs have had: it is called after each change of that.
func (a *Agent) watchShares(now time.Time) {
	d := &a.shares.drift
	passed := now.Sub(d.seen).Seconds()
	d.seen = now
	for _, j := range a.jobs {
		j.drift.spent += float64(j.drift.had) * passed
		j.drift.had = j.used.CPU
	}
	if passed := now.Sub(d.settled); passed >= driftEvery {
		d.settled = now
		a.settleDrifts(now, passed)
	}
}

// settleDrifts brings the drifts up to date of those jobs that want more.
func (a *Agent) settleDrifts(now time.Time, passed time.Duration) {
	s := &a.shares
	d := &s.drift
	d.list, d.jobs, d.values = d.list[:0], d.jobs[:0], d.values[:0]
	for _, j := range a.jobs {
		mean := int64(j.drift.spent / passed.Seconds())
		j.drift.spent = 0
		switch {
		case len(a.jobs) == 1 || passed > time.Minute || s.total == nil:
			j.drift.value = 0
			clear(d.users)
			continue
		case !a.wantsMore(j, now):
			j.drift.value *= driftKept
			continue
		}
		here := j.used.Amounts()
		here.CPU = mean
		used := here.Vector(s.named)
		for i := range min(len(used), len(j.quota.others)) {
			used[i] += j.quota.others[i]
		}
		d.list, d.values = append(d.list, j), append(d.values, j.drift.value)
		d.jobs = append(d.jobs, fair.Job{
			User: j.info.Owner, UserWeight: s.users[j.info.Owner].Weight, Weight: j.quota.weight, Used: used,
		})
	}
	d.fadeUsers()
	fair.Drift(d.users, d.values, passed.Seconds(), s.total, d.jobs)
	for i, j := range d.list {
		j.drift.value = d.values[i]
	}
	clear(d.list)
}

// fadeUsers has the drifts fade of users of whom no job wants more.
func (d *drifting) fadeUsers() {
	if d.users == nil {
		d.users = map[string]float64{}
	}
	for name, v := range d.users {
		if slices.ContainsFunc(d.jobs, func(j fair.Job) bool { return j.User == name }) {
			continue
		}
		if d.users[name] = v * driftKept; math.Abs(v) < 0.01 {
			delete(d.users, name)
		}
	}
}

// wantsMore reports whether a job would take more of the machine, as far as is known: it isn't refused here, hasn't said that
// it has nothing, and doesn't leave an offer of CPUs unanswered.
func (a *Agent) wantsMore(j *job, now time.Time) bool {
	o := &j.offer
	return j.info != nil && j.refusal == "" && !now.Before(o.rest) && !(o.asked() && !j.hasTurn(now))
}
