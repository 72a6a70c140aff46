package fair

import (
	"cmp"
	"container/heap"
	"slices"
)

// Claim is what a job has of its user's limits, and wants of them. All amounts are in the order of the limits.
type Claim struct {
	Weight float64 // 0 counts as 1
	Most   Amounts // the job's own limits; 0 for none
	Has    Amounts // what it may have at this moment: it was granted, or is used still
	Least  Amounts // what its next task needs; with less than that it can start nothing
	Want   Amounts // what it could use in all
	Last   int64   // when it had as much as its next task needs, by any clock
}

// Divide divides limits among those who claim a part, by their weights, in pieces of so many units. A grant below what a job
// has is to be told first, and takes effect as its tasks end: until it says that it has less, nobody else gets it, so that
// grants and what is in use are never above a limit together, unless they were before. A limit of 0 is none.
//
// Who hasn't had enough for its next task for longest comes first, and gets all that it needs, if that is there: else a large
// task would never start beside small ones of the same user, or two jobs would each keep half of what both need. What is left
// of each limit is divided evenly.
func Divide(limits, units Amounts, claims []Claim) []Amounts {
	order := sorted(claims, func(a, b *Claim) int { return cmp.Compare(a.Last, b.Last) })
	goals := nextTasks(limits, claims, order)
	for d, limit := range limits {
		if limit <= 0 {
			for i := range claims {
				goals[i][d] = claims[i].Most[d]
			}
			continue
		}
		share(goals, d, limit, units[d], claims)
		free := limit
		for i := range claims {
			free -= max(claims[i].Has[d], 0)
		}
		// What others still have above their goal isn't there yet.
		for _, i := range order {
			has := claims[i].Has[d]
			more := max(0, min(goals[i][d]-has, free))
			if goals[i][d] > has {
				goals[i][d] = has + more
			}
			free -= more
		}
	}
	return goals
}

// most is what a job may have of a dimension, if that is below n.
func (c *Claim) most(d int, n int64) int64 {
	if m := c.Most[d]; m > 0 {
		return min(n, m)
	}
	return n
}

// nextTasks is what each of those gets for its next task for whom all of that is there. Nobody is taken to have anything.
func nextTasks(limits Amounts, claims []Claim, order []int) []Amounts {
	goals := make([]Amounts, len(claims))
	left := slices.Clone(limits)
	for _, i := range order {
		c := &claims[i]
		goals[i] = make(Amounts, len(limits))
		fits := true
		for d, limit := range limits {
			fits = fits && (limit <= 0 || c.most(d, c.Least[d]) <= left[d])
		}
		for d, limit := range limits {
			if fits && limit > 0 {
				goals[i][d] = max(0, c.most(d, c.Least[d]))
				left[d] -= goals[i][d]
			}
		}
	}
	return goals
}

// share finds what each would get of one dimension if nobody had anything yet. What nobody wants is divided too, so that who
// has nothing to do now can begin at once.
func share(goals []Amounts, d int, limit, unit int64, claims []Claim) {
	unit = max(1, unit, limit/maxPieces)
	order := sorted(claims, func(a, b *Claim) int {
		return cmp.Compare(float64(a.Has[d])/weight(a.Weight), float64(b.Has[d])/weight(b.Weight))
	})
	left := limit
	for i := range goals {
		left -= goals[i][d]
	}
	units := func(_ *Claim, most int64) int64 { return min(unit, most) }
	tasks := func(c *Claim, most int64) int64 { // what is less than a task needs, nobody could use
		if n := max(unit, c.Least[d]); n <= most {
			return n
		}
		return 0
	}
	wanted := func(c *Claim) int64 { return c.most(d, max(c.Want[d], c.Least[d])) }
	left = fill(goals, d, left, claims, order, tasks, wanted)
	left = fill(goals, d, left, claims, order, units, wanted)
	fill(goals, d, left, claims, order, units, func(c *Claim) int64 { return c.most(d, limit) })
}

// maxPieces is into how many pieces a limit is divided, at most.
const maxPieces = 1024

// fill gives pieces to who gets least by weight and is below its upper bound, and returns what is left. A piece is
// of what is there for somebody, at most. Of equal ones, who has more keeps it: to take a piece from one for another costs
// the time in which nobody uses it. Who gets none gets none later either, since there is ever less.
func fill(
	goals []Amounts, d int, left int64, claims []Claim, order []int, piece func(c *Claim, most int64) int64, up func(*Claim) int64,
) int64 {
	q := make(turns, 0, len(order))
	for at, i := range order {
		q = append(q, turn{claim: i, at: at, per: float64(goals[i][d]) / weight(claims[i].Weight)})
	}
	heap.Init(&q)
	for left > 0 && len(q) > 0 {
		next := &q[0]
		c, goal := &claims[next.claim], &goals[next.claim][d]
		n := int64(0)
		if most := min(left, up(c)-*goal); most > 0 {
			n = piece(c, most)
		}
		if n <= 0 {
			heap.Pop(&q)
			continue
		}
		*goal += n
		left -= n
		next.per = float64(*goal) / weight(c.Weight)
		heap.Fix(&q, 0)
	}
	return left
}

// sorted are the claims in an order; equal ones stay as they came.
func sorted(claims []Claim, compare func(a, b *Claim) int) []int {
	order := make([]int, len(claims))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(&claims[a], &claims[b]) })
	return order
}
