package protocol

// AskTasks asks a job's driver, by way of the head, about its tasks.
type AskTasks struct {
	Job   string    `json:"job"`
	Task  uint64    `json:"task,omitempty"`  // about this one alone, by its number; 0 for all
	Func  string    `json:"func,omitempty"`  // of those in the list: of this function
	State TaskState `json:"state,omitempty"` // and in this state
	Most  int       `json:"most,omitempty"`  // in the list, at most MaxTasks; 0 for none
}

// MaxTasks is how many tasks a list has at most.
const MaxTasks = 1000

// TaskState is where a task stands.
type TaskState string

// The states of a task that hasn't ended.
const (
	TaskWaiting TaskState = "waiting" // for tasks on which it depends
	TaskReady   TaskState = "ready"   // to be given to a node, or to start in the driver
	TaskPausing TaskState = "pausing" // before it is tried again
	TaskGiven   TaskState = "given"   // to a node, which has as many before it as it has CPUs for
	TaskRunning TaskState = "running" // on a node, as far as the driver knows, or in the driver
	TaskBlocked TaskState = "blocked" // its function waits for something
)

// TaskStates are all of them, in the order in which tasks go through them.
var TaskStates = []TaskState{TaskWaiting, TaskReady, TaskGiven, TaskRunning, TaskBlocked, TaskPausing}

// TaskList is the answer.
type TaskList struct {
	Counts []TaskCount `json:"counts"`          // by function, in the order of their names
	Tasks  []TaskInfo  `json:"tasks,omitempty"` // in the order in which they were submitted
	More   int         `json:"more,omitempty"`  // that would be in the list too
	Why    []string    `json:"why,omitempty"`   // what the one task that was asked about waits for, or the job; a line each
}

// TaskCount counts a function's tasks. Done and Failed count items of a Map one by one, the others by the piece in which
// they are given out.
type TaskCount struct {
	Func   string            `json:"func"`
	States map[TaskState]int `json:"states,omitempty"`
	Done   uint64            `json:"done,omitempty"`
	Failed uint64            `json:"failed,omitempty"`
}

// TaskInfo is a task that hasn't ended.
type TaskInfo struct {
	Task    uint64    `json:"task"` // its number: counts the job's tasks, from 1
	Func    string    `json:"func"`
	State   TaskState `json:"state"`
	Items   bool      `json:"items,omitempty"`   // it is some items of a Map
	Age     float64   `json:"age"`               // seconds since it was submitted
	Attempt int       `json:"attempt,omitempty"` // the one that runs, or that ran last
	Node    string    `json:"node,omitempty"`    // that has the attempt; none while the driver runs it
	Ran     float64   `json:"ran,omitempty"`     // seconds since the attempt was given out
	ID      uint64    `json:"id"`                // names it in messages
}

// AskTask asks a node, as the head does, how far an attempt is that it was given.
type AskTask struct {
	Job     string `json:"job"`
	ID      uint64 `json:"id"`
	Attempt uint32 `json:"attempt"`
}

// TaskOnNode is the answer: a line for people.
type TaskOnNode struct {
	Text string `json:"text"`
}
