package sim

import (
	"math/rand/v2"
	"time"
)

// network is a model of NATS between the processes: a message arrives after a while, in the order in which one sent to
// another, or not at all. Each process has a connection to one of the servers.
type network struct {
	*clock
	rng    *rand.Rand
	faults *Faults
	apart  int // the server that is cut off from the others; -1 for none
	down   bool
	hosts  []*host
	count  int // messages sent
}

// host is a process's connection.
type host struct {
	life   *life
	server int
	cut    bool            // nothing gets through
	linked bool            // as far as the process knows
	number int             // of those that ever were
	last   []time.Duration // when the last message to another arrives, by its number
	gone   func()          // the process learns that the connection is away
	back   func()          // and that it is there again
}

// Connections: how long one takes to see that it is dead, at most, and to be made again.
const (
	pingEvery = 5 * time.Second
	connectIn = time.Second
)

func (n *network) join(h *host) *host {
	h.linked, h.number = true, len(n.hosts)
	n.hosts = append(n.hosts, h)
	return h
}

// hears reports whether a message of a gets to b now.
func (n *network) hears(a, b *host) bool {
	return !n.down && !a.cut && !b.cut && !b.life.over && b.linked && (a.server == n.apart) == (b.server == n.apart)
}

// send brings a message on its way: do happens where it arrives, if it does. It reports whether it could be sent.
func (n *network) send(from, to *host, do func()) bool {
	if !from.linked {
		return false
	}
	n.count++
	n.arrive(from, to, do)
	if n.chance(n.faults.Double) {
		n.arrive(from, to, do)
	}
	return true
}

func (n *network) arrive(from, to *host, do func()) {
	if n.chance(n.faults.Lose) {
		return
	}
	for to.number >= len(from.last) {
		from.last = append(from.last, 0)
	}
	last := &from.last[to.number]
	at := max(n.now+n.delay(), *last) // one's messages to another stay in order
	*last = at
	n.at(at, step{to.life, from, to, do})
}

// delay is how long a message is on its way.
func (n *network) delay() time.Duration {
	d := 100*time.Microsecond + time.Duration(n.rng.Uint64()&0xffff)*5*time.Nanosecond
	if n.chance(n.faults.Late) {
		d += time.Duration(n.rng.Int64N(int64(500 * time.Millisecond)))
	}
	return d
}

func (n *network) chance(p float64) bool { return p > 0 && n.rng.Float64() < p }

// cutOff keeps a process from everybody for a while. It may or may not notice.
func (n *network) cutOff(h *host, d time.Duration) {
	h.cut = true
	l := h.life
	n.within(l, pingEvery+time.Duration(n.rng.Int64N(int64(2*pingEvery))), func() {
		if h.cut && h.linked {
			n.unlink(h)
		}
	})
	n.within(l, d, func() {
		h.cut = false
		if !h.linked {
			n.relink(h)
		}
	})
}

func (n *network) unlink(h *host) {
	h.linked = false
	if h.gone != nil {
		h.gone()
	}
}

// relink connects again in a while, if that can be.
func (n *network) relink(h *host) {
	n.within(h.life, time.Duration(n.rng.Int64N(int64(connectIn))), func() {
		if h.linked || h.cut || n.down {
			return
		}
		h.linked = true
		if h.back != nil {
			h.back()
		}
	})
}

// serverDown ends all connections, and serverUp lets them come back.
func (n *network) serverDown() {
	n.down = true
	for _, h := range n.hosts {
		if !h.life.over && h.linked {
			n.unlink(h)
		}
	}
}

func (n *network) serverUp() {
	n.down = false
	for _, h := range n.hosts {
		if !h.life.over && !h.linked && !h.cut {
			n.relink(h)
		}
	}
}

// setApart cuts one of the servers off: who is connected to it stays so, and reaches only others like him. A process
// that can store nothing for long connects to another server.
func (n *network) setApart(server int, d time.Duration) {
	n.apart = server
	n.after(d, func() { n.apart = -1 })
	if d < moveAfter {
		return
	}
	n.after(moveAfter, func() {
		for _, h := range n.hosts {
			if n.apart == server && h.server == server && !h.life.over && h.linked {
				n.unlink(h)
				h.server = (server + 1) % servers
				n.relink(h)
			}
		}
	})
}

const (
	servers   = 3
	moveAfter = 10 * time.Second
)
