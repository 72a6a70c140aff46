package engine

import (
	"context"
	"math"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// outcome is an outcome and the attempt that it is about.
type outcome struct {
	r    *Run // nil if it settles none
	err  error
	res  coordinator.Result
	took time.Duration

	stopped bool // before it had ended: how long it would have taken nobody knows
}

// Outcomes takes outcomes in the order in which the job's journal has them. What they hold may be kept.
func (s *Session) Outcomes(o *protocol.Outcomes) {
	node, list := o.Node, o.List
	batch := make([]outcome, len(list))
	s.mu.Lock()
	for i := range list {
		batch[i].r = s.attemptFor(node, &list[i])
	}
	s.mu.Unlock()
	for i := range list {
		if b := &batch[i]; b.r != nil {
			s.open(b, &list[i])
		}
	}
	s.mu.Lock()
	s.measure(batch)
	now := s.now()
	s.observeLag(batch, now)
	for i := range batch {
		b := &batch[i]
		if b.r != nil {
			s.arrived(b.r, b.err, b.res, b.took, now)
		}
	}
	s.flush()
}

// observeLag measures how late a message is. The mutex is held.
func (s *Session) observeLag(batch []outcome, now int64) {
	soonest := time.Duration(math.MaxInt64)
	for i := range batch {
		if r := batch[i].r; r != nil {
			soonest = min(soonest, time.Duration(now-r.start)-batch[i].took)
		}
	}
	if soonest != math.MaxInt64 {
		s.carried.lag.Observe(soonest)
	}
}

// attemptFor is the running attempt that an outcome settles: its own, or for a success of one that was taken back the
// present one, unless the result holds Refs, which mean nothing beyond their attempt. If there is none at present, one is
// begun that ends at once; if an earlier driver's success came meanwhile, that is first, and takes the outcome's place. The
// mutex is held.
func (s *Session) attemptFor(node string, o *protocol.Outcome) *Run {
	at := protocol.Attempt{Task: o.ID, N: o.Attempt}
	if r := s.runOf(at); r != nil {
		if r.away.node != node {
			return nil
		}
		return r
	}
	rec := s.carried.records[coordinator.ID(o.ID)]
	if o.Status != protocol.Succeeded || len(o.Refs) > 0 || rec == nil || rec.nodes[o.Attempt] != node {
		return nil
	}
	r := s.currentRun(o.ID)
	switch id := coordinator.ID(o.ID); {
	case r != nil:
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
	case s.m.Pick(id):
		s.busy++
		r = s.beginAway(id, node, s.now())
		if x := r.t.ident; x != nil && x.known.Load() {
			key := protocol.Key(x.key)
			if first := s.carried.replayed[key]; first != nil {
				delete(s.carried.replayed, key)
				*o = *first
			}
		}
	}
	return r
}

// currentRun is the attempt of a task that runs elsewhere, or nil. The mutex is held.
func (s *Session) currentRun(task uint64) *Run {
	id := coordinator.ID(task)
	if i := id.Index(); i <= 0 || i>>pageBits >= len(s.tasks) {
		return nil
	}
	t := s.taskOf(id)
	if t == nil || t.id != id || t.run == nil || t.run.away == nil || t.run.over {
		return nil
	}
	return t.run
}

// runOf is the attempt of that name, if it runs. The mutex is held.
func (s *Session) runOf(a protocol.Attempt) *Run {
	if r := s.currentRun(a.Task); r != nil && uint32(r.attempt) == a.N {
		return r
	}
	return nil
}

func (r *Run) wire() protocol.Attempt {
	return protocol.Attempt{Task: uint64(r.id), N: uint32(r.attempt)}
}

// open decodes an outcome into its task, unless that was given up or taken back meanwhile.
func (s *Session) open(b *outcome, o *protocol.Outcome) {
	b.took = max(1, o.Took)
	if !b.r.Commit() {
		b.r = nil
		return
	}
	var err error
	switch o.Status {
	case protocol.Succeeded:
		err = b.r.t.ops.(away).unpack(b.r, &o.Value)
	case protocol.Canceled:
		err, b.stopped = context.Canceled, true
	default:
		err = failureOf(&o.Value)
	}
	b.res, b.err = b.r.judge(err, err)
}

// packSamples is how many are measured of the outcomes that come together.
const packSamples = 16

// measure learns how long tasks run, for how many share a CPU's offer. The mutex is held.
func (s *Session) measure(batch []outcome) {
	for i := 0; i < len(batch); {
		id, ok := s.measured(&batch[i])
		end := i + 1
		for ; end < len(batch); end++ {
			if next, _ := s.measured(&batch[end]); next != id {
				break
			}
		}
		if ok {
			p, least := s.packOf(batch[i].r), 1
			if batch[i].r.t.is(once) {
				least = 2 // chunks: the next one is there when one ends
			}
			for step := max(1, (end-i)/packSamples); i < end; i += step {
				p.Observe(batch[i].took)
			}
			s.m.SetPack(id, s.carried.quota.pack(max(p.Size(), least)))
		}
		i = end
	}
}

// measured is the need of an outcome's task, if its time counts. That of an isolated one isn't the time of its process, which
// starts and ends with it; a node starts as many of these at once as it is given tasks, so they don't share a CPU.
func (s *Session) measured(b *outcome) (coordinator.NeedID, bool) {
	if b.r == nil || b.stopped || b.r.t.ops.Spec().Opts.Isolated {
		return 0, false
	}
	return s.m.NeedOf(b.r.id)
}

// packOf is the measure of a task's function, or of the chunks of its Maps.
func (s *Session) packOf(r *Run) *dispatch.Pack {
	i := 2 * int(r.t.ops.Spec().reg.index)
	if r.t.is(once) {
		i++
	}
	for i >= len(s.carried.packs) {
		s.carried.packs = append(s.carried.packs, dispatch.Pack{})
	}
	return &s.carried.packs[i]
}
