package engine

import (
	"github.com/musterrun/muster/internal/coordinator"
)

// Strand ends all tasks that run elsewhere, or would, with err: nothing will be heard of them any more.
func (s *Session) Strand(err error) {
	s.mu.Lock()
	s.carried.stranded = err
	s.m.WatchAway(false)
	var runs []*Run
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		if r := s.currentRun(uint64(id)); r != nil {
			runs = append(runs, r)
		}
		return true
	})
	for _, r := range runs {
		if r.Commit() {
			r.final = true
			s.arrived(r, err, coordinator.Fatal, 0, s.now())
		}
	}
	s.refuseAll(err)
	s.flush()
}

// refuseAll ends what is ready to run elsewhere. The mutex is held.
func (s *Session) refuseAll(err error) {
	s.carried.refusal = err
	for again := true; again; {
		again = false
		var ids []coordinator.NeedID
		s.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, _ coordinator.ID) { ids = append(ids, id) })
		for _, id := range ids {
			again = true
			s.m.Refuse(id)
			s.carryOut()
		}
	}
}
