package head

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/protocol"
)

// submission is the record of a driver that the cluster runs: what people see of it, and what the head needs besides. A
// file has it. What is decided about it is decided here, without a clock, a network or a disk.
type submission struct {
	protocol.Submission

	Spec      protocol.Submit `json:"spec"`
	PublicKey string          `json:"public_key,omitempty"` // of the attempt that runs
	Life      time.Time       `json:"life,omitzero"`        // of the agent that runs it
	Restarts  []time.Time     `json:"restarts,omitempty"`   // those that count, of the last hour
	Avoid     string          `json:"avoid,omitempty"`      // the node where the last attempt went wrong

	asked  time.Time // starting: when the node was asked first; monotonic, and this head's
	missed int       // running: reports of its node, one after the other, that don't list it
}

const (
	maxMissed      = 3 // reports without a driver, before it is taken for lost
	maxRestarts    = 5 // within restartsWithin
	restartsWithin = time.Hour
	firstPause     = time.Second
)

// The exit codes by which Main says that it was interrupted, and that it couldn't begin.
const (
	codeInterrupt = 130
	codeTerminate = 143
	codeUsage     = 2
)

// start gives the next attempt to a node.
func (s *submission) start(node string, now time.Time) {
	s.State, s.Node, s.After, s.asked = protocol.DriverStarting, node, time.Time{}, now
	s.Attempt++
}

// take notes that the node starts it.
func (s *submission) take(t *protocol.TakeDriver) {
	s.State, s.PublicKey, s.Life, s.missed = protocol.DriverRunning, t.PublicKey, t.Life, 0
}

// taken reports whether it is that node's to start, or has been started by it with that key.
func (s *submission) taken(node string, t *protocol.TakeDriver) bool {
	return s.Node == node && s.Attempt == t.Attempt &&
		(s.State == protocol.DriverStarting || s.State == protocol.DriverRunning && s.PublicKey == t.PublicKey)
}

// nodeLeft is why a driver is started again whose node has ended it.
const nodeLeft = "its node was stopped or drained"

// end notes how the attempt ended that was running: an exit code is the driver's own will, and final; a signal or the loss
// of its machine isn't.
func (s *submission) end(e *protocol.DriverEnd, now time.Time) {
	s.Tail = e.Tail
	why := e.Reason
	switch {
	case e.Left:
		s.again(nodeLeft, now, false)
	case e.Unmet:
		s.again(or(why, "it couldn't be started"), now, true)
	case e.Code < 0:
		s.again(or(why, "it was killed"), now, true)
	case e.Code == codeInterrupt || e.Code == codeTerminate:
		s.again(fmt.Sprintf("it was interrupted (exit code %d)", e.Code), now, true)
	case e.Code == codeUsage && e.Cut:
		s.again("it couldn't begin, and the head was away", now, true)
	case e.Code == 0:
		s.over(protocol.DriverDone, 0, "", now)
	default:
		s.over(protocol.DriverFailed, e.Code, fmt.Sprintf("its exit code is %d", e.Code), now)
	}
}

// lost notes that nothing will be heard any more of the attempt.
func (s *submission) lost(why string, now time.Time) {
	s.again(why, now, s.State == protocol.DriverRunning) // else it wasn't started there
}

// left notes that its node was stopped as it was told to, which counts against nobody.
func (s *submission) left(now time.Time) { s.again(nodeLeft, now, false) }

// again has it started again after a pause that doubles, unless that was done too often.
func (s *submission) again(why string, now time.Time, counts bool) {
	s.State, s.Reason, s.PublicKey, s.Life, s.Avoid, s.After = protocol.DriverWaiting, why, "", time.Time{}, s.Node, now
	if !counts {
		return
	}
	recent := s.Restarts[:0:0]
	for _, at := range s.Restarts {
		if now.Sub(at) < restartsWithin {
			recent = append(recent, at)
		}
	}
	if s.Restarts = recent; len(recent) >= maxRestarts {
		s.over(protocol.DriverFailed, -1, fmt.Sprintf("%s; it was started again %d times within an hour, which is the most",
			why, maxRestarts), now)
		return
	}
	s.After = now.Add(firstPause << len(recent))
	s.Restarts = append(recent, now)
}

// cancel ends it for good.
func (s *submission) cancel(by string, now time.Time) {
	s.over(protocol.DriverCanceled, -1, "it was cancelled by "+by, now)
}

func (s *submission) over(state protocol.DriverState, code int, why string, now time.Time) {
	s.State, s.ExitCode, s.Reason, s.Ended, s.PublicKey, s.After = state, code, why, now, "", time.Time{}
}

// why says what a live one waits for before it has its job open.
func (s *submission) why(now time.Time) string {
	switch {
	case s.State == protocol.DriverRunning:
		return fmt.Sprintf("its driver runs on node %s, and hasn't opened the job yet", s.Node)
	case s.State == protocol.DriverStarting:
		return fmt.Sprintf("its driver is being started on node %s", s.Node)
	case now.Before(s.After):
		return fmt.Sprintf("its driver is started again in %v: %s", s.After.Sub(now).Round(time.Second), s.Reason)
	}
	if len(s.Restarts) > 0 {
		return "its driver waits to be started again: " + s.Reason
	}
	return "its driver waits for a node: " + or(s.Reason, "one is being looked for")
}

// noJob says to whom asks for its job that there is none.
func (s *submission) noJob(now time.Time) error {
	if s.State.Live() {
		return refuse(protocol.CodeUnknown, "job %q isn't open yet: %s; try again when muster jobs says that it is running", s.Name, s.why(now))
	}
	return refuse(protocol.CodeSuperseded, "job %q has ended, and had never begun: %s", s.Name, s.Reason)
}

// unanswered reports whether the node was asked for so long that another is to be.
func (s *submission) unanswered(now time.Time, within time.Duration) bool {
	return s.State == protocol.DriverStarting && now.Sub(s.asked) > within
}
