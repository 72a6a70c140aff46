package dispatch

import (
	"slices"
	"time"
)

// Spread is over how many nodes a driver spreads tasks at once whose room is offered to other jobs too: to one at first,
// then to twice as many each time that most have taken what they were given, as TCP's slow start does (RFC 5681). Which
// come first is another order for each driver, and always the same for one (rendezvous hashing; Thaler and Ravishankar,
// 1998). So drivers that begin at the same time don't all give to the same nodes, and each goes on with those where it has
// workers already. Not for concurrent use.
type Spread struct {
	patience time.Duration   // until nodes that don't answer are passed over
	most     int             // nodes that may get something in this step
	given    int             // that got something in it
	taken    int             // of those, that have taken it
	open     map[uint64]bool // numbers of the batches that nobody has confirmed
	late     time.Time       // when the step ends, whatever nodes answer
	pause    time.Duration   // after the last refusal
	rests    time.Time       // until when
}

const (
	minRefused = 20 * time.Millisecond
	maxRefused = time.Second
)

// NewSpread begins. Patience is for how long a step waits for nodes that don't answer.
func NewSpread(patience time.Duration) Spread { return Spread{patience: patience} }

// May reports whether one more node may be given something.
func (s *Spread) May(now time.Time) bool {
	if now.Before(s.rests) {
		return false
	}
	switch {
	case s.most == 0:
		s.begin(1)
	case s.given >= s.most && (s.isAnswered() || !now.Before(s.late)):
		s.pause = 0
		s.begin(2 * s.most)
	}
	return s.given < s.most
}

func (s *Spread) isAnswered() bool { return 2*s.taken >= s.given }

func (s *Spread) begin(most int) {
	s.most, s.given, s.taken = most, 0, 0
	clear(s.open)
}

// Give notes that a node was given a batch.
func (s *Spread) Give(number uint64, now time.Time) {
	if s.open == nil {
		s.open = map[uint64]bool{}
	}
	s.open[number] = true
	s.late = now.Add(s.patience)
	s.given++
}

// Taken notes that a node has a batch, and reports whether May may say yes since.
func (s *Spread) Taken(number uint64) bool {
	if !s.open[number] {
		return false
	}
	delete(s.open, number)
	s.taken++
	return s.given >= s.most && s.isAnswered()
}

// Refused notes that a node's room had gone to others: it begins with one again, later and later.
func (s *Spread) Refused(now time.Time) {
	s.pause = min(max(2*s.pause, minRefused), maxRefused)
	s.rests = now.Add(s.pause)
	s.begin(0)
}

// Reset notes that there is nothing to give: what comes then begins anew.
func (s *Spread) Reset() { s.begin(0) }

// Next is when May may say yes again, whatever nodes answer and becomes ready; zero if time changes nothing.
func (s *Spread) Next(now time.Time) (next time.Time) {
	for _, at := range []time.Time{s.rests, s.late} {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// Contested moves the offers to the end, the preferred ones first, that others have too and that have waited, and gives
// how many come before them.
func Contested(offers []*Parked) (sure int) {
	if !slices.ContainsFunc(offers, (*Parked).contested) {
		return len(offers) // as nearly always
	}
	slices.SortStableFunc(offers, func(a, b *Parked) int {
		switch x, y := a.contested(), b.contested(); {
		case x != y && y:
			return -1
		case x != y:
			return 1
		case x && a.Order < b.Order:
			return -1
		case x && a.Order > b.Order:
			return 1
		}
		return 0
	})
	for sure < len(offers) && !offers[sure].contested() {
		sure++
	}
	return sure
}

func (p *Parked) contested() bool { return p.Shared && p.Waits }
