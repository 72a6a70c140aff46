package agent

import (
	"math/bits"
	"slices"

	"github.com/musterrun/muster/protocol"
)

// unit is one CPU, or one of a named resource.
const unit = 10_000

// room is so much of everything.
type room struct {
	cpu, io, memory, gpus int64
	named                 []protocol.Amount
}

// charge is what one attempt holds of the machine.
type charge struct {
	cpu, io, memory, gpus int64
	named                 []protocol.Amount
	lent                  bool // cpu is free meanwhile: the attempt waits for something
}

// ledger is who has how much of the machine. What it has given out and what is free are all there is: free is never
// negative, and all comes back. Not for concurrent use.
type ledger struct {
	total, free room
}

func newLedger(total room) ledger {
	free := total
	free.named = slices.Clone(total.named)
	return ledger{total, free}
}

// admission charges the tasks of one batch. The coordinator has given out what was offered to it: if the tasks need more
// CPUs together, they are a pack of small ones, and each is charged its share of the offer, or of what is left of that.
type admission struct {
	l        *ledger
	pack     bool
	cpu, sum int64 // what a pack is charged, of what it needs
}

func (l *ledger) admit(offered int64, tasks []protocol.Task) admission {
	a := admission{l: l, cpu: max(0, min(offered, l.free.cpu))}
	for i := range tasks {
		if a.sum += tasks[i].Need.CPU; a.sum < 0 {
			a.sum = 1<<63 - 1
		}
	}
	a.pack = a.sum > offered
	return a
}

// charge charges a task, or says that there is no room for it: others have taken it since it was offered.
func (a *admission) charge(n *protocol.Need) (c charge, ok bool) {
	c = charge{cpu: n.CPU, io: n.IO, memory: n.Memory, gpus: n.GPUs, named: n.Named}
	if a.pack && n.CPU > 0 {
		if a.cpu == 0 {
			return charge{}, false
		}
		hi, lo := bits.Mul64(uint64(n.CPU), uint64(a.cpu))
		share, _ := bits.Div64(hi, lo, uint64(a.sum)) // n.CPU is part of sum, so it's at most a.cpu
		c.cpu = int64(share)
	}
	f := &a.l.free
	if c.cpu > f.cpu || c.io > f.io || c.memory > f.memory || c.gpus > f.gpus || !a.l.hasNamed(c.named) {
		return charge{}, false
	}
	a.l.move(&c, -1)
	return c, true
}

// hasNamed reports whether the amounts are free. One name twice is refused, as one that isn't there.
func (l *ledger) hasNamed(list []protocol.Amount) bool {
	for i, want := range list {
		free := l.free.find(want.Name)
		if free == nil || want.N > free.N {
			return false
		}
		if slices.ContainsFunc(list[:i], func(a protocol.Amount) bool { return a.Name == want.Name }) {
			return false
		}
	}
	return true
}

func (r *room) find(name string) *protocol.Amount {
	for i := range r.named {
		if r.named[i].Name == name {
			return &r.named[i]
		}
	}
	return nil
}

func (l *ledger) move(c *charge, sign int64) {
	f := &l.free
	f.cpu += sign * c.cpu
	f.io += sign * c.io
	f.memory += sign * c.memory
	f.gpus += sign * c.gpus
	for _, a := range c.named {
		f.find(a.Name).N += sign * a.N
	}
}

// shift makes so much more free, or less.
func (l *ledger) shift(r *room, sign int64) {
	l.move(&charge{cpu: r.cpu, io: r.io, memory: r.memory, gpus: r.gpus, named: r.named}, sign)
}

// release takes a charge back.
func (l *ledger) release(c *charge) {
	if c.lent {
		c.cpu = 0
	}
	l.move(c, 1)
	*c = charge{}
}

// lend makes the charge's CPUs free while its attempt waits.
func (l *ledger) lend(c *charge) {
	if !c.lent {
		c.lent = true
		l.free.cpu += c.cpu
	}
}

// regain charges the CPUs again that were lent, if they are free.
func (l *ledger) regain(c *charge) bool {
	if !c.lent {
		return true
	}
	if c.cpu > l.free.cpu {
		return false
	}
	c.lent = false
	l.free.cpu -= c.cpu
	return true
}

// worth reports whether enough CPU is free to offer it: a whole one, or half of a small machine's.
func (l *ledger) worth() bool { return l.free.cpu > 0 && l.free.cpu >= min(unit, l.total.cpu/2) }

// grown reports whether an offer of so much is to be replaced, since clearly more is free now.
func (l *ledger) grown(offered *room) bool {
	f, t := &l.free, &l.total
	return f.cpu/unit > offered.cpu/unit || f.cpu == t.cpu && offered.cpu < t.cpu || // a larger task may fit now
		f.cpu-offered.cpu >= max(1, min(unit, t.cpu/2)) || f.io-offered.io >= max(1, t.io/2) ||
		f.memory-offered.memory >= max(1, t.memory/8) || f.gpus > offered.gpus ||
		slices.ContainsFunc(f.named, func(a protocol.Amount) bool {
			had := offered.find(a.Name)
			return had == nil || a.N > had.N
		})
}
