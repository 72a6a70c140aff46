package sim

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// How a driver gives tasks to nodes (internal/engine/away.go).

// probe is how many tasks are given for each CPU of a room that others may have taken meanwhile.
const probe = 16

// take gives a node tasks for what it offers. Late is for room that other jobs were offered too, and may have by now.
func (s *session) take(o *protocol.Offer, late bool, b *protocol.Batch) (more bool) {
	on := s.d.s.agent(o.Node)
	s.recount()
	offered := []int64{o.CPU, o.IO, o.Memory}
	free := s.cut(offered)
	held := s.hold(on, free)
	m := s.brain.m
	took := false
	most := o.Most
	if late {
		most = min(most, probe*int(max(1, o.CPU/coordinator.Unit)))
	}
	for pack := 0; len(b.Tasks) < most; {
		had := free[coordinator.CPU]
		s.brain.begin()
		id, ok := m.Take(pack, free, suits)
		s.brain.end()
		if !ok {
			break
		}
		took = true
		if pack == 0 {
			pack = m.PackOf(id)
			most = min(most, s.fairPart(id, pack, o))
		}
		s.handOver(s.callOf(id), on, had-free[coordinator.CPU], b)
	}
	s.fell(free, offered)
	if !took && held == 0 {
		s.recall(on, free)
	}
	s.news()
	return m.ReadyAway() || s.mayRecallAny()
}

// cut is what is free without what is above the quota.
func (s *session) cut(offered []int64) []int64 {
	free := slices.Clone(offered)
	for d, dim := range dims {
		if !s.d.s.has(ignoresQuota) {
			free[dim] = s.quota.left(d, free[dim])
		}
	}
	return free
}

// hold holds what is free for tasks that have waited for long, and gives the need that the node is held for.
func (s *session) hold(on *agent, free []int64) coordinator.NeedID {
	held := s.holdFor(on, free)
	s.brain.m.HoldFar(held)
	for d, dim := range dims {
		if id := s.quotaHold(d); id != 0 {
			s.brain.m.HoldFarOf(dim, id)
		}
	}
	return held
}

// fairPart is how many tasks are given out at once: half of the offer's part of them, as if the cluster had no more than
// twice what the job has now where others are offered the same.
func (s *session) fairPart(first coordinator.ID, pack int, o *protocol.Offer) int {
	if pack <= 1 || s.cpus <= 0 {
		return math.MaxInt
	}
	all := s.cpus * coordinator.Unit
	if o.Shared {
		all = min(all, float64(2*s.quota.given[0]+o.CPU))
	}
	part := float64(1+s.brain.m.ReadyFar(first)) * float64(o.CPU) / all / 2
	return max(int(part), pack/4, 1)
}

// handOver begins an attempt on a node, unless the task's outcome is there or comes without.
func (s *session) handOver(c *call, on *agent, cpu int64, b *protocol.Batch) {
	at := s.begin(c, on)
	at.cpu = cpu
	t := &s.d.job.program.tasks[c.task]
	s.quota.given[0] += cpu
	at.memory = t.memory
	s.quota.given[1] += at.memory
	if exec := s.recorded[c.task]; exec != 0 {
		s.arrive(at, succeeded, exec)
		return
	}
	if t.nature == once && s.begun[c.task] && s.held[c.task] == nil {
		c.maybe = true
		s.arrive(at, canceled, 0)
		return
	}
	if s.adopt(at) {
		return
	}
	s.gave[c.task] = true
	b.Tasks = append(b.Tasks, s.message(at, t))
}

func (s *session) begin(c *call, on *agent) *attempt {
	at := &attempt{inst: c, n: uint32(s.brain.m.Attempt(c.id)), on: on, start: s.d.s.now}
	c.at = at
	s.enlist(at)
	return at
}

// message is the task as the node gets it.
func (s *session) message(at *attempt, t *task) protocol.Task {
	x := protocol.Task{ID: uint64(at.inst.id), Attempt: at.n, Key: keyOf(at.inst.task), Need: protocol.Need{CPU: t.cpu, Memory: t.memory}}
	if at.inst.suspect {
		x.Flags |= protocol.Alone
	}
	if t.nature == once {
		x.Flags |= protocol.Once
	}
	for _, dep := range t.dep {
		if dep >= 0 {
			data := binary.LittleEndian.AppendUint32(nil, s.calls[dep].exec)
			x.Deps = append(x.Deps, protocol.Dep{Key: keyOf(dep), Value: protocol.Value{Form: protocol.Inline, Data: data}})
		}
	}
	return x
}
