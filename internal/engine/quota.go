package engine

import (
	"fmt"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// quota is how many CPUs the tasks may have together that nodes are given: the head says it, if the job or its user has a
// limit. What is above when it shrinks runs to its end. CPUs that a task lends aren't counted, and it gets them back in any
// case.
type quota struct {
	is      protocol.Quota
	limited bool  // there is one
	given   int64 // CPU of the attempts that nodes have and that don't wait
	short   bool  // something ready lacks nothing else; the head has been told
	looked  int64 // when it was told
	counted int64 // when given was counted anew
}

// SetQuota says how much nodes may be given from now on.
func (s *Session) SetQuota(q protocol.Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.carried.quota
	c.is, c.limited = q, q.CPUs >= 0
	if c.short && s.cfg.Carrier != nil {
		s.cfg.Carrier.Wake()
	}
}

// left is how much CPU may be given out still, at most so much. The mutex is held, as for the others below.
func (q *quota) left(most int64) int64 {
	if !q.limited {
		return most
	}
	return max(0, min(most, units(q.is.CPUs)-q.given))
}

// pack is how many tasks are given out for the CPU of one, if that were so many. Two at a time have the next one there when
// one ends, and where there is room its worker runs both: that would be above the quota.
func (q *quota) pack(n int) int {
	if q.limited && n <= 2 {
		return 1
	}
	return n
}

// allows reports whether a task that needs so much could start now.
func (q *quota) allows(cpu int64) bool { return cpu <= q.left(cpu) }

// charge notes what an attempt is given of an offer.
func (q *quota) charge(r *Run, cpu int64) {
	r.away.cpu = cpu
	q.given += cpu
}

// recount counts the whole need of tasks that were given out many at a time since they are short, and aren't.
func (s *Session) recount(now int64) {
	c := &s.carried
	if !c.quota.limited || now-c.quota.counted < int64(recallAfter) {
		return
	}
	c.quota.counted = now
	for r := c.first; r != nil && now-r.start >= int64(recallAfter); r = r.away.after {
		if more := s.m.CPUOf(r.id) - r.away.cpu; more > 0 && !r.away.waits {
			r.away.cpu += more
			c.quota.given += more
		}
	}
}

// refund notes that an attempt is over, or waits and lends its CPUs.
func (q *quota) refund(r *Run) { q.given -= r.away.cpu }

// regain notes that an attempt goes on.
func (q *quota) regain(r *Run) { q.given += r.away.cpu }

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
func (s *Session) isShort(free []int64, offered int64) bool {
	left := free[coordinator.CPU]
	if q := &s.carried.quota; !q.limited || q.left(offered) >= offered {
		return false
	}
	free[coordinator.CPU] = offered
	defer func() { free[coordinator.CPU] = left }()
	short := false
	s.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		short = short || s.m.FitsFar(id, free)
	})
	return short
}

// quotaHold is the need of a task that has been the first of its kind for long and fits the quota, but not what is left of
// it: nothing that comes after it is given out. 0 is for none.
func (s *Session) quotaHold(now int64) coordinator.NeedID {
	q := &s.carried.quota
	if !q.limited {
		return 0
	}
	var best held
	for id, f := range s.carried.holding.firsts {
		if now-f.since < int64(s.holdAfter()) || best.need != 0 && f.num > best.num || !s.isFirst(id, f.num) {
			continue
		}
		if cpu := s.needCPU(id); cpu <= units(q.is.CPUs) && !q.allows(cpu) {
			best = held{need: id, num: f.num}
		}
	}
	return best.need
}

// needCPU is how much CPU a task of a need takes.
func (s *Session) needCPU(id coordinator.NeedID) int64 {
	amounts, _ := s.m.AmountsOf(id)
	for _, a := range amounts {
		if a.Dim == coordinator.CPU {
			return a.N
		}
	}
	return 0
}

// quotaLoad fills in what the head is to know to divide a limit.
func (s *Session) quotaLoad(l *protocol.RenewJob) {
	q := &s.carried.quota
	l.CPUs = float64(q.given) / coordinator.Unit
	if q.limited {
		kept := q.is.CPUs
		l.Quota = &kept
	}
	s.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) {
		cpu := float64(s.needCPU(id)) / coordinator.Unit
		if first := s.isLongest(id); first || l.Needs == 0 {
			l.Needs = cpu
		}
	})
}

// isLongest reports whether what the quota is held for is of a need.
func (s *Session) isLongest(id coordinator.NeedID) bool { return id != 0 && s.quotaHold(s.now()) == id }

// whyQuota says that a need lacks nothing but what the quota leaves, if that is so.
func (s *Session) whyQuota(id coordinator.NeedID) string {
	q := &s.carried.quota
	cpu := s.needCPU(id)
	if cpu == 0 || q.allows(cpu) {
		return ""
	}
	text := fmt.Sprintf("it needs %v CPUs, and the job has %v of %v that it may have now: %s",
		float64(cpu)/coordinator.Unit, float64(q.given)/coordinator.Unit, q.is.CPUs, q.is.Why)
	if most := units(q.is.Limit); most > 0 && cpu > most {
		text += "; so it can't start before that is raised"
	}
	return text
}
