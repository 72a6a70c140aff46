package fair

import "math"

// A node divides what it has in whole pieces, such as CPUs, so at no moment does each job have its part. What is wrong by
// less than a piece is made good over time instead, as the deficits of a round robin are (Shreedhar and Varghese, 1995): a
// job that has more than its part runs up a drift, and is ranked as if it had so much more.

// driftAfter is in how many seconds a job that has all, and should have nothing, drifts by a piece.
const driftAfter = 0.5

// Drift brings the drifts of jobs that all want more up to date after so many seconds in which they had what they have, in the
// order of the jobs: by how many pieces each has had more than its part by the weights, from -1 to 1. It is bounded, so that
// nothing is paid back for long, and only what whole pieces do is made good: what is wrong by more, ranks see.
func Drift(drifts []float64, seconds float64, total Amounts, jobs []Job) {
	all := 0.0                                           // the weights of the users
	users := make(map[string]float64, min(4, len(jobs))) // of the jobs of each
	sum := 0.0
	for i := range jobs {
		j := &jobs[i]
		if users[j.User] == 0 {
			all += weight(j.UserWeight)
		}
		users[j.User] += weight(j.Weight)
		sum += Dominant(j.Used, total)
	}
	if sum == 0 {
		return // nobody has anything
	}
	steps := seconds / driftAfter
	low, high := math.Inf(1), math.Inf(-1)
	for i := range jobs {
		j := &jobs[i]
		part := weight(j.UserWeight) / all * weight(j.Weight) / users[j.User]
		drifts[i] += steps * (Dominant(j.Used, total)/sum - part)
		low, high = min(low, drifts[i]), max(high, drifts[i])
	}
	middle := (low + high) / 2 // only differences matter
	for i := range drifts {
		drifts[i] = max(-1, min(drifts[i]-middle, 1))
	}
}
