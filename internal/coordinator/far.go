package coordinator

import (
	"math"
	"slices"
)

// Node is a place where tasks run that are away, as far as it matters for whether they ever can.
type Node struct {
	Room  []int64                 // all that it has by dimension, whoever uses it; without limit beyond the list's end
	Suits func(class uint32) bool // whether tasks of a class may run there
}

// UnstickFar does for tasks that run elsewhere what is done for others after each event: it fails those that are ready
// and can never start, since on each node that could run them only such tasks hold what they lack as wait for them, or
// for tasks like them: Settle(Stuck). The same holds for what is lacking of a limit, which is how much of a dimension all
// of them may have on all nodes together; there is none for dimensions beyond the list's end. The tasks that hold something are on the
// node of which on gives the number; while one is on a node that isn't among them, which is below 0, nothing is done. What
// other machines' users hold there isn't known: a node or a limit that has enough but for what this machine's tasks hold
// counts as one that will have it.
func (m *Machine) UnstickFar(nodes []Node, limits []int64, on func(ID) int) {
	for again := true; again; {
		f, known := m.lookFar(nodes, limits, on)
		again = known && f.anyLacks(m) && m.failStuck(m.findLive(f))
	}
	m.conclude()
}

// far is who holds what of which node, and of the limits, which stand behind the nodes as if they were one more.
type far struct {
	nodes   []Node
	limits  Node
	at      map[uint32]int    // the node of a holder, by place
	held    map[slot]int64    // in all
	holders map[slot][]uint32 // by place
}

func (f *far) len() int {
	if f == nil {
		return 0
	}
	return len(f.nodes) + 1
}

// slot numbers a dimension of a node, or of the limits: behind those of the session's own room, node by node.
func (f *far) slot(m *Machine, node int, d Dim) slot {
	return slot(len(m.room.total)*(1+node) + int(d))
}

func (f *far) node(place uint32) (node int, known bool) {
	if f == nil {
		return 0, false
	}
	node, known = f.at[place]
	return node, known
}

// lookFar is false while a holder is on a node that isn't known.
func (m *Machine) lookFar(nodes []Node, limits []int64, on func(ID) int) (*far, bool) {
	f := &far{nodes: nodes, limits: Node{Room: limits}, at: map[uint32]int{}, held: map[slot]int64{}, holders: map[slot][]uint32{}}
	for _, i := range m.farHold {
		node := on(m.idOf(i))
		if node < 0 || node >= len(nodes) {
			return nil, false
		}
		f.at[i] = node
		for _, a := range m.needs[m.table.at(i).need].amounts {
			for _, k := range []slot{f.slot(m, node, a.Dim), f.slot(m, len(nodes), a.Dim)} {
				f.held[k] += a.N
				f.holders[k] = append(f.holders[k], i)
			}
		}
	}
	return f, true
}

// anyLacks is the cheap necessary condition: some ready task lacks what tasks hold that run elsewhere.
func (f *far) anyLacks(m *Machine) bool {
	if len(m.farHold) == 0 {
		return false
	}
	for _, n := range m.far {
		if n.holds && f.lacking(m, n) != nil {
			return true
		}
	}
	return false
}

// lacking is what a need lacks on each node that could run it; nil if there is one that lacks nothing, or if there is
// none, which is another matter: see Refuse.
func (f *far) lacking(m *Machine, n *need) (all [][]slot) {
	limited := f.overLimits(m, n)
	for v := range f.nodes {
		slots := slices.Clip(limited)
		fits := f.nodes[v].Suits(n.class)
		for _, a := range n.amounts {
			room := f.nodes[v].room(a.Dim)
			fits = fits && a.N <= room
			if k := f.slot(m, v, a.Dim); a.Dim != CPU && a.N > room-f.held[k] {
				slots = append(slots, k)
			}
		}
		switch {
		case fits && slots == nil:
			return nil
		case fits:
			all = append(all, slots)
		}
	}
	return all
}

// overLimits is of which limits a need lacks something. One that it could never keep is another matter.
func (f *far) overLimits(m *Machine, n *need) (slots []slot) {
	for _, a := range n.amounts {
		most := f.limits.room(a.Dim)
		if k := f.slot(m, len(f.nodes), a.Dim); a.Dim != CPU && a.N <= most && a.N > most-f.held[k] {
			slots = append(slots, k)
		}
	}
	return slots
}

func (n *Node) room(d Dim) int64 {
	if int(d) >= len(n.Room) {
		return math.MaxInt64
	}
	return n.Room[d]
}

// HoldersFar calls visit with each task that runs elsewhere and holds some of the dimension there.
func (m *Machine) HoldersFar(d Dim, visit func(ID)) {
	for _, i := range m.farHold {
		if m.needs[m.table.at(i).need].hasDim(d) {
			visit(m.idOf(i))
		}
	}
}
