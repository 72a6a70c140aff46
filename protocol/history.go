package protocol

import "time"

// AskHistory asks for what was: jobs, tasks, attempts, nodes or functions. Users see what is their own, and all nodes.
type AskHistory struct {
	What  HistoryKind `json:"what"`
	Since time.Time   `json:"since,omitzero"`
	Job   string      `json:"job,omitempty"`  // of this job alone, by its id or name
	Most  int         `json:"most,omitempty"` // the last ones; defaults to 100, and at most MaxHistory
}

// MaxHistory is how many rows a history has at most.
const MaxHistory = 10_000

// HistoryKind is what a history is about.
type HistoryKind string

// The kinds.
const (
	HistoryJobs      HistoryKind = "jobs"
	HistoryTasks     HistoryKind = "tasks"
	HistoryAttempts  HistoryKind = "attempts"
	HistoryNodes     HistoryKind = "nodes"
	HistoryFunctions HistoryKind = "functions"
)

// Valid reports whether it is one of these.
func (k HistoryKind) Valid() bool {
	switch k {
	case HistoryJobs, HistoryTasks, HistoryAttempts, HistoryNodes, HistoryFunctions:
		return true
	}
	return false
}

// History is the answer: rows of the kind that was asked for, the latest last. More says that there are others, earlier.
type History struct {
	Jobs      []JobRun      `json:"jobs,omitempty"`
	Tasks     []TaskCount   `json:"tasks,omitempty"` // by function, over all jobs
	Attempts  []LostAttempt `json:"attempts,omitempty"`
	Nodes     []NodeRun     `json:"nodes,omitempty"`
	Functions []FunctionUse `json:"functions,omitempty"`
	More      bool          `json:"more,omitempty"`
}

// JobRun is what a driver did: a job that was resumed has several, by its epochs.
type JobRun struct {
	Job     string    `json:"job"`
	Epoch   uint32    `json:"epoch"`
	Name    string    `json:"name,omitempty"`
	Owner   string    `json:"owner"`
	Program string    `json:"program"`
	Host    string    `json:"host"`
	State   JobState  `json:"state"`
	Opened  time.Time `json:"opened,omitzero"` // when this driver took it over; not recorded by those of the epoch before
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Done    uint64    `json:"done"`
	Failed  uint64    `json:"failed"`
}

// LostAttempt is an attempt that didn't succeed.
type LostAttempt struct {
	Number  uint64        `json:"number,omitempty"` // counts those of a driver, from 1
	Time    time.Time     `json:"time"`
	Job     string        `json:"job,omitempty"`
	Epoch   uint32        `json:"epoch,omitempty"`
	Task    uint64        `json:"task,omitempty"`
	Func    string        `json:"func"`
	Item    int           `json:"item"` // of a Map; -1 for others
	Attempt int           `json:"attempt"`
	Node    string        `json:"node,omitempty"` // none: it ran in the driver
	End     AttemptEnd    `json:"end"`
	Took    time.Duration `json:"took,omitempty"`
	Error   string        `json:"error,omitempty"` // one line
}

// AttemptEnd is how an attempt ended that didn't succeed.
type AttemptEnd string

// The ends.
const (
	AttemptFailed  AttemptEnd = "failed"  // and its task has
	AttemptRetried AttemptEnd = "retried" // it failed, and another one followed
	AttemptLost    AttemptEnd = "lost"    // its worker or its node died, and another one followed
)

// NodeRun is a machine from when its agent was started.
type NodeRun struct {
	Node    string    `json:"node"`
	Name    string    `json:"name"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	Version string    `json:"version"`
	CPUs    float64   `json:"cpus"`
	Memory  int64     `json:"memory"`
	GPUs    float64   `json:"gpus,omitempty"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	State   string    `json:"state"` // alive, stopped, lost
	Most    int64     `json:"most"`  // of memory that agent and workers had, as far as it was looked at
}

// FunctionUse is what the attempts of a function used on a node. An agent reports what there was since its last report.
type FunctionUse struct {
	Job       string        `json:"job,omitempty"`
	Func      string        `json:"func"`
	Succeeded uint64        `json:"succeeded"`
	Failed    uint64        `json:"failed"`
	Canceled  uint64        `json:"canceled"`
	Lost      uint64        `json:"lost"`    // with their worker
	Ran       time.Duration `json:"ran"`     // all together
	Longest   time.Duration `json:"longest"` // of one
	CPU       time.Duration `json:"cpu"`     // what the workers used while they ran, by the time that they ran
	Memory    int64         `json:"memory"`  // the most that a worker had in which they ran
}

// NodeUse is an agent's report of that. The head drops one whose number it has had.
type NodeUse struct {
	Life      uint64        `json:"life"`   // random: a number of another life says nothing
	Number    uint64        `json:"number"` // counts up
	Functions []FunctionUse `json:"functions"`
}

// HistoryLine is what the head notes down for the history, and what is to be kept of it: one of these.
type HistoryLine struct {
	Time     time.Time     `json:"t"`
	Job      *JobRun       `json:"job,omitempty"`
	Tasks    *JobTasks     `json:"tasks,omitempty"`
	Attempts []LostAttempt `json:"attempts,omitempty"`
	Node     *NodeRun      `json:"node,omitempty"`
	Use      *NodeUse      `json:"use,omitempty"`
	From     string        `json:"from,omitempty"` // Use: the node
}

// JobTasks are the tasks of a job that have ended by now, by function.
type JobTasks struct {
	Job    string      `json:"job"`
	Epoch  uint32      `json:"epoch"`
	Counts []TaskCount `json:"counts"`
}

// HistoryQuery is a question to who keeps the history, of an owner or for "" of all.
type HistoryQuery struct {
	AskHistory

	Owner string `json:"owner,omitempty"`
}

// HistoryAnswer is its answer.
type HistoryAnswer struct {
	Note    string   `json:"note,omitempty"`  // something that people should know
	Error   string   `json:"error,omitempty"` // one line; what wasn't taken in stays where it is
	History *History `json:"history,omitempty"`
}
