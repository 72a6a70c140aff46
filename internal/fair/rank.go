package fair

import (
	"cmp"
	"math"
)

// Amounts is so much of each resource, such as CPUs and memory, in an order that the caller keeps.
type Amounts []int64

// Dominant is the largest part that so much is of what there is of a resource. What is used of a resource that nobody has
// is passed over.
func Dominant(used, total Amounts) float64 {
	part := 0.0
	for i, n := range used {
		if i < len(total) && total[i] > 0 {
			part = max(part, float64(n)/float64(total[i]))
		}
	}
	return part
}

// Job is what the order of jobs depends on. A weight of 0 counts as 1.
type Job struct {
	ID         string // decides between equal jobs
	User       string
	UserWeight float64
	Weight     float64 // among the user's jobs
	Used       Amounts
	Drift      float64 // a part that it is ranked as if it had it, or as if it hadn't; see Drift
}

// Rank is a job's place in the order: the smallest comes first. User and Job are dominant shares, by weight.
type Rank struct {
	User, Job float64
	Owner, ID string
}

// Compare orders ranks: by the users' shares, then by the jobs'. Between equal shares names decide.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(cmp.Compare(r.User, o.User), cmp.Compare(r.Owner, o.Owner), cmp.Compare(r.Job, o.Job), cmp.Compare(r.ID, o.ID))
}

// Less reports whether a job has a smaller share than another: equal ones have the same claim, whatever Compare says.
func (r Rank) Less(o Rank) bool {
	return r.User < o.User || r.Owner == o.Owner && r.Job < o.Job
}

// Ranks appends the jobs' ranks to dst, in the order of the jobs. All jobs of a user that have something count towards the
// user's share, so they are to be among them.
func Ranks(dst []Rank, total Amounts, jobs []Job) []Rank {
	type of struct {
		used  Amounts
		drift float64
	}
	users := make(map[string]*of, 4)
	for i := range jobs {
		j := &jobs[i]
		u := users[j.User]
		if u == nil {
			u = &of{used: make(Amounts, len(total))}
			users[j.User] = u
		}
		for d := range min(len(u.used), len(j.Used)) {
			u.used[d] += j.Used[d]
		}
		u.drift += j.Drift
	}
	for i := range jobs {
		j := &jobs[i]
		u := users[j.User]
		dst = append(dst, Rank{
			User: (Dominant(u.used, total) + u.drift) / weight(j.UserWeight), Owner: j.User,
			Job: (Dominant(j.Used, total) + j.Drift) / weight(j.Weight), ID: j.ID,
		})
	}
	return dst
}

func weight(w float64) float64 {
	if w > 0 && !math.IsInf(w, 0) {
		return w
	}
	return 1
}
