package dispatch

import (
	"container/list"

	"github.com/musterrun/muster/protocol"
)

// Parked is an offer that waits for tasks.
type Parked struct {
	protocol.Offer
	Reply string // where the batch goes
	Waits bool   // there was nothing for it when it came, so what is shared may have gone to others meanwhile
	Order uint64 // the driver's preference among the nodes whose room others have too: the least comes first

	said bool // that there is nothing
}

// Lot are the parked offers, one a node, the longest waiting first. Not for concurrent use.
type Lot struct {
	order list.List // of *Parked
	nodes map[string]*list.Element
	fresh []*Parked // that nobody has looked at; some of them may have gone
}

// maxParked bounds how many nodes may wait, since an agent can claim any name in an offer.
const maxParked = 16 << 10

// Add parks an offer, and reports whether it did: if there are too many, it is to be answered with an empty batch. It takes
// the place in the queue of the node's older one, of which nobody hears any more.
//
// Which is newer is told by when they come, not by their numbers: one agent's come in order, and one that was started
// anew counts from 1 again.
func (l *Lot) Add(p *Parked) bool {
	if e, ok := l.nodes[p.Node]; ok {
		old := e.Value.(*Parked)
		p.said = old.said && old.CPU > 0
		e.Value = p
		l.fresh = append(l.fresh, p)
		return true
	}
	if l.order.Len() >= maxParked {
		return false
	}
	if l.nodes == nil {
		l.nodes = map[string]*list.Element{}
	}
	l.nodes[p.Node] = l.order.PushBack(p)
	l.fresh = append(l.fresh, p)
	return true
}

// Len is how many offers are parked.
func (l *Lot) Len() int { return l.order.Len() }

// Remove takes out a node's offer: nil if there is none.
func (l *Lot) Remove(node string) *Parked {
	e, ok := l.nodes[node]
	if !ok {
		return nil
	}
	delete(l.nodes, node)
	return l.order.Remove(e).(*Parked)
}

// All appends the offers to dst, the longest waiting first.
func (l *Lot) All(dst []*Parked) []*Parked {
	l.forgetFresh()
	for e := l.order.Front(); e != nil; e = e.Next() {
		dst = append(dst, e.Value.(*Parked))
	}
	return dst
}

// Fresh appends those offers to dst that neither it nor All has given yet, as they came. With a thousand nodes, to look at
// all of them for each that comes would take most of a driver's time.
func (l *Lot) Fresh(dst []*Parked) []*Parked {
	for _, p := range l.fresh {
		if l.Has(p) {
			dst = append(dst, p)
		}
	}
	l.forgetFresh()
	return dst
}

// Has reports whether an offer is parked.
func (l *Lot) Has(p *Parked) bool {
	e, ok := l.nodes[p.Node]
	return ok && e.Value == p
}

func (l *Lot) forgetFresh() {
	clear(l.fresh)
	l.fresh = l.fresh[:0]
}

// Unsaid reports once whether a node is to hear that there is nothing for its offer, since it asks others then.
func (p *Parked) Unsaid() bool {
	said := p.said
	p.said = true
	return p.Shared && p.CPU > 0 && !said
}

// Clear takes out all offers.
func (l *Lot) Clear() []*Parked {
	all := l.All(nil)
	l.order.Init()
	clear(l.nodes)
	return all
}
