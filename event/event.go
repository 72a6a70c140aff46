// Package event holds the one typed record that muster makes for every change of a task's or a session's state.
// Progress bars, histories, dashboards and tests all read this record and nothing else.
package event

import (
	"fmt"
	"strings"
	"time"
)

// Event says what changed, when, and for which task. Fields that don't apply to the Kind are zero.
// An Event is a plain value: it may be kept, copied and compared, and holds no argument or result.
type Event struct {
	Seq      uint64        // 1, 2, 3, ... within a session; the order of the session's decisions
	Time     time.Time     // when the session saw the change; for people, never for ordering
	Kind     Kind          // what changed
	Task     uint64        // the task's number within the session, from 1; 0 for session events and refused tasks
	Parent   uint64        // TaskSubmitted: the task that submitted it; 0 for the driver
	Func     string        // the function's registered name; "local" for muster.Local
	Node     string        // on a cluster, the id of the node that has or had the attempt; "" for one that this process runs
	Attempt  int           // from 1; 0 before the first start
	Items    int           // Map: how many items this event stands for; CacheEvicted: entries
	Item     int           // Map: the index of the failed item, or -1
	Priority int           // TaskSubmitted: the task's priority
	Took     time.Duration // how long the attempt that ended here ran; 0 if none was running
	Err      error         // why, for failures, cancellations and retries
	Text     string        // one line for people: the reason of a cancellation, a hint, a stack
}

// Kind names a change of state.
type Kind uint8

// The kinds, in the order in which a task usually meets them.
const (
	SessionOpened  Kind = iota + 1 // a session is ready to run tasks
	TaskSubmitted                  // a task is known: it waits for its dependencies or for room
	TaskStarted                    // an attempt begins to run
	TaskBlocked                    // the running function waits for a Ref and has lent its CPU slot
	TaskResumed                    // the function runs on: its slot is back
	TaskRetrying                   // an attempt failed, another one will follow
	TaskLost                       // an attempt is lost with its worker or node, Err says how; another one follows. Items of a Map: Task is 0
	ResultRestored                 // a result was found in the cache or in the job's journal (Text): the function doesn't run; for Map: Items
	TaskDone                       // the task has a result; for Map: a chunk of Items items is done
	TaskFailed                     // the task has failed for good; for Map: one item has
	TaskCanceled                   // the task was cancelled, Err says by what; for Map: Items items were
	TaskStuck                      // the function didn't return within the grace period after its cancel or timeout; Text is its stack
	TaskUnfit                      // no room of this session will ever fit the task's needs
	TaskReturned                   // a function that was stuck has returned after all
	CacheCorrupt                   // an entry of the cache was damaged; it was moved aside, and its call is computed again
	CacheFailed                    // the cache couldn't read or store a result, Err says why; the call got its value all the same
	CacheEvicted                   // the cache was over its limit and dropped Items entries that had not been used for longest
	LazyUnused                     // a session ends with Items lazy calls that nothing asked for
	Hint                           // Text says how the program could do better
	SessionClosing                 // Close was called: what still runs is being cancelled
	SessionClosed                  // nothing of the session runs any more, or Text names what does
)

var names = [...]string{
	SessionOpened: "session-opened", TaskSubmitted: "task-submitted", TaskStarted: "task-started",
	TaskBlocked: "task-blocked", TaskResumed: "task-resumed", TaskRetrying: "task-retrying",
	TaskLost:       "task-lost",
	ResultRestored: "result-restored", TaskDone: "task-done", TaskFailed: "task-failed", TaskCanceled: "task-canceled",
	TaskStuck: "task-stuck", TaskUnfit: "task-unfit", TaskReturned: "task-returned",
	CacheCorrupt: "cache-corrupt", CacheFailed: "cache-failed", CacheEvicted: "cache-evicted",
	LazyUnused: "lazy-unused", Hint: "hint", SessionClosing: "session-closing", SessionClosed: "session-closed",
}

// String is the kind's name as it stands in logs and JSON, such as "task-done".
func (k Kind) String() string {
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// MarshalText is String, so that JSON shows names.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Ends reports whether a task with this event will change no more.
func (k Kind) Ends() bool { return k == TaskDone || k == TaskFailed || k == TaskCanceled }

// String is one line for a log: `12 task-failed count #3 attempt 2: open x: no such file`.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", e.Seq, e.Kind)
	if e.Func != "" {
		fmt.Fprintf(&b, " %s #%d", e.Func, e.Task)
	}
	if e.Attempt > 1 {
		fmt.Fprintf(&b, " attempt %d", e.Attempt)
	}
	if e.Items > 0 {
		fmt.Fprintf(&b, " items %d", e.Items)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	} else if line, _, _ := strings.Cut(e.Text, "\n"); line != "" {
		fmt.Fprintf(&b, ": %s", line)
	}
	return b.String()
}

// Mask is a set of kinds: who reads only some of them doesn't pay for the others.
type Mask uint32

// All holds every kind.
const All = ^Mask(0)

// Of is the set of the given kinds.
func Of(kinds ...Kind) (m Mask) {
	for _, k := range kinds {
		m |= 1 << k
	}
	return m
}

// Has reports whether k is in the set.
func (m Mask) Has(k Kind) bool { return m&(1<<k) != 0 }
