package fair

import (
	"cmp"
	"slices"
)

// Claim is what a job has of its user's limit, and wants of it.
type Claim struct {
	Weight float64 // 0 counts as 1
	Most   int64   // the job's own limit; 0 for none
	Has    int64   // what it may have at this moment: it was granted, or is used still
	Least  int64   // what its next task needs; with less than that more than it has, it can start nothing
	Want   int64   // what it could use in all
}

// Divide divides a limit among those who claim a part, by their weights, in pieces of a unit. A grant below what a job has
// is to be told first, and takes effect as its tasks end: until it says that it has less, nobody else gets it, so that
// grants and what is in use are never above the limit together, unless they were before. A limit of 0 is none.
//
// Who has least comes first, and gets what its next task needs, if that is there: else a large task would never start
// beside small ones of the same user. What is left is divided evenly.
func Divide(limit, unit int64, claims []Claim) []int64 {
	goal := make([]int64, len(claims))
	if limit <= 0 {
		for i := range claims {
			goal[i] = claims[i].Most
		}
		return goal
	}
	share(goal, limit, unit, claims)
	free := limit
	for i := range claims {
		free -= max(claims[i].Has, 0)
	}
	// What others still have above their goal isn't there yet.
	for _, i := range poorest(claims) {
		more := max(0, min(goal[i]-claims[i].Has, free))
		if goal[i] > claims[i].Has {
			goal[i] = claims[i].Has + more
		}
		free -= more
	}
	return goal
}

// share finds what each would get if nobody had anything yet. What nobody wants is divided too, so that who has nothing to
// do now can begin at once.
func share(goal []int64, limit, unit int64, claims []Claim) {
	unit = max(1, unit, limit/maxPieces)
	most := func(i int, n int64) int64 {
		if m := claims[i].Most; m > 0 {
			return min(n, m)
		}
		return n
	}
	order := poorest(claims)
	left := limit
	for _, i := range order {
		if n := most(i, claims[i].Least); n > 0 && n <= left {
			goal[i] = n
			left -= n
		}
	}
	for _, up := range []func(i int) int64{
		func(i int) int64 { return most(i, max(claims[i].Want, claims[i].Least)) },
		func(i int) int64 { return most(i, limit) },
	} {
		left = fill(goal, left, unit, claims, order, up)
	}
}

// maxPieces is into how many pieces a limit is divided, at most.
const maxPieces = 1024

// fill gives pieces to who gets least by weight and is below its upper bound, and returns what is left. Of equal ones, who
// has more keeps it: to take a piece from one for another costs the time in which nobody uses it.
func fill(goal []int64, left, unit int64, claims []Claim, order []int, up func(int) int64) int64 {
	for left > 0 {
		best := -1
		for _, i := range slices.Backward(order) {
			if goal[i] < up(i) && (best < 0 || per(goal[i], &claims[i]) < per(goal[best], &claims[best])) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		n := min(unit, left, up(best)-goal[best])
		goal[best] += n
		left -= n
	}
	return left
}

func per(n int64, c *Claim) float64 { return float64(n) / weight(c.Weight) }

// poorest are the claims in the order of what they have, by weight; those with the same as they came.
func poorest(claims []Claim) []int {
	order := make([]int, len(claims))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(per(claims[a].Has, &claims[a]), per(claims[b].Has, &claims[b])) })
	return order
}
