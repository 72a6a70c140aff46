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
	now = now.Add(minTurn)
	offers("places for I/O", "a1")
	now = now.Add(time.Second)
	offers("nothing new")
	a.jobs["a2"].uses(&ledger.Charge{CPU: unit}, -1)
	a.ledger.Free.CPU = unit
	offers("a CPU is free", "a2")
	now = now.Add(minTurn / 2)
	offers("it may still answer")
	now = now.Add(minTurn / 2)
	offers("it hasn't answered", "a1")
	now = now.Add(time.Second)
	offers("both know")
}

// A job that says that it has nothing gives up its turn; one whose coordinator is slow to answer has a longer one.
func TestTurnsByAnswers(t *testing.T) {
	a := sharing("a1", "b1", "c1")
	a.cfg.offerAgain = time.Minute
	a.ledger = ledger.New(ledger.Room{CPU: unit})
	now := time.Unix(1000, 0)
	offered := func() (got []string) {
		list, _ := a.plan(now)
		for _, j := range list {
			got = append(got, j.id)
			a.makeOffer(j, now)
		}
		return got
	}
	if got := offered(); !slices.Equal(got, []string{"a1"}) {
		t.Fatalf("%v are offered room first", got)
	}
	if got := offered(); got != nil {
		t.Errorf("%v are asked before it has answered", got)
	}
	a.accept("a1", a.jobs["a1"].offer.number, &protocol.Batch{Number: protocol.Kept})
	if got := offered(); !slices.Equal(got, []string{"b1"}) {
		t.Errorf("%v are asked once it has nothing", got)
	}
	a.jobs["b1"].up.observe(100 * time.Millisecond)
	now = now.Add(2 * minTurn)
	if got := offered(); got != nil {
		t.Errorf("%v are asked though the one before may still answer", got)
	}
	now = now.Add(maxTurn)
	if got := offered(); !slices.Equal(got, []string{"c1"}) {
		t.Errorf("%v are asked once its turn is over", got)
	}
	if !a.jobs["a1"].offer.parked {
		t.Error("an offer for which there is nothing isn't kept")
	}
}
