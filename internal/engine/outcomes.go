package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// outcome is an outcome and the attempt that it is about.
type outcome struct {
	r    *Run
	late bool
	err  error
	res  coordinator.Result
	took time.Duration
}

// Outcomes takes outcomes in the order in which the job's journal has them. What they hold may be kept.
func (s *Session) Outcomes(o *protocol.Outcomes) {
	s.takeOutcomes(o.Node, o.List)
}

func (s *Session) takeOutcomes(node string, list []protocol.Outcome) {
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
	for i := range batch {
		b := &batch[i]
		if b.r == nil {
			continue
		}
		s.arrived(b.r, b.late, b.err, b.res, b.took)
	}
	s.flush()
}

// attemptFor is the running attempt that an outcome settles: its own, or for a success of one that was taken back the
// present one, unless the result holds Refs, which mean nothing beyond their attempt. The mutex is held.
func (s *Session) attemptFor(node string, o *protocol.Outcome) *Run {
	at := protocol.Attempt{Task: o.ID, N: o.Attempt}
	if r := s.runOf(at); r != nil {
		if r.away.node != node {
			return nil
		}
		return r
	}
	if o.Status != protocol.Succeeded || len(o.Refs) > 0 || s.carried.past[at] != node {
		return nil
	}
	r := s.currentRun(o.ID)
	if r != nil {
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
	}
	return r
}

// keepPast remembers which node had an attempt that was taken back: it may have succeeded all the same. The mutex is held.
func (s *Session) keepPast(r *Run) {
	if s.carried.past == nil {
		s.carried.past = map[protocol.Attempt]string{}
	}
	s.carried.past[r.wire()] = r.away.node
	if s.carried.pasts == nil {
		s.carried.pasts = map[coordinator.ID][]uint32{}
	}
	s.carried.pasts[r.id] = append(s.carried.pasts[r.id], uint32(r.attempt))
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

// open decodes an outcome into its task.
func (s *Session) open(b *outcome, o *protocol.Outcome) {
	b.took = max(1, o.Took)
	if b.late = !b.r.Commit(); b.late {
		return
	}
	var err error
	switch o.Status {
	case protocol.Succeeded:
		err = b.r.t.ops.(away).unpack(b.r, &o.Value)
	case protocol.Canceled:
		err = context.Canceled
	default:
		err = failureOf(&o.Value)
	}
	b.res, b.err = b.r.judge(err, err)
}

// measure learns how long tasks run, for how many share a CPU's offer. Of those that come together the median counts:
// on a busy machine some of the shortest take a thousand times as long as the others. The mutex is held.
func (s *Session) measure(batch []outcome) {
	var took []time.Duration
	for i := 0; i < len(batch); {
		took = took[:0]
		id, ok := s.measured(&batch[i])
		first := batch[i].r
		for ; i < len(batch); i++ {
			if next, _ := s.measured(&batch[i]); next != id {
				break
			}
			took = append(took, batch[i].took)
		}
		if ok {
			slices.Sort(took)
			s.m.SetPack(id, s.packOf(first).observe(took[len(took)/2]))
		}
	}
}

// measured is the need of an outcome's task, if its time counts.
func (s *Session) measured(b *outcome) (coordinator.NeedID, bool) {
	if b.r == nil || b.r.t.is(once) {
		return 0, false
	}
	return s.m.NeedOf(b.r.id)
}

// packOf is the measure of a task's function.
func (s *Session) packOf(r *Run) *pack {
	i := int(r.t.ops.Spec().reg.index)
	for i >= len(s.carried.packs) {
		s.carried.packs = append(s.carried.packs, pack{})
	}
	return &s.carried.packs[i]
}

// pack is how many tasks of a function are given out for the CPU of one: two milliseconds' worth, two of medium length so
// that the next one is there when one ends, and one of those that take long.
type pack struct{ mean float64 } // ns

const (
	packAim  = 2 * time.Millisecond
	packLong = 100 * time.Millisecond
)

func (p *pack) observe(took time.Duration) int {
	if p.mean == 0 || float64(took) > 4*p.mean {
		p.mean = float64(took)
	} else {
		p.mean += (float64(took) - p.mean) / 16
	}
	switch {
	case p.mean >= float64(packLong):
		return 1
	case p.mean >= float64(packAim)/3:
		return 2
	default:
		return int(float64(packAim) / p.mean)
	}
}

// Unconfirmed gives out again what a node never said that it has.
func (s *Session) Unconfirmed(node string, tasks []protocol.Attempt) {
	s.mu.Lock()
	for _, a := range tasks {
		if r := s.runOn(node, a); r != nil {
			s.takeBack(r)
		}
	}
	s.flush()
}

// Lost gives out again what a dead node had. What ran on it may have killed it, so it runs alone from now on.
func (s *Session) Lost(node string) {
	s.mu.Lock()
	var runs []*Run
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		if r := s.currentRun(uint64(id)); r != nil && r.away.node == node {
			runs = append(runs, r)
		}
		return true
	})
	for _, r := range runs {
		s.suspect(r.id)
		s.takeBack(r)
	}
	delete(s.carried.nodes, node)
	s.forgetHeld(node)
	s.flush()
}

// takeBack ends an attempt that won't have an outcome. The mutex is held.
func (s *Session) takeBack(r *Run) {
	if !r.fate.CompareAndSwap(running, returned) {
		return // its outcome is being taken, or it was given up
	}
	if r.away.started {
		r.final = true
		s.arrived(r, false, ErrMaybeRan, coordinator.Fatal, 0)
		return
	}
	s.stopTimers(r)
	out, why := s.m.GiveBack(r.id, int(r.attempt))
	if out == coordinator.Ignored {
		return
	}
	r.over = true
	s.keepPast(r)
	s.load.ended(0)
	s.endWaits(r)
	s.handOver(r, false, nil)
	s.linger(r)
	if out == coordinator.Canceled {
		s.settleCanceled(r.t, r, why)
		s.clearRecord(r.id)
		s.carryOut()
		s.forget(r.id)
	}
	r.t.run = nil
	s.release()
}

// gaveBack takes a node's word that an attempt ended without an outcome. The mutex is held.
func (s *Session) gaveBack(r *Run, g *protocol.GiveBack) {
	if g.Reason != protocol.WorkerDied {
		s.takeBack(r)
		return
	}
	s.suspect(r.id)
	if g.Alone {
		if s.carried.deaths == nil {
			s.carried.deaths = map[coordinator.ID]int{}
		}
		s.carried.deaths[r.id]++
	}
	n := s.carried.deaths[r.id]
	if n < maxDeaths {
		s.takeBack(r)
		return
	}
	if !r.Commit() {
		return
	}
	r.final = true
	err := fmt.Errorf("its worker died %d times while it ran alone, last on node %s: %s", n, r.away.node, g.Text)
	s.arrived(r, false, err, coordinator.Fatal, 0)
}

// maxDeaths is how many workers a task may kill before it fails.
const maxDeaths = 3

// suspect has a task run alone from now on. The mutex is held.
func (s *Session) suspect(id coordinator.ID) {
	if s.carried.suspects == nil {
		s.carried.suspects = map[coordinator.ID]bool{}
	}
	s.carried.suspects[id] = true
}

func (s *Session) suspected(r *Run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carried.suspects[r.id]
}

// clearRecord forgets what was held against a task that has ended. The mutex is held.
func (s *Session) clearRecord(id coordinator.ID) {
	if len(s.carried.suspects) > 0 {
		delete(s.carried.suspects, id)
		delete(s.carried.deaths, id)
	}
	if len(s.carried.pasts) > 0 {
		for _, n := range s.carried.pasts[id] {
			delete(s.carried.past, protocol.Attempt{Task: uint64(id), N: n})
		}
		delete(s.carried.pasts, id)
	}
}

// upStarted notes that an attempt begins that must not begin twice.
func (s *Session) upStarted(node string, a protocol.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runOn(node, a); r != nil && r.t.ops.Spec().Opts.Once {
		r.away.started = true
	}
}
