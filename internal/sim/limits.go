package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/fair"
)

// Limits of CPUs: the head divides a user's among the user's jobs (cluster/head/quota.go), and drivers keep to their quotas
// (internal/engine/quota.go).

// load is what a driver says of itself when it renews, for its quota; kept is none below 0.
type load struct{ given, kept, needs int64 }

// allotment is what a job has of its user's limit, as the head knows.
type allotment struct {
	told  bool
	quota int64
	has   int64
	load  load
}

func (a *allotment) heard(l load) {
	a.load, a.has = l, l.given
	switch {
	case !a.told && l.kept >= 0: // the head that told it is gone
		a.told, a.quota = true, l.kept
		a.has = max(a.has, l.kept)
	case a.told && l.kept < 0: // it doesn't know yet
		a.has = max(a.has, a.quota)
	case a.told:
		a.has = max(a.has, l.kept, a.quota)
	}
}

// allot divides a user's limit anew, and tells the jobs of which the quota changes.
func (h *head) allot(user int) {
	limit := h.s.cfg.Limit * coordinator.Unit
	if limit == 0 {
		return
	}
	var list []*jobRecord
	var claims []fair.Claim
	unheard := false
	for _, j := range h.jobs {
		if j.driver == nil || j.over || j.orphaned || j.job.user != user {
			continue
		}
		list = append(list, j)
		c := fair.Claim{Has: j.allotment.has, Least: j.allotment.load.needs, Want: j.allotment.load.given}
		if c.Least > 0 {
			c.Want = limit
		}
		claims = append(claims, c)
		unheard = unheard || !j.heard
	}
	for i, n := range fair.Divide(limit, coordinator.Unit, claims) {
		j := list[i]
		a := &j.allotment
		if unheard && !h.s.has(forgetsQuotas) { // nobody gets more
			n = min(n, a.quota)
		}
		if !j.heard {
			continue
		}
		if !a.told || a.quota != n {
			d, epoch := j.driver, j.epoch
			h.s.net.send(h.host, d.host, func() {
				if d.epoch == epoch {
					d.renew()
				}
			})
		}
		a.told, a.quota, a.has = true, n, max(a.has, n)
	}
}

func (h *head) quota(d *driver) (cpus int64, told bool) {
	a := &h.jobs[d.job.n].allotment
	return a.quota, a.told && h.jobs[d.job.n].driver == d
}

// quota is how many CPUs the tasks may have together that a driver has given to nodes.
type quota struct {
	limited bool
	cpus    int64
	given   int64
	short   bool
	looked  time.Duration
	counted time.Duration
}

func (s *session) keepTo(cpus int64, told bool) {
	q := &s.quota
	if !told || q.limited && q.cpus == cpus {
		return
	}
	q.limited, q.cpus = true, cpus
	s.d.s.within(s.d.life, time.Millisecond, s.d.renew)
	if q.short {
		s.d.wake()
	}
}

func (q *quota) left(most int64) int64 {
	if !q.limited {
		return most
	}
	return max(0, min(most, q.cpus-q.given))
}

func (q *quota) pack(n int) int {
	if q.limited && n <= 2 {
		return 1
	}
	return n
}

// load is what the head is told of it.
func (s *session) load() load {
	q := &s.quota
	l := load{given: q.given, kept: -1}
	if q.limited {
		l.kept = q.cpus
	}
	s.brain.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		if first := id != 0 && s.quotaHold() == id; first || l.needs == 0 {
			l.needs = s.needCPU(id)
		}
	})
	return l
}

func (s *session) needCPU(id coordinator.NeedID) int64 {
	i := slices.IndexFunc(s.needs, func(n needOf) bool { return n.id == id })
	return s.needs[i].cpu
}

// recount counts the whole need of tasks that were given out many at a time since they are short, and aren't.
func (s *session) recount() {
	now := s.d.s.now
	if !s.quota.limited || now-s.quota.counted < recallAfter {
		return
	}
	s.quota.counted = now
	for at := s.first; at != nil && now-at.start >= recallAfter; at = at.after {
		if more := s.brain.m.CPUOf(at.inst.id) - at.cpu; more > 0 && !at.waits {
			at.cpu += more
			s.quota.given += more
		}
	}
}

// fell has the head told when the quota alone keeps something that is ready.
func (s *session) fell(free []int64, offered int64) {
	q, now := &s.quota, s.d.s.now
	short := q.limited && q.left(offered) < offered && s.fitsAll(free, offered)
	news := short && (!q.short || now-q.looked >= holdTell)
	if q.short = short; news {
		q.looked = now
		s.d.renew()
	}
}

func (s *session) fitsAll(free []int64, offered int64) (fits bool) {
	left := free[coordinator.CPU]
	free[coordinator.CPU] = offered
	s.brain.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		fits = fits || s.brain.m.FitsFar(id, free)
	})
	free[coordinator.CPU] = left
	return fits
}

// quotaHold is the need of a task that has waited for long and fits the quota, but not what is left of it; 0 for none.
func (s *session) quotaHold() coordinator.NeedID {
	q := &s.quota
	if !q.limited {
		return 0
	}
	var best heldFor
	for id, f := range s.holds.firsts {
		if s.d.s.now-f.since < holdAfter || best.need != 0 && f.num > best.num || !s.isFirst(id, f.num) {
			continue
		}
		if cpu := s.needCPU(id); cpu <= q.cpus && cpu > q.left(cpu) {
			best = heldFor{need: id, num: f.num}
		}
	}
	return best.need
}

// checkLimit sees that a user's tasks have no more than the limit: those of drivers that haven't changed or been away, that
// haven't waited for others, and aren't so short that they count by their time.
func (s *sim) checkLimit(user int) {
	limit := s.cfg.Limit * coordinator.Unit
	if limit == 0 {
		return
	}
	sum := int64(0)
	for _, j := range s.jobs {
		if j.user != user {
			continue
		}
		if d := j.driver; d == nil || s.now-j.changed < time.Minute {
			return
		}
		for _, at := range j.driver.live {
			if at != nil && at.at != nil {
				sum += at.at.has()
			}
		}
	}
	if sum > limit {
		s.fail("tasks of user %d have %d CPU units, and the limit is %d", user, sum, limit)
	}
}

// has is what an attempt has on its node that counts for the limit.
func (at *attempt) has() int64 {
	w := at.on.jobs[at.inst.job.n]
	if w == nil {
		return 0
	}
	r := w.tasks[at.wire()]
	if r == nil || !r.began || r.Lent || r.waited || r.w.job.program.tasks[r.task].took < time.Millisecond {
		return 0
	}
	return r.CPU
}
