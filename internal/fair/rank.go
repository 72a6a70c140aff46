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
	ID         string
	User       string
	UserWeight float64
	Weight     float64 // among the user's jobs
	Used       Amounts
	UserDrift  float64 // a part that its user is ranked as if having it, or not having it; see Drift
	Drift      float64 // and so is the job among its user's
	Last       int64   // when it was given something last, by any clock
}

// Rank is a job's place in the order: the smallest comes first. User and Job are dominant shares, by weight.
type Rank struct {
	User, Job         float64
	UserLast, JobLast int64 // when they were given something last
	Owner, ID         string
}

// Compare orders ranks: by the users' shares, then by the jobs'. Between equal shares the one comes first that has waited
// longest, or else where there are more jobs than CPUs some would wait for ever; and then names decide.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(cmp.Compare(r.User, o.User), cmp.Compare(r.UserLast, o.UserLast), cmp.Compare(r.Owner, o.Owner),
		cmp.Compare(r.Job, o.Job), cmp.Compare(r.JobLast, o.JobLast), cmp.Compare(r.ID, o.ID))
}

// Less reports whether a job has a smaller share than another: equal ones have the same claim, whatever Compare says.
func (r Rank) Less(o Rank) bool {
	return r.User < o.User || r.Owner == o.Owner && r.Job < o.Job
}

// Ranks appends the jobs' ranks to dst, in the order of the jobs. All jobs of a user that have something count towards the
// user's share, so they are to be among them.
func Ranks(dst []Rank, total Amounts, jobs []Job) []Rank {
	type sum struct {
		used Amounts
		last int64
	}
	users := make(map[string]*sum, 4)
	for i := range jobs {
		j := &jobs[i]
		u := users[j.User]
		if u == nil {
			u = &sum{make(Amounts, len(total)), j.Last}
			users[j.User] = u
		}
		for d := range min(len(u.used), len(j.Used)) {
			u.used[d] += j.Used[d]
		}
		u.last = max(u.last, j.Last)
	}
	for i := range jobs {
		j := &jobs[i]
		u := users[j.User]
		dst = append(dst, Rank{
			User: byWeight(Dominant(u.used, total)+j.UserDrift, j.UserWeight), UserLast: u.last, Owner: j.User,
			Job: byWeight(Dominant(j.Used, total)+j.Drift, j.Weight), JobLast: j.Last, ID: j.ID,
		})
	}
	return dst
}

// byWeight is a part by the weight of who has it. Who is ranked as if having less than nothing is by that alone: a larger
// weight would make it less, and put who has it behind.
func byWeight(part, w float64) float64 {
	if part < 0 {
		return part
	}
	return part / weight(w)
}

func weight(w float64) float64 {
	if w > 0 && !math.IsInf(w, 0) {
		return w
	}
	return 1
}
