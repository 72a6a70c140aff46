package sim

import (
	"strings"
	"testing"
	"time"
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
	drivers := func(c *Config) { c.Faults.Drivers = 3 }
	nodes := func(c *Config) { c.Faults = Faults{Nodes: 0.3, Until: time.Minute} }
	heads := func(c *Config) {
		c.Users, c.Limit, c.Faults = 1, 8, Faults{Heads: 3, Away: time.Second, Until: time.Minute}
	}
	memories := func(c *Config) {
		heads(c)
		c.Limit, c.Memory, c.Shape.Memory, c.Shape.Kids = 0, memory/2, 0.5, 0
	}
	for _, x := range []struct {
		name string
		bug  bug
		want string

		often func(*Config) // makes more often what it takes to see it
	}{
		{"an agent hides from a new driver what it runs", hidesRunning, runsTwice, drivers},
		{"an agent frees what runs for an earlier driver", freesRunning, miscounts, nil},
		{"an agent frees twice what a task lends", keepsLent, miscounts, nil},
		{"an agent forgets outcomes that aren't recorded", forgetsSent, runsTwice, nil},
		{"an agent begins before that is recorded", beginsUnrecorded, runsTwice + "1", nil},
		{"an agent mixes up values", mixesValues, otherInput, nil},
		{"an agent takes tasks though it is drained", takesDrained, "though it is drained", nil},
		{"an agent stays full at the end of its drain", staysFull, "isn't empty though it was drained", nil},
		{"an item of a Map is left out", skipsItem, "it has no result", nil},
		{"an item of a Map is done twice", doublesItem, "has two results", nil},
		{"a driver gives more than its quota", ignoresQuota, "and the limit is", heads},
		{"a driver gives more than its quota of memory", ignoresQuota, " of memory, and the limit is", memories},
		{"a head forgets quotas of memory", forgetsQuotas, " of memory, and the limit is", memories},
		{"a head forgets quotas", forgetsQuotas, "and the limit is", heads},
		{"the journal loses a confirmed record", losesRecord, hangs, nil},
		{"a give-back is lost", losesGiveBack, hangs, nil},
		{"a driver forgets what runs already", forgetsHeld, runsTwice, drivers},
		{"an outcome counts twice", countsTwice, "ends twice", nil},
		{"a late success is dropped", dropsLate, otherValue, nil},
		{"the last success counts", lastCounts, otherValue, nil},
		{"an agent's new start isn't seen", missesRebirth, hangs, nodes},
		{"a batch is given to two nodes", givesTwice, otherValue, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for n := uint64(1); n <= uint64(*seeds); n++ {
				c := small(n)
				if c.bug = x.bug; x.often != nil {
					x.often(&c)
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
