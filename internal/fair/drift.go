package fair

import "math"

// A node divides what it has in whole pieces, such as CPUs, so at no moment does each job have its part. What is wrong by
// less than a piece is made good over time instead, as the deficits of a round robin are (Shreedhar and Varghese, 1995): a
// job that has more than its part runs up a drift, and is ranked as if it had so much more.

// driftAfter is in how many seconds a job that has all, and should have nothing, drifts by a piece.
const driftAfter = 0.5

// Drift brings the drifts of jobs that all want more, and those of their users, up to date after so many seconds in which
// they had what they have: by how many pieces each has had more than its part by the weights, from -1 to 1, a job among its
// user's jobs, in the order of the jobs, and a user, by name, among the users. So ten jobs drift no further than one. It is
// bounded, so that nothing is paid back for long, and only what whole pieces do is made good: what is wrong by more, ranks
// see.
func Drift(users map[string]float64, drifts []float64, seconds float64, total Amounts, jobs []Job) {
	sums, has, weights := sumUsers(total, jobs)
	if has == 0 {
		return // nobody has anything
	}
	steps := seconds / driftAfter / has
	for i := range jobs {
		j := &jobs[i]
		u := sums[j.User]
		drifts[i] += steps * (Dominant(j.Used, total) - u.has*weight(j.Weight)/u.jobs)
		u.drifts.add(drifts[i])
	}
	for i := range jobs {
		drifts[i] = sums[jobs[i].User].drifts.bound(drifts[i])
	}
	all := nothing
	for name, u := range sums {
		users[name] += steps * (u.has - has*u.weight/weights)
		all.add(users[name])
	}
	for name := range sums {
		users[name] = all.bound(users[name])
	}
}

// userSum is what a user's jobs have and weigh together.
type userSum struct {
	weight, jobs, has float64
	drifts            span
}

func sumUsers(total Amounts, jobs []Job) (sums map[string]*userSum, has, weights float64) {
	sums = make(map[string]*userSum, min(4, len(jobs)))
	for i := range jobs {
		j := &jobs[i]
		u := sums[j.User]
		if u == nil {
			u = &userSum{weight: weight(j.UserWeight), drifts: nothing}
			sums[j.User] = u
			weights += u.weight
		}
		share := Dominant(j.Used, total)
		u.jobs += weight(j.Weight)
		u.has += share
		has += share
	}
	return sums, has, weights
}

// span is from the least to the largest of some drifts.
type span struct{ low, high float64 }

var nothing = span{math.Inf(1), math.Inf(-1)}

func (s *span) add(x float64) { s.low, s.high = min(s.low, x), max(s.high, x) }

// bound is a drift by its distance from the middle, since only differences matter.
func (s *span) bound(x float64) float64 { return max(-1, min(x-(s.low+s.high)/2, 1)) }
