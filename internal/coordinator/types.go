package coordinator

// ID names a task: its place in the table and the generation of that place. The ID of a task that has ended is never
// given out again within 4 billion uses of one place; events about it change nothing. The zero ID is no task.
type ID uint64

func makeID(index, gen uint32) ID { return ID(gen)<<32 | ID(index) }
func (id ID) index() uint32       { return uint32(id) }
func (id ID) gen() uint32         { return uint32(id >> 32) }

// Outside stands, in Block, for something that will end the wait and that the machine doesn't know, such as a deadline.
const Outside ID = 1<<64 - 1

// Index is the ID's place in the table, from 1, below the highest number of tasks that were ever live at once.
func (id ID) Index() int { return int(id.index()) }

// ScopeID names a set of tasks that are cancelled together. Zero is no scope. One that was closed is given out again.
type ScopeID uint32

// NeedID is an interned need, see [Machine.Need]; the zero NeedID is one CPU.
type NeedID uint32

// State is where a task stands.
type State uint8

// The states of docs/decisions/0001-coordinator-states.md. Free is a place without a task.
const (
	Free State = iota
	Waiting
	Ready
	Running
	Blocked
	Resuming
	Backoff
	Joining
	Set // no task: see Include
)

var stateNames = [...]string{"free", "waiting", "ready", "running", "blocked", "resuming", "backoff", "joining", "set"}

// String is the state's name in lower case.
func (s State) String() string { return stateNames[s] }

// Spec is what Submit needs to know of a task.
type Spec struct {
	Need     NeedID
	Priority int32
	Depth    uint32  // how many tasks stand above it: deeper ones go first
	Scope    ScopeID // what cancels it
	Deps     []ID    // what it waits for; those that have ended are ignored, the caller has their outcome
	Value    bool    // no function runs: Join when all Deps have ended, whatever their outcome
	Front    bool    // before new tasks, as a resumed one
	Retries  uint16  // attempts after the first
	Attempts uint16  // attempts made elsewhere; if any, the task starts in Backoff: no Deps and no Value then
}

// Outcome is how a task ended, or what follows an attempt.
type Outcome uint8

// Ignored answers an event about a task or attempt that is over.
const (
	Ignored Outcome = iota
	Done
	Failed
	Canceled
	DepFailed // a dependency failed: its outcome is this task's
	Stuck     // it lacks a resource whose holders all wait for tasks that can't run
	Retry     // the attempt failed, the task is in Backoff
	Unfit     // nobody has what it needs: see Refuse
)

// Verb says what the engine has to do.
type Verb uint8

// The actions of docs/decisions/0001-coordinator-states.md.
const (
	Settle Verb = iota + 1
	Join
	Interrupt
	Resume
)

// Action is one thing for the engine to do.
type Action struct {
	Verb    Verb
	Outcome Outcome // Settle
	Why     uint8   // Settle(Canceled), Interrupt: as given to Cancel
	Started bool    // Settle: at least one attempt had begun
	ID      ID
	Because ID  // Settle(DepFailed): the dependency
	Dim     Dim // Settle(Stuck): what it lacks
}
