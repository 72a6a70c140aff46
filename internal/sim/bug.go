package sim

// bug is something that a model does wrong, so that tests see whether that is found out. 0 is nothing.
type bug uint8

const (
	hidesRunning     bug = iota + 1 // an agent doesn't tell a new driver what runs for the one before
	freesRunning                    // an agent takes what runs for an earlier driver for ended, and then it ends
	keepsLent                       // an agent takes back the CPU of a task that ends while it lends it
	forgetsSent                     // an agent forgets outcomes once they are sent, not once they are recorded
	beginsUnrecorded                // an agent begins what must not run twice before that is recorded
	mixesValues                     // an agent gives a function one value in another's place
	ignoresHolds                    // an agent gives other jobs what is held for a large task
	takesDrained                    // an agent takes tasks though it is drained
	staysFull                       // an agent doesn't give back what still runs at the end of its drain
	losesRecord                     // the journal loses a record that it has confirmed
	losesGiveBack                   // a driver doesn't hear that a task was given back
	forgetsHeld                     // a driver takes no notice of what runs for the one before
	countsTwice                     // a driver takes an outcome for two
	dropsLate                       // a driver drops the success of an attempt that it has taken back
	lastCounts                      // a driver takes the last success in the journal for the one that counts
	missesRebirth                   // a driver doesn't see that an agent has begun anew
	skipsItem                       // a driver leaves an item of a Map out
	doublesItem                     // a driver tries an item of a Map again that has a result
	ignoresQuota                    // a driver gives nodes more than its quota
	forgetsQuotas                   // a head that has begun anew takes drivers that it hasn't heard for such without a quota
	givesTwice                      // a driver gives a batch to two nodes
)

// has reports whether a bug is put in, and errs whether it shows this time: it does now and then.
func (s *sim) has(b bug) bool  { return s.cfg.bug == b }
func (s *sim) errs(b bug) bool { return s.cfg.bug == b && s.net.chance(0.1) }
