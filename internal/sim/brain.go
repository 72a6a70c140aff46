package sim

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

// brain is the coordinator, the real one, with a count of the decisions that it takes. The time that they need is real
// time: of some of them, as reading the clock takes as long as many a decision.
type brain struct {
	m     *coordinator.Machine
	count int
	took  time.Duration // of those that were timed
	timed int
	since time.Time
}

const timeOneOf = 61

func (b *brain) begin() {
	if b.count++; b.count%timeOneOf == 0 {
		b.since = time.Now()
	}
}

func (b *brain) end() {
	if b.count%timeOneOf == 0 {
		b.took += time.Since(b.since)
		b.timed++
	}
}
