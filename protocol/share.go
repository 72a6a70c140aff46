package protocol

import "math"

// How a cluster's room is shared between users, and between the jobs of one. See docs/sharing.md.

// The operations about shares, and who may ask for them.
const (
	OpPutUser    = "user.put"  // UserShare → nothing; admins
	OpListUsers  = "user.ls"   // nothing → []UserInfo; admins see all, users themselves
	OpDropUser   = "user.rm"   // IdentityName → nothing; admins: the user's keys are revoked, jobs ended, and share forgotten
	OpShareJob   = "job.share" // ShareJob → JobShare; users
	OpReportLoad = "node.load" // NodeLoad → nothing; agents, when it has changed
)

// UserShare is what a user may have of the cluster. The zero value of each field is what one has of whom nothing is said.
type UserShare struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight,omitempty"` // 0 is 1: with twice the weight, twice the share
	CPUs   float64 `json:"cpus,omitempty"`   // that tasks of the user's jobs may have at once; 0 for no limit
	Jobs   int     `json:"jobs,omitempty"`   // that may be open at once, others wait; 0 for no limit
}

// UserInfo is a user and what the jobs have at this moment.
type UserInfo struct {
	UserShare

	Role  string  `json:"role,omitempty"` // "" for one who hasn't joined
	Live  int     `json:"live"`           // jobs that are open
	Used  Amounts `json:"used"`
	Share float64 `json:"share"` // the largest part of any resource of the cluster that the jobs have, from 0 to 1
}

// JobShare is what a job may have among its user's.
type JobShare struct {
	Weight float64 `json:"weight,omitempty"` // 0 is 1
	CPUs   float64 `json:"cpus,omitempty"`   // that its tasks may have at once; 0 for no limit of its own
}

// ShareJob changes a job's share: fields that are nil stay. The answer is what it is then.
type ShareJob struct {
	Job    string   `json:"job"`
	Weight *float64 `json:"weight,omitempty"`
	CPUs   *float64 `json:"cpus,omitempty"`
}

// Quota is how many CPUs a job's coordinator may give tasks at once, as its user's limit or its own has it.
type Quota struct {
	CPUs  float64 `json:"cpus"`            // below 0 for any number
	Limit float64 `json:"limit,omitempty"` // that the quota can come to be at most
	Why   string  `json:"why,omitempty"`   // the rule, for people
}

// JobRenewed is the answer to RenewJob. A coordinator keeps to the quota from then on, and says so when it renews again.
type JobRenewed struct {
	Quota *Quota `json:"quota,omitempty"` // nil: as before
}

// Amounts is so much of a cluster, or of a node. CPUs, GPUs and named resources count in 1/10,000, memory in bytes.
type Amounts struct {
	CPU    int64            `json:"cpu,omitempty"`
	Memory int64            `json:"memory,omitempty"`
	GPUs   int64            `json:"gpus,omitempty"`
	Named  map[string]int64 `json:"named,omitempty"`
}

// Add adds others to a. A sum that is too large for its type is the largest one.
func (a *Amounts) Add(o *Amounts) {
	a.CPU = sum(a.CPU, o.CPU)
	a.Memory = sum(a.Memory, o.Memory)
	a.GPUs = sum(a.GPUs, o.GPUs)
	if len(o.Named) > 0 && a.Named == nil {
		a.Named = map[string]int64{}
	}
	for name, n := range o.Named {
		a.Named[name] = sum(a.Named[name], n)
	}
}

func sum(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Vector is the amounts in an order: CPU, memory, GPUs, and the named ones.
func (a *Amounts) Vector(named []string) []int64 {
	v := make([]int64, 3, 3+len(named))
	v[0], v[1], v[2] = a.CPU, a.Memory, a.GPUs
	for _, name := range named {
		v = append(v, a.Named[name])
	}
	return v
}

// IsZero reports whether there is nothing of anything.
func (a *Amounts) IsZero() bool {
	for _, n := range a.Named {
		if n != 0 {
			return false
		}
	}
	return a.CPU == 0 && a.Memory == 0 && a.GPUs == 0
}

// NodeLoad is what the tasks of jobs have of a node, by job.
type NodeLoad struct {
	Jobs map[string]Amounts `json:"jobs"`
}
