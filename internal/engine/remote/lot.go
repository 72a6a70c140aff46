package remote

import (
	"container/list"

	"github.com/musterrun/muster/protocol"
)

// parked is an offer that waits for tasks.
type parked struct {
	protocol.Offer
	reply string // where the batch goes
}

// lot are the parked offers, one a node, the longest waiting first. Not for concurrent use.
type lot struct {
	order list.List // of *parked
	nodes map[string]*list.Element
}

// maxParked bounds how many nodes may wait, since an agent can claim any name in an offer.
const maxParked = 16 << 10

// add parks an offer. It takes the place in the queue of the node's older one, which is returned: it is to be answered
// with an empty batch, as is the offer itself if there are too many.
//
// Which is newer is told by when they come, not by their numbers: one agent's come in order, and one that was started
// anew counts from 1 again.
func (l *lot) add(p *parked) (refused *parked) {
	if e, ok := l.nodes[p.Node]; ok {
		old := e.Value.(*parked)
		e.Value = p
		return old
	}
	if l.order.Len() >= maxParked {
		return p
	}
	if l.nodes == nil {
		l.nodes = map[string]*list.Element{}
	}
	l.nodes[p.Node] = l.order.PushBack(p)
	return nil
}

// remove takes out a node's offer: nil if there is none.
func (l *lot) remove(node string) *parked {
	e, ok := l.nodes[node]
	if !ok {
		return nil
	}
	delete(l.nodes, node)
	return l.order.Remove(e).(*parked)
}

// all appends the offers to dst, the longest waiting first.
func (l *lot) all(dst []*parked) []*parked {
	for e := l.order.Front(); e != nil; e = e.Next() {
		dst = append(dst, e.Value.(*parked))
	}
	return dst
}

// clear takes out all offers.
func (l *lot) clear() []*parked {
	all := l.all(nil)
	l.order.Init()
	clear(l.nodes)
	return all
}
