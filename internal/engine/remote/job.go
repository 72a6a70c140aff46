package remote

import "github.com/musterrun/muster/protocol"

// Job is the session whose tasks are carried. Its methods may be called by any goroutine, never while the carrier holds
// a lock, so they may call Wake and Send. They should return soon: each holds up others of its kind.
type Job interface {
	// Restore ends tasks that are ready and whose outcome is recorded already, and says whether it is to be called again.
	// Never while Take is called.
	Restore() (more bool)
	// Take appends to b.Tasks what is ready and fits the offered room; none if nothing does. One call at a time. What
	// b's tasks point at is read before the next call. Late is for room that other jobs were offered too, and may have by
	// now. It reports whether another offer may get something now.
	Take(o *protocol.Offer, late bool, b *protocol.Batch) (more bool)
	// HasTasks reports whether there are tasks that haven't ended.
	HasTasks() bool
	// Up is what attempts on a node say, in order: Call, Want, Cancel, Block, Started, GiveBack. One call at a time.
	// The same items may come twice. Once it returns the node forgets them.
	Up(node string, items []protocol.Item)
	// Outcomes are records of this epoch, in the journal's order. One call at a time. The list is used again when it
	// has returned, what the outcomes point at isn't. In a job without a name some come ahead of that order, once more
	// than they are recorded.
	Outcomes(o *protocol.Outcomes)
	// Lost says that a node is dead: its attempts are to be given out again. If it comes back it is a new one.
	Lost(node string)
	// Unconfirmed says that nobody knows whether the node has these attempts: they are to be given out again, as new
	// ones.
	Unconfirmed(node string, tasks []protocol.Attempt)
	// Load are the counts that the cluster shows of the job. Job, Epoch and Read are the carrier's to fill in.
	Load() protocol.RenewJob
	// ListTasks says which tasks there are and what they wait for, to people who ask.
	ListTasks(q *protocol.AskTasks) *protocol.TaskList
}
