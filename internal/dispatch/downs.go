package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Downs are what is to be said to the nodes: a line each, of whose messages one is on its way at a time, so that one
// that is sent again can't overtake a newer one. Not for concurrent use.
type Downs struct {
	lines  map[string]*line
	ready  []*line          // those that may have something to send, each once
	flying map[uint64]*line // by the number of the message on its way
	number uint64           // of the last message
}

// line is what is to be said to one node.
type line struct {
	node   string
	items  []protocol.Item // not sent yet
	bytes  int             // of those, about
	sent   []protocol.Item // on their way
	number uint64          // of the message that has them; 0 if none is on its way
	at     time.Time       // when it was sent last, or will have arrived if it is long
	ready  bool            // it is in Downs.ready
	over   bool            // it is above maxLine, and that was said
}

// MaxMessage is how many bytes of items go into a message, beyond the first.
const MaxMessage = 1 << 20

// maxLine is how many bytes wait for a node beyond which there is something wrong with it.
const maxLine = 64 << 20

// Add puts an item at the end of a node's line, and reports whether that has become too long just now.
func (d *Downs) Add(node string, it protocol.Item) (over bool) {
	if d.lines == nil {
		d.lines, d.flying = map[string]*line{}, map[uint64]*line{}
	}
	l := d.lines[node]
	if l == nil {
		l = &line{node: node}
		d.lines[node] = l
	}
	l.items = append(l.items, it)
	l.bytes += sizeOf(it)
	d.mark(l)
	over = l.bytes > maxLine && !l.over
	l.over = l.over || over
	return over
}

func (d *Downs) mark(l *line) {
	if !l.ready && l.number == 0 && len(l.items) > 0 {
		l.ready = true
		d.ready = append(d.ready, l)
	}
}

// Message is what one line has on its way.
type Message struct {
	Node   string
	Number uint64
	Items  []protocol.Item
}

func (l *line) message() Message { return Message{l.node, l.number, l.sent} }

// Next is a message to send now, if there is one.
func (d *Downs) Next(now time.Time) (m Message, ok bool) {
	for len(d.ready) > 0 {
		l := d.ready[0]
		d.ready = d.ready[1:]
		l.ready = false
		if l.number != 0 || len(l.items) == 0 {
			continue // it was dropped
		}
		size := l.take()
		d.number++
		l.number, l.at = d.number, now.Add(Transit(size))
		d.flying[l.number] = l
		return l.message(), true
	}
	return Message{}, false
}

// take moves as many items as a message holds to sent, and gives their size.
func (l *line) take() (size int) {
	n := 0
	for n < len(l.items) {
		s := sizeOf(l.items[n])
		if n > 0 && size+s > MaxMessage {
			break
		}
		n, size = n+1, size+s
	}
	l.sent = l.items[:n:n]
	l.items = l.items[n:]
	l.bytes -= size
	l.over = l.over && l.bytes > maxLine/2
	if len(l.items) == 0 {
		l.items = nil
	}
	return size
}

// Answered notes that a node has heard a message. One that isn't on its way to it is passed over.
func (d *Downs) Answered(node string, number uint64) {
	l := d.flying[number]
	if l == nil || l.node != node {
		return
	}
	delete(d.flying, number)
	l.number, l.sent = 0, nil
	if len(l.items) == 0 {
		delete(d.lines, l.node)
	}
	d.mark(l)
}

// Again are, in their order, the messages that were sent last before a time: they are to be sent again.
func (d *Downs) Again(before, now time.Time) (again []Message) {
	for _, l := range d.flying {
		if l.at.Before(before) {
			l.at = now
			again = append(again, l.message())
		}
	}
	slices.SortFunc(again, func(a, b Message) int { return cmp.Compare(a.Number, b.Number) })
	return again
}

// Drop forgets what is to be said to a node that is dead.
func (d *Downs) Drop(node string) {
	l := d.lines[node]
	if l == nil {
		return
	}
	delete(d.lines, node)
	delete(d.flying, l.number)
	l.items, l.number = nil, 0
}

// Ready reports whether there may be a message to send now.
func (d *Downs) Ready() bool { return len(d.ready) > 0 }

// Waits reports whether a node hasn't heard all that is to be said to it.
func (d *Downs) Waits(node string) bool { return d.lines[node] != nil }

// Idle reports whether all that was to be said was heard.
func (d *Downs) Idle() bool { return len(d.lines) == 0 }

// sizeOf is about how many bytes an item takes.
func sizeOf(it protocol.Item) int {
	const fixed = 48
	if s, ok := it.(protocol.Settle); ok {
		return fixed + SizeOfValue(&s.Value)
	}
	return fixed
}

// SizeOfValue is about how many bytes a value takes in a message.
func SizeOfValue(v *protocol.Value) int {
	n := 16 + len(v.Data) + len(v.ID) + len(v.Node)
	for i := range v.Parts {
		n += SizeOfValue(&v.Parts[i])
	}
	return n
}

// Transit is how long a message may be on its way because it is long: a laptop's link may be slow.
func Transit(size int) time.Duration {
	const slow = 512 << 10 // bytes a second
	return time.Duration(size) * time.Second / slow
}
