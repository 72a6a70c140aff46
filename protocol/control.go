package protocol

import (
	"maps"
	"slices"
	"time"
)

// Requests to the head and its answers are rare, so they are JSON, which every tool reads: the body of a request is the
// operation's struct below, and the answer is a Reply. Blobs' bytes follow the JSON of their request or answer, behind
// a newline.
//
// Who asks is part of the subject, since servers check that and nothing else: see [ControlSubject].

// The operations of the head's control service, and who may ask for them.
const (
	OpOpenJob    = "job.open"     // OpenJob → JobOpened; users
	OpRenewJob   = "job.renew"    // RenewJob → JobRenewed; the job
	OpCloseJob   = "job.close"    // CloseJob → nothing; the job
	OpListJobs   = "job.ls"       // nothing → []JobInfo; users, agents
	OpCancelJob  = "job.cancel"   // JobID → nothing; users
	OpRemoveJob  = "job.rm"       // JobID → nothing; users: a job that isn't running goes with its journal
	OpListTasks  = "job.tasks"    // AskTasks → TaskList, from the job's driver; users
	OpReadLog    = "job.log"      // AskLog → what the node's agent answers to "logs"; users
	OpListNodes  = "node.ls"      // nothing or AskNodes → []NodeInfo; all
	OpDrainNode  = "node.drain"   // DrainNode → NodeInfo; admins, and the user whose node it is
	OpUndrain    = "node.undrain" // DrainNode → NodeInfo: it takes tasks again; the same
	OpJoinNode   = "node.join"    // as join's endpoint, without a token: a key → an identity; admins, for their own machine
	OpReportNode = "node.report"  // NodeInfo → nothing; agents, every Ages.Renew
	OpHasBlob    = "blob.has"     // BlobID → BlobInfo; all
	OpPutBlob    = "blob.put"     // PutBlob, newline, bytes → BlobInfo; users, jobs, agents
	OpGetBlob    = "blob.get"     // GetBlob → BlobInfo, newline, bytes; all
	OpNewToken   = "token.new"    // NewToken → TokenInfo with Token; admins
	OpListTokens = "token.ls"     // nothing → []TokenInfo; admins
	OpDropToken  = "token.rm"     // TokenID → nothing; admins
	OpEvents     = "events"       // nothing → []ClusterEvent, the last ones; users
	OpHistory    = "history"      // AskHistory → History; users
	OpReportUse  = "node.use"     // NodeUse → nothing; agents
)

// Reply is the answer to every request: Error, or the operation's own answer in Body.
type Reply struct {
	Error *Refusal `json:"error,omitempty"`
	Body  any      `json:"body,omitempty"`
}

// Refusal says why a request wasn't carried out. Text is one line that says what to do next.
type Refusal struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Error is the text.
func (r *Refusal) Error() string { return r.Text }

// Codes of refusals that programs tell apart.
const (
	CodeHeld       = "held"       // the job has a driver that lives
	CodeQueued     = "queued"     // the job waits for a place: ask again in a second
	CodeSuperseded = "superseded" // a newer driver has the job
	CodeUnknown    = "unknown"    // no such job, node, blob or token
	CodeForbidden  = "forbidden"
	CodeMalformed  = "malformed"
	CodeVersion    = "version" // of the protocol
	CodeFull       = "full"    // a limit or a disk
	CodeInternal   = "internal"
)

// Ages are a cluster's periods. The head says them to whoever opens a job or joins, so that a test's may be short.
type Ages struct {
	Renew time.Duration `json:"renew"` // between two reports of a node, and two renewals of a job
	Dead  time.Duration `json:"dead"`  // without one, a node or a driver counts as gone
	Ask   time.Duration `json:"ask"`   // how long a node that seems gone may take to answer
}

// OpenJob asks for a job: a new one, or if Name is that of one that is there for its next epoch.
type OpenJob struct {
	Major     int      `json:"major"` // of the protocol
	Minor     int      `json:"minor"`
	Name      string   `json:"name,omitempty"` // "" for a job that doesn't resume
	Program   string   `json:"program"`        // for people
	Functions []string `json:"functions"`      // in the order in which Tasks count them
	Binaries  []Binary `json:"binaries"`       // one for each platform
	Args      []string `json:"args,omitempty"` // of the driver
	Env       []string `json:"env,omitempty"`  // what a worker gets beside its clean environment, NAME=value
	Files     []File   `json:"files,omitempty"`
	Host      string   `json:"host"` // of the driver, for people
	PID       int      `json:"pid"`
	Place     string   `json:"place,omitempty"`     // where PID counts: one boot of one machine; "" if that can't be told
	Driver    string   `json:"driver"`              // names this driver's process: random
	TakeOver  bool     `json:"take_over,omitempty"` // though the job's driver seems to live
	PublicKey string   `json:"public_key"`          // the job's user key, whose seed stays with the driver
}

// Binary is an executable: the driver's, or the same built for another platform.
type Binary struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	Hash string `json:"hash"` // blake3, in hexadecimal digits
	Size int64  `json:"size"`
}

// File is one that is put into the job's folder on each node.
type File struct {
	Path string `json:"path"` // relative, with slashes
	Mode uint32 `json:"mode"`
	Hash string `json:"hash"`
	Size int64  `json:"size"`
}

// JobOpened is what a driver needs to go on.
type JobOpened struct {
	Job   string `json:"job"`
	Epoch uint32 `json:"epoch"`
	JWT   string `json:"jwt"` // for PublicKey: what connects as the job
	Ages  Ages   `json:"ages"`
	Last  uint64 `json:"last"` // the stream's last sequence: what is up to there is from earlier epochs
	Quota *Quota `json:"quota,omitempty"`
}

// RenewJob keeps a job's driver counted as alive.
type RenewJob struct {
	Job      string         `json:"job"`
	Epoch    uint32         `json:"epoch"`
	Read     uint64         `json:"read"`    // the journal is read and known up to there: without a name, it may go
	Waiting  int            `json:"waiting"` // tasks that haven't started
	Running  int            `json:"running"`
	Done     uint64         `json:"done"`
	Failed   uint64         `json:"failed"`
	Progress map[string]int `json:"progress,omitempty"` // unfinished tasks by function
	CPUs     float64        `json:"cpus,omitempty"`     // that its tasks have on nodes and don't lend
	Needs    float64        `json:"needs,omitempty"`    // CPUs, of a task that is ready; 0 if none is
	Quota    *float64       `json:"quota,omitempty"`    // the CPUs that it keeps to; nil while it heard of none
	// The same of other resources than CPUs, by name: see Amounts for the units.
	Has   map[string]int64 `json:"has,omitempty"`   // what its tasks have
	Wants map[string]int64 `json:"wants,omitempty"` // what ready tasks need
	Kept  map[string]int64 `json:"kept,omitempty"`  // the quotas that it keeps to
	// For the history; the head doesn't keep them in a job's record.
	Functions []TaskCount   `json:"functions,omitempty"` // tasks that have ended, of this driver
	Attempts  []LostAttempt `json:"attempts,omitempty"`  // the last that didn't succeed; some may be there again
}

// CloseJob ends a job. One with a name stays, to be resumed, unless it succeeded.
type CloseJob struct {
	Job   string `json:"job"`
	Epoch uint32 `json:"epoch"`
	Error string `json:"error,omitempty"`
}

// JobID names a job by its id or its name.
type JobID struct {
	Job string `json:"job"`
}

// AskLog asks a node, by way of the head, for a part of what a job's workers have written there.
type AskLog struct {
	Job     string `json:"job"` // or a submission: then what its driver has written
	Attempt int    `json:"attempt,omitempty"`
	Node    string `json:"node"`
	Offset  int64  `json:"offset"` // below 0: from the end
	Most    int    `json:"most"`
}

// JobState says where a job stands.
type JobState string

// A job's states.
const (
	JobRunning  JobState = "running"
	JobOrphaned JobState = "orphaned" // its driver is gone; it may come back
	JobWaiting  JobState = "waiting"  // its driver, or that of a submission, hasn't opened it yet
	JobDone     JobState = "done"
	JobFailed   JobState = "failed"
)

// JobInfo is a job's record.
type JobInfo struct {
	OpenJob
	Job     string    `json:"job"`
	Owner   string    `json:"owner"`
	Epoch   uint32    `json:"epoch"`
	State   JobState  `json:"state"`
	Opened  time.Time `json:"opened"`
	Renewed time.Time `json:"renewed"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Load    RenewJob  `json:"load"`
	Share   JobShare  `json:"share,omitzero"` // among its owner's jobs; it stays over the job's epochs
	// Submitted is the submission whose job it is; in answers. One without a job yet is listed by its own id.
	Submitted *Submission `json:"submitted,omitempty"`
}

// NodeInfo is a node's record.
type NodeInfo struct {
	Node     string            `json:"node"` // its id
	Name     string            `json:"name"` // its host's, for people
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Version  string            `json:"version"`
	Major    int               `json:"major,omitempty"` // of the protocol that its agent speaks; 0 for 1
	Minor    int               `json:"minor,omitempty"`
	CPUs     float64           `json:"cpus"`
	Memory   int64             `json:"memory"`
	GPUs     float64           `json:"gpus,omitempty"`
	Named    map[string]int64  `json:"named,omitempty"` // in 1/10,000
	Labels   map[string]string `json:"labels,omitempty"`
	PID      int               `json:"pid"`
	Started  time.Time         `json:"started"`
	Seen     time.Time         `json:"seen"` // when the head last heard of it
	Alive    bool              `json:"alive"`
	Stopped  bool              `json:"stopped,omitempty"` // its agent has ended as it was told to, and given back its tasks
	Drain    DrainState        `json:"drain,omitempty"`   // "" for a node that takes tasks
	Workers  int               `json:"workers"`
	Running  int               `json:"running"`            // tasks
	FreeCPU  float64           `json:"free_cpu"`           // CPUs
	Held     string            `json:"held,omitempty"`     // for what large task what becomes free is kept, for people
	Resident int64             `json:"resident,omitempty"` // bytes, of the agent and its workers
	// Unlimited is why the node's workers have no limits of their own; "" if they have, or aren't to.
	Unlimited string            `json:"unlimited,omitempty"`
	Users     string            `json:"users,omitempty"`   // whose jobs it serves: one user's, or UsersAll, UsersAccounts
	Refuses   map[string]string `json:"refuses,omitempty"` // in its report: owners of jobs whom it doesn't serve, and why
	Refusal   string            `json:"refusal,omitempty"` // in the head's answer: why it doesn't serve who asks; "" if it may
	Drivers   []DriverID        `json:"drivers,omitempty"` // in its report: those that it runs
}

// DrainState says how far a node is that is being emptied.
type DrainState string

// A node that takes no tasks.
const (
	Draining DrainState = "draining" // some run there still, or their outcomes aren't recorded yet
	Drained  DrainState = "drained"  // nothing is left
)

// DrainNode asks a node to take no more tasks, and to end those that it has.
type DrainNode struct {
	Node   string        `json:"node"`   // its id
	Within time.Duration `json:"within"` // what runs after that is given back
}

// Whose jobs a node serves, if not one user's.
const (
	UsersAll      = "*"         // everybody's, as the agent's system user
	UsersAccounts = "*accounts" // those of who has an account there, by which they run
)

// Refuse is why the node doesn't serve a user's jobs, as far as its report says; "" if it may serve them.
func (n *NodeInfo) Refuse(user string) string {
	switch why, ok := n.Refuses[user]; {
	case ok:
		return why
	case n.Users == "" || n.Users == UsersAll || n.Users == UsersAccounts || n.Users == user:
		return ""
	}
	return "it serves the jobs of user " + n.Users + " alone; its agent's flag --allow-users lets in all users, who trust each other then"
}

// AllLabels are the node's labels in the order of their names: those it was given, and node, os and arch.
func (n *NodeInfo) AllLabels() []Label {
	all := map[string]string{}
	maps.Copy(all, n.Labels)
	all["node"], all["os"], all["arch"] = n.Name, n.OS, n.Arch
	list := make([]Label, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Label{name, all[name]})
	}
	return list
}

// BlobID names a blob by the blake3 hash of its bytes, in hexadecimal digits.
type BlobID struct {
	Hash string `json:"hash"`
}

// PutBlob brings a part of a blob; parts come in order, and the last one makes the head check the hash. One that is
// there already answers Complete to the first part.
type PutBlob struct {
	Hash   string `json:"hash"`
	Size   int64  `json:"size"`
	Offset int64  `json:"offset"`
}

// GetBlob asks for bytes from Offset on, at most Most and at most what a message holds.
type GetBlob struct {
	Hash   string `json:"hash"`
	Offset int64  `json:"offset"`
	Most   int    `json:"most"`
}

// BlobInfo is what the head has of a blob.
type BlobInfo struct {
	Hash     string `json:"hash"`
	Size     int64  `json:"size"`
	Have     int64  `json:"have"`
	Complete bool   `json:"complete"`
}

// NewToken asks for a join token.
type NewToken struct {
	Role string        `json:"role"`           // "agent", "user" or "admin"
	User string        `json:"user,omitempty"` // for a node: whose it is to be; defaults to who asks
	Uses int           `json:"uses"`
	Life time.Duration `json:"life"`
}

// TokenID names a token, without its secret.
type TokenID struct {
	ID string `json:"id"`
}

// TokenInfo is a token's record. Token, the whole of it, is in the answer to NewToken only.
type TokenInfo struct {
	ID      string    `json:"id"`
	Role    string    `json:"role"`
	User    string    `json:"user,omitempty"`
	Left    int       `json:"left"` // uses
	Expires time.Time `json:"expires"`
	Token   string    `json:"token,omitempty"`
}

// ClusterEvent is one change that people may want to see.
type ClusterEvent struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"` // node.joined, node.stopped, node.lost, job.opened, job.closed, worker.died, ...
	Job  string    `json:"job,omitempty"`
	Node string    `json:"node,omitempty"`
	Text string    `json:"text"`
}

// ClusterDigest is what the head says once a second: JSON. On [Digest] it has no jobs, and on [JobsDigest] no nodes.
type ClusterDigest struct {
	Number uint64       `json:"number"` // counts up while the head runs
	Up     float64      `json:"up"`     // seconds since the head started
	Nodes  []NodeDigest `json:"nodes,omitempty"`
	Jobs   []JobDigest  `json:"jobs,omitempty"`
	Total  *Amounts     `json:"total,omitempty"` // with Jobs: what the nodes have in all; none while no job has anything of it
	Users  []UserShare  `json:"users,omitempty"` // and of whose owners something was said
}

// NodeDigest is a node in the digest. Age is how long, in seconds, the head has heard nothing of it.
type NodeDigest struct {
	Node string  `json:"node"`
	Age  float64 `json:"age"`
	Dead bool    `json:"dead,omitempty"` // Age is above Ages.Dead, and the head has been up for so long
}

// JobDigest is a live job in the digest and in its news.
type JobDigest struct {
	Job   string `json:"job"`
	Epoch uint32 `json:"epoch"`
	Ended bool   `json:"ended,omitempty"` // in news: it is over, or orphaned; what runs of it is to be ended

	Quota  bool     `json:"quota,omitempty"`  // in news: the job's quota is another one, which the answer to RenewJob says
	Weight float64  `json:"weight,omitempty"` // in the digest: see JobShare
	Used   *Amounts `json:"used,omitempty"`   // what it has on all nodes, as they said last; none for nothing
}

// AskNodes says of which node the last report isn't enough: the head asks it first, and refuses if it doesn't answer.
// Heads before that take no notice of it. An agent may ask for itself, and admins for any.
//
// A program says which version it speaks: of nodes whose agents don't understand it the answer has a Refusal.
type AskNodes struct {
	Fresh string `json:"fresh,omitempty"` // a node
	Major int    `json:"major,omitempty"`
	Minor int    `json:"minor,omitempty"`
}
