//go:build unix

package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// A busy node offers its jobs places for I/O. That isn't their turn for the CPU that becomes free then: who has the smallest
// share, by weight, is asked first, and alone, as long as there is time to answer.
func TestTurnsOnABusyNode(t *testing.T) {
	a := sharing("a1", "a2")
	a.cfg.offerAgain = time.Minute
	a.ledger = ledger.New(ledger.Room{CPU: 4 * unit, IO: 10})
	a.learnShares(&protocol.ClusterDigest{Jobs: []protocol.JobDigest{{Job: "a1", Weight: 1}, {Job: "a2", Weight: 4}}})
	for _, j := range a.jobs {
		j.uses(&ledger.Charge{CPU: 2 * unit}, 1)
	}
	now := time.Unix(1000, 0)
	offers := func(what string, want ...string) {
		t.Helper()
		list, _ := a.plan(now)
		var got []string
		for _, j := range list {
			got = append(got, j.id)
			a.makeOffer(j, now)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v are offered room, want %v", what, got, want)
		}
	}
	a.ledger.Free.CPU = 0
	offers("places for I/O", "a2")
	now = now.Add(turn)
	offers("places for I/O", "a1")
	now = now.Add(time.Second)
	offers("nothing new")
	a.jobs["a2"].uses(&ledger.Charge{CPU: unit}, -1)
	a.ledger.Free.CPU = unit
	offers("a CPU is free", "a2")
	now = now.Add(turn / 2)
	offers("it may still answer")
	now = now.Add(turn / 2)
	offers("it hasn't answered", "a1")
	now = now.Add(time.Second)
	offers("both know")
}
