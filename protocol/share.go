package protocol

import (
	"maps"
	"math"
	"strconv"
)

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
	Limits // that tasks of the user's jobs may have at once

	Name   string  `json:"name"`
	Weight float64 `json:"weight,omitempty"` // 0 is 1: with twice the weight, twice the share
	Jobs   int     `json:"jobs,omitempty"`   // that may be open at once, others wait; 0 for no limit
}

// Limits is how much tasks may have at once: 0, or nothing, is for no limit.
type Limits struct {
	CPUs   float64          `json:"cpus,omitempty"`
	GPUs   float64          `json:"gpus,omitempty"`
	Memory int64            `json:"memory,omitempty"` // bytes
	Named  map[string]int64 `json:"named,omitempty"`  // other resources, in 1/10,000
}

// Amounts is the limits as amounts. It shares Named.
func (l *Limits) Amounts() Amounts {
	return Amounts{CPU: units(l.CPUs), Memory: l.Memory, GPUs: units(l.GPUs), Named: l.Named}
}

// units is CPUs or GPUs in 1/10,000.
func units(n float64) int64 {
	if !(n > 0) {
		return 0
	}
	return int64(min(n, 1e9) * oneCPU)
}

// The names of resources that have fields of their own elsewhere. Others are by the names that nodes give them; one that is
// called as one of these can't be limited.
const (
	NameCPU    = "cpu"
	NameMemory = "memory"
	NameGPU    = "gpu"
)

// AmountText writes so much of a resource for people: "8 CPUs", "64 GiB of memory", "3 of licence".
func AmountText(name string, n int64) string {
	what := " of " + name
	switch name {
	case NameCPU:
		what = plural(n, oneCPU, " CPU")
	case NameGPU:
		what = plural(n, oneCPU, " GPU")
	}
	return NumberText(name, n) + what
}

// plural is the word for so many, each of which is unit.
func plural(n, unit int64, word string) string {
	if n == unit {
		return word
	}
	return word + "s"
}

// NumberText is the number alone, which has a unit for memory: "8", "64 GiB".
func NumberText(name string, n int64) string {
	unit, after := float64(oneCPU), ""
	if name == NameMemory {
		unit, after = 1, plural(n, 1, " byte")
		for _, u := range []string{" KiB", " MiB", " GiB", " TiB"} {
			if float64(n)/unit >= 1<<10 {
				unit, after = unit*(1<<10), u
			}
		}
	}
	return strconv.FormatFloat(float64(n)/unit, 'g', 6, 64) + after
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
	Limits // that its tasks may have at once

	Weight float64 `json:"weight,omitempty"` // 0 is 1
}

// ShareJob changes a job's share: a weight of nil stays. The answer is what it is then.
type ShareJob struct {
	ChangeLimits

	Job    string   `json:"job"`
	Weight *float64 `json:"weight,omitempty"`
}

// ChangeLimits changes limits: what is nil stays, and so do named resources that aren't there. 0 takes a limit back.
type ChangeLimits struct {
	CPUs   *float64         `json:"cpus,omitempty"`
	GPUs   *float64         `json:"gpus,omitempty"`
	Memory *int64           `json:"memory,omitempty"`
	Named  map[string]int64 `json:"named,omitempty"`
}

// IsZero reports whether all stays.
func (c *ChangeLimits) IsZero() bool {
	return c.CPUs == nil && c.GPUs == nil && c.Memory == nil && len(c.Named) == 0
}

// Apply is what limits are after the change. Those that were stay as they are.
func (c *ChangeLimits) Apply(l Limits) Limits {
	set(&l.CPUs, c.CPUs)
	set(&l.GPUs, c.GPUs)
	set(&l.Memory, c.Memory)
	named := map[string]int64{}
	maps.Copy(named, l.Named)
	maps.Copy(named, c.Named)
	maps.DeleteFunc(named, func(_ string, n int64) bool { return n == 0 })
	if l.Named = named; len(named) == 0 {
		l.Named = nil
	}
	return l
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Quota is how much a job's coordinator may give tasks at once, as its user's limits or its own have it.
type Quota struct {
	CPUs  float64 `json:"cpus"`            // below 0 for any number
	Limit float64 `json:"limit,omitempty"` // that the quota of CPUs can come to be at most
	Why   string  `json:"why,omitempty"`   // the rule of CPUs, for people

	Others map[string]QuotaOf `json:"others,omitempty"` // by name: what isn't there has none. Older coordinators keep to CPUs alone
}

// QuotaOf is how much of one resource a job's tasks may have at once.
type QuotaOf struct {
	N     int64  `json:"n"`
	Limit int64  `json:"limit"` // that the quota can come to be at most
	Why   string `json:"why"`   // the rule, for people
}

// Equal reports whether two quotas are the same.
func (q *Quota) Equal(o *Quota) bool {
	return q.CPUs == o.CPUs && q.Limit == o.Limit && q.Why == o.Why && maps.Equal(q.Others, o.Others)
}

// ByName is the quota of each resource that has one, CPUs too.
func (q *Quota) ByName() map[string]QuotaOf {
	all := map[string]QuotaOf{}
	maps.Copy(all, q.Others)
	if delete(all, NameCPU); q.CPUs >= 0 {
		all[NameCPU] = QuotaOf{units(q.CPUs), units(q.Limit), q.Why}
	}
	return all
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
