package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/fair"
)

// Limits of CPUs and memory: the head divides a user's among the user's jobs (cluster/head/quota.go), and drivers keep to
// their quotas (internal/engine/quota.go).

// amounts is so much CPU and memory.
type amounts [2]int64

// dims are the dimensions of amounts.
var dims = [2]coordinator.Dim{coordinator.CPU, coordinator.Memory}

// anything is quotas of which there are none.
var anything = amounts{-1, -1}

// limits are those of each user; 0 for none.
func (c *Config) limits() amounts { return amounts{c.Limit * coordinator.Unit, c.Memory} }

// load is what a driver says of itself when it renews, for its quotas.
type load struct{ given, kept, needs amounts }

// allotment is what a job has of its user's limits, as the head knows.
type allotment struct {
	told  bool
	quota amounts
	has   amounts
	last  int64
	load  load
}

func (a *allotment) heard(l load, now int64) {
	a.load, a.has = l, l.given
	if !a.told && l.kept != anything { // the head that told it is gone
		a.told, a.quota = true, l.kept
	}
	enough := true
	for d, n := range a.quota {
		if a.told && n >= 0 {
			a.has[d] = max(a.has[d], l.kept[d], n)
			enough = enough && l.kept[d] >= l.needs[d]
		}
	}
	if enough {
		a.last = now
	}
}

// allot divides a user's limits anew, and tells the jobs of which the quota changes.
func (h *head) allot(user int) {
	limits := h.s.cfg.limits()
	if limits == (amounts{}) {
		return
	}
	h.divisions++
	list, claims, unheard := h.claims(user, limits)
	for i, grants := range fair.Divide(limits[:], fair.Amounts{coordinator.Unit, 1}, claims) {
		n := anything
		for d, grant := range grants {
			if limits[d] == 0 {
				continue
			}
			if n[d] = grant; unheard && !h.s.has(forgetsQuotas) { // nobody gets more
				n[d] = max(0, min(grant, list[i].allotment.quota[d]))
			}
		}
		if list[i].heard {
			h.grant(list[i], n)
		}
	}
}

// claims are those of a user's jobs; unheard says whether this head hasn't heard some driver yet.
func (h *head) claims(user int, limits amounts) (list []*jobRecord, claims []fair.Claim, unheard bool) {
	for _, j := range h.jobs {
		if j.driver == nil || j.over || j.orphaned || j.job.user != user {
			continue
		}
		list = append(list, j)
		a := &j.allotment
		want := a.load.given
		for d, n := range a.load.needs {
			if n > 0 {
				want[d] = limits[d]
			}
		}
		claims = append(claims, fair.Claim{
			Most: make(fair.Amounts, len(dims)), Has: a.has[:], Least: a.load.needs[:], Want: want[:], Last: a.last,
		})
		unheard = unheard || !j.heard
	}
	return list, claims, unheard
}

// grant notes a job's quota, and tells the driver if it is another.
func (h *head) grant(j *jobRecord, n amounts) {
	a := &j.allotment
	if !a.told || a.quota != n {
		d, epoch := j.driver, j.epoch
		h.s.net.send(h.host, d.host, func() {
			if d.epoch == epoch {
				d.renew()
			}
		})
	}
	a.told, a.quota = true, n
	for d := range n {
		a.has[d] = max(a.has[d], n[d])
	}
}

func (h *head) quota(d *driver) (most amounts, told bool) {
	a := &h.jobs[d.job.n].allotment
	return a.quota, a.told && h.jobs[d.job.n].driver == d
}

// quota is how much the tasks may have together that a driver has given to nodes.
type quota struct {
	told    bool
	most    amounts // below 0 for any
	given   amounts
	short   bool
	looked  time.Duration
	counted time.Duration
}

func (s *session) keepTo(most amounts, told bool) {
	q := &s.quota
	if !told || q.told && q.most == most {
		return
	}
	q.told, q.most = true, most
	s.d.s.within(s.d.life, time.Millisecond, s.d.renew)
	if q.short {
		s.d.wake()
	}
}

func (q *quota) limits(d int) bool { return q.told && q.most[d] >= 0 }

func (q *quota) left(d int, most int64) int64 {
	if !q.limits(d) {
		return most
	}
	return max(0, min(most, q.most[d]-q.given[d]))
}

func (q *quota) allows(need amounts) bool {
	return q.left(0, need[0]) >= need[0] && q.left(1, need[1]) >= need[1]
}

func (q *quota) suffices(need amounts) bool {
	for d, n := range need {
		if q.limits(d) && n > q.most[d] {
			return false
		}
	}
	return true
}

func (q *quota) pack(n int) int {
	if q.limits(0) && n <= 2 {
		return 1
	}
	return n
}

// load is what the head is told of it.
func (s *session) load() load {
	q := &s.quota
	l := load{given: q.given, kept: anything}
	if q.told {
		l.kept = q.most
	}
	s.brain.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		longest := id != 0 && (s.quotaHold(0) == id || s.quotaHold(1) == id)
		for d, n := range s.needsOf(id) {
			if longest || l.needs[d] == 0 {
				l.needs[d] = n
			}
		}
	})
	return l
}

func (s *session) needsOf(id coordinator.NeedID) amounts {
	i := slices.IndexFunc(s.needs, func(n needOf) bool { return n.id == id })
	return amounts{s.needs[i].cpu, s.needs[i].memory}
}

// recount counts the whole need of tasks that were given out many at a time since they are short, and aren't.
func (s *session) recount() {
	now := s.d.s.now
	if !s.quota.limits(0) || now-s.quota.counted < recallAfter {
		return
	}
	s.quota.counted = now
	for at := s.first; at != nil && now-at.start >= recallAfter; at = at.after {
		if more := s.brain.m.CPUOf(at.inst.id) - at.cpu; more > 0 && !at.waits {
			at.cpu += more
			s.quota.given[0] += more
		}
	}
}

// fell has the head told when the quota alone keeps something that is ready.
func (s *session) fell(free, offered []int64) {
	q, now := &s.quota, s.d.s.now
	short := s.isShort(free, offered)
	news := short && (!q.short || now-q.looked >= holdTell)
	if q.short = short; news {
		q.looked = now
		s.d.renew()
	}
}

func (s *session) isShort(free, offered []int64) (short bool) {
	limited := false
	whole := slices.Clone(free)
	for d, dim := range dims {
		if n := offered[dim]; s.quota.left(d, n) < n {
			whole[dim], limited = n, true
		}
	}
	if !limited {
		return false
	}
	s.brain.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		short = short || s.brain.m.FitsFar(id, whole) && !s.brain.m.FitsFar(id, free)
	})
	return short
}

// quotaHold is the need of a task that has waited for long, and fits the quota, but not what is left of a part of it; 0 for
// none.
func (s *session) quotaHold(d int) coordinator.NeedID {
	q := &s.quota
	if !q.limits(d) {
		return 0
	}
	var best heldFor
	for id, f := range s.holds.firsts {
		if s.d.s.now-f.since < holdAfter || best.need != 0 && f.num > best.num || !s.isFirst(id, f.num) {
			continue
		}
		if need := s.needsOf(id); need[d] > q.left(d, need[d]) && q.suffices(need) {
			best = heldFor{need: id, num: f.num}
		}
	}
	return best.need
}

// checkLimit sees that a user's tasks have no more than the limit: those of drivers that haven't changed or been away, that
// haven't waited for others, and aren't so short that they count by their time.
func (s *sim) checkLimit(user int) {
	limits := s.cfg.limits()
	if limits == (amounts{}) {
		return
	}
	var sum amounts
	for _, j := range s.jobs {
		if j.user != user {
			continue
		}
		if d := j.driver; d == nil || s.now-j.changed < time.Minute {
			return
		}
		for _, at := range j.driver.live {
			if at == nil || at.at == nil {
				continue
			}
			for d, n := range at.at.has() {
				sum[d] += n
			}
		}
	}
	for d, limit := range limits {
		if limit > 0 && sum[d] > limit {
			s.fail("tasks of user %d have %d of %s, and the limit is %d", user, sum[d], [...]string{"CPU", "memory"}[d], limit)
		}
	}
}

// has is what an attempt has on its node that counts for limits.
func (at *attempt) has() (n amounts) {
	w := at.on.jobs[at.inst.job.n]
	if w == nil {
		return n
	}
	r := w.tasks[at.wire()]
	if r == nil || !r.began {
		return n
	}
	if n[1] = r.Memory; !r.Lent && !r.waited && r.w.job.program.tasks[r.task].took >= time.Millisecond {
		n[0] = r.CPU
	}
	return n
}
