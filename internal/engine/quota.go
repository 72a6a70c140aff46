package engine

import (
	"fmt"
	"math"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// quota is how much the tasks may have together that nodes are given: the head says it, if the job or its user has a limit.
// What is above when it shrinks runs to its end. CPUs that a task lends aren't counted, and it gets them back in any case.
type quota struct {
	is      map[string]protocol.QuotaOf // by the name of the resource: what isn't there has none
	most    []int64                     // the same by dimension, below 0 for any; none beyond its end
	given   []int64                     // what attempts have that nodes have, by dimension: of CPU, those that don't wait
	offered []int64                     // scratch
	short   bool                        // something ready lacks nothing else; the head has been told
	looked  int64                       // when it was told
	counted int64                       // when what is given of CPU was counted anew
}

// SetQuota says how much nodes may be given from now on.
func (s *Session) SetQuota(q protocol.Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.carried.quota
	c.is, c.most = q.ByName(), nil
	for name, part := range c.is {
		d := s.dimOf(name)
		for int(d) >= len(c.most) {
			c.most = append(c.most, -1)
		}
		c.most[d] = part.N
	}
	if c.short && s.cfg.Carrier != nil {
		s.cfg.Carrier.Wake()
	}
}

// limits is how much all tasks may ever have together, by dimension. The mutex is held.
func (s *Session) limits() []int64 {
	list := make([]int64, len(s.carried.quota.most))
	for d := range list {
		list[d] = math.MaxInt64
	}
	for name, part := range s.carried.quota.is {
		list[s.dimOf(name)] = part.Limit
	}
	return list
}

// dimOf is the dimension of a resource by its name in quotas. The mutex is held, as for the others below.
func (s *Session) dimOf(name string) coordinator.Dim {
	switch name {
	case protocol.NameCPU:
		return coordinator.CPU
	case protocol.NameMemory:
		return coordinator.Memory
	}
	if _, ok := s.dims[name]; !ok {
		s.dims[name] = s.m.AddDim()
	}
	return s.dims[name]
}

// resourceOf is the name of a dimension in quotas; "" for one that can't have any.
func (s *Session) resourceOf(d coordinator.Dim) string {
	switch d {
	case coordinator.CPU:
		return protocol.NameCPU
	case coordinator.IO:
		return ""
	case coordinator.Memory:
		return protocol.NameMemory
	}
	if name := s.name(d); name != protocol.NameCPU && name != protocol.NameMemory {
		return name
	}
	return ""
}

// has is what was given of a dimension.
func (q *quota) has(d coordinator.Dim) int64 {
	if int(d) >= len(q.given) {
		return 0
	}
	return q.given[d]
}

func (q *quota) give(d coordinator.Dim, n int64) {
	for int(d) >= len(q.given) {
		q.given = append(q.given, 0)
	}
	q.given[d] += n
}

// limits reports whether there is a quota of a dimension.
func (q *quota) limits(d coordinator.Dim) bool { return int(d) < len(q.most) && q.most[d] >= 0 }

// left is how much may be given out still, at most so much.
func (q *quota) left(d coordinator.Dim, most int64) int64 {
	if !q.limits(d) {
		return most
	}
	return max(0, min(most, q.most[d]-q.has(d)))
}

// cut takes out of what is free what is above the quota, and gives what was free; nil without a limit.
func (q *quota) cut(free []int64) (offered []int64) {
	if len(q.most) == 0 {
		return nil
	}
	q.offered = append(q.offered[:0], free...)
	for d := range free {
		free[d] = q.left(coordinator.Dim(d), free[d])
	}
	return q.offered
}

// pack is how many tasks are given out for the CPU of one, if that were so many. Two at a time have the next one there when
// one ends, and where there is room its worker runs both: that would be above the quota.
func (q *quota) pack(n int) int {
	if q.limits(coordinator.CPU) && n <= 2 {
		return 1
	}
	return n
}

// allows reports whether a task that needs so much could start now.
func (q *quota) allows(need []coordinator.Amount) bool {
	_, short := q.lacks(need)
	return !short
}

// lacks is what a task needs more of than is left.
func (q *quota) lacks(need []coordinator.Amount) (a coordinator.Amount, short bool) {
	for _, a := range need {
		if a.N > q.left(a.Dim, a.N) {
			return a, true
		}
	}
	return a, false
}

// suffices reports whether a task fits the quota when nothing else is given out.
func (q *quota) suffices(need []coordinator.Amount) bool {
	for _, a := range need {
		if q.limits(a.Dim) && a.N > q.most[a.Dim] {
			return false
		}
	}
	return true
}

// charge notes what an attempt is given of an offer.
func (s *Session) charge(r *Run, cpu int64) {
	r.away.cpu, r.away.given = cpu, true
	s.carried.quota.give(coordinator.CPU, cpu)
	s.giveOthers(r, 1)
}

// giveOthers notes that an attempt has what else it needs, or with a sign of -1 that it hasn't any more.
func (s *Session) giveOthers(r *Run, sign int64) {
	q, o := &s.carried.quota, &r.t.ops.Spec().Opts
	if o.Memory > 0 {
		q.give(coordinator.Memory, sign*o.Memory)
	}
	for i := range o.Resources {
		q.give(s.dims[o.Resources[i].Name], sign*units(o.Resources[i].N))
	}
}

// recount counts the whole need of tasks that were given out many at a time since they are short, and aren't.
func (s *Session) recount(now int64) {
	c := &s.carried
	if !c.quota.limits(coordinator.CPU) || now-c.quota.counted < int64(recallAfter) {
		return
	}
	c.quota.counted = now
	for r := c.first; r != nil && now-r.start >= int64(recallAfter); r = r.away.after {
		if more := s.m.CPUOf(r.id) - r.away.cpu; more > 0 && !r.away.waits {
			r.away.cpu += more
			c.quota.give(coordinator.CPU, more)
		}
	}
}

// refund notes that an attempt lends its CPUs, or is over.
func (q *quota) refund(r *Run) { q.give(coordinator.CPU, -r.away.cpu) }

// regain notes that an attempt goes on.
func (q *quota) regain(r *Run) { q.give(coordinator.CPU, r.away.cpu) }

// fell notes whether the quota alone keeps something that is ready, and has the head told when that is new.
func (s *Session) fell(short bool, now int64) {
	q := &s.carried.quota
	news := short && (!q.short || now-q.looked >= int64(holdTell))
	if q.short = short; news {
		q.looked = now
		s.cfg.Carrier.Renew()
	}
}

// isShort reports whether something ready would fit what was offered, and doesn't fit what the quota leaves of it.
func (s *Session) isShort(free, offered []int64) (short bool) {
	q := &s.carried.quota
	limited := false
	for d := range offered {
		if n := offered[d]; q.left(coordinator.Dim(d), n) < n {
			limited = true
		} else {
			offered[d] = free[d]
		}
	}
	if !limited {
		return false
	}
	s.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		short = short || s.m.FitsFar(id, offered) && !s.m.FitsFar(id, free)
	})
	return short
}

// holdQuota holds what is left of the quota of each resource for a task that has been the first of its kind for long, fits
// the quota, and lacks some of that: nothing that comes after it and needs any of that is given out.
func (s *Session) holdQuota(now int64) {
	for d := range s.carried.quota.most {
		if id := s.quotaHold(coordinator.Dim(d), now); id != 0 {
			s.m.HoldFarOf(coordinator.Dim(d), id)
		}
	}
}

// quotaHold is the need that the quota of a dimension is held for; 0 for none.
func (s *Session) quotaHold(d coordinator.Dim, now int64) coordinator.NeedID {
	q := &s.carried.quota
	if !q.limits(d) {
		return 0
	}
	var best held
	for id, f := range s.carried.holding.firsts {
		if now-f.since < int64(s.holdAfter()) || best.need != 0 && f.num > best.num || !s.isFirst(id, f.num) {
			continue
		}
		need, _ := s.m.AmountsOf(id)
		if n := amountOf(need, d); n > q.left(d, n) && q.suffices(need) {
			best = held{need: id, num: f.num}
		}
	}
	return best.need
}

// amountOf is how much of a dimension is needed.
func amountOf(need []coordinator.Amount, d coordinator.Dim) int64 {
	for _, a := range need {
		if a.Dim == d {
			return a.N
		}
	}
	return 0
}

// quotaLoad fills in what the head is to know to divide limits.
func (s *Session) quotaLoad(l *protocol.RenewJob) {
	q := &s.carried.quota
	has, wants, kept := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for d, n := range q.given {
		if name := s.resourceOf(coordinator.Dim(d)); name != "" && n > 0 {
			has[name] = n
		}
	}
	now := s.now()
	s.m.EachAway(func(id coordinator.NeedID, need []coordinator.Amount, _ uint32, _ coordinator.ID) {
		longest := s.isLongest(id, now)
		for _, a := range need {
			if name := s.resourceOf(a.Dim); name != "" && (longest || wants[name] == 0) {
				wants[name] = a.N
			}
		}
	})
	for name, part := range q.is {
		kept[name] = part.N
	}
	if n, ok := kept[protocol.NameCPU]; ok {
		cpus := float64(n) / coordinator.Unit
		l.Quota = &cpus
	}
	l.CPUs, l.Needs = float64(has[protocol.NameCPU])/coordinator.Unit, float64(wants[protocol.NameCPU])/coordinator.Unit
	for _, m := range []map[string]int64{has, wants, kept} {
		delete(m, protocol.NameCPU)
	}
	l.Has, l.Wants, l.Kept = has, wants, kept
}

// isLongest reports whether what some quota is held for is of a need.
func (s *Session) isLongest(id coordinator.NeedID, now int64) bool {
	for d := range s.carried.quota.most {
		if s.quotaHold(coordinator.Dim(d), now) == id && id != 0 {
			return true
		}
	}
	return false
}

// whyQuota says that a need lacks nothing but what the quota leaves, if that is so.
func (s *Session) whyQuota(id coordinator.NeedID) string {
	q := &s.carried.quota
	need, _ := s.m.AmountsOf(id)
	a, short := q.lacks(need)
	if !short {
		return ""
	}
	name := s.resourceOf(a.Dim)
	part := q.is[name]
	text := fmt.Sprintf("it needs %s, and the job has %s of %s that it may have now: %s", protocol.AmountText(name, a.N),
		protocol.NumberText(name, q.has(a.Dim)), protocol.NumberText(name, part.N), part.Why)
	if part.Limit > 0 && a.N > part.Limit {
		text += "; so it can't start before that is raised"
	}
	return text
}
