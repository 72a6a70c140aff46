package fair

// turns are claims, a heap with the one on top that gets the next piece.
type turns []turn

type turn struct {
	claim int
	at    int     // its place in the order: of equal ones, the last comes first
	per   float64 // what it gets so far, by weight
}

func (q turns) Len() int { return len(q) }

func (q turns) Less(i, j int) bool {
	if q[i].per != q[j].per {
		return q[i].per < q[j].per
	}
	return q[i].at > q[j].at
}

func (q turns) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is there for heap.Interface.
func (q *turns) Push(x any) { *q = append(*q, x.(turn)) }

// Pop is there for heap.Interface.
func (q *turns) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	*q = (*q)[:last]
	return t
}
