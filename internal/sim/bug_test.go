package sim

import (
	"strings"
	"testing"
)

// TestBugs puts bugs into the models, and sees that small simulations find each and name it. A bug has other effects too.
func TestBugs(t *testing.T) {
	const (
		hangs      = "nothing ends any more"
		runsTwice  = " times, and may at most "
		miscounts  = " CPU free"
		otherValue = "and the journal's first is "
		otherInput = "it got another value than the one that counts"
	)
	for _, x := range []struct {
		name string
		bug  bug
		want string
	}{
		{"an agent hides from a new driver what it runs", hidesRunning, runsTwice},
		{"an agent frees what runs for an earlier driver", freesRunning, miscounts},
		{"an agent frees twice what a task lends", keepsLent, miscounts},
		{"an agent forgets outcomes that aren't recorded", forgetsSent, runsTwice},
		{"an agent begins before that is recorded", beginsUnrecorded, runsTwice + "1"},
		{"an agent mixes up values", mixesValues, otherInput},
		{"an agent takes tasks though it is drained", takesDrained, "though it is drained"},
		{"an agent stays full at the end of its drain", staysFull, "isn't empty though it was drained"},
		{"the journal loses a confirmed record", losesRecord, hangs},
		{"a give-back is lost", losesGiveBack, hangs},
		{"a driver forgets what runs already", forgetsHeld, runsTwice},
		{"an outcome counts twice", countsTwice, "ends twice"},
		{"a late success is dropped", dropsLate, otherValue},
		{"the last success counts", lastCounts, otherValue},
		{"an agent's new start isn't seen", missesRebirth, hangs},
		{"a batch is given to two nodes", givesTwice, otherValue},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for n := uint64(1); n <= uint64(*seeds); n++ {
				c := small(n)
				if c.bug = x.bug; x.bug == hidesRunning || x.bug == forgetsHeld {
					c.Faults.Drivers = 3
				}
				if _, err := Run(c); err != nil && strings.Contains(err.Error(), x.want) {
					t.Logf("seed %d: %.150v", n, err)
					return
				}
			}
			t.Errorf("no seed up to %d finds it with an error of %q", *seeds, x.want)
		})
	}
}
