package ledger

import (
	"math/bits"
	"slices"

	"github.com/musterrun/muster/protocol"
)

// Unit is one CPU, or one of a named resource.
const Unit = 10_000

// Charge is what one attempt holds of the machine.
type Charge struct {
	CPU, IO, Memory, GPUs int64
	Named                 []protocol.Amount
	Lent                  bool // CPU is free meanwhile: the attempt waits for something
}

// Ledger is who has how much of the machine. What it has given out and what is free are all there is: Free is never
// negative, and all comes back. Not for concurrent use.
type Ledger struct {
	Total, Free Room
}

// New is the ledger of a machine of which nobody has anything.
func New(total Room) Ledger {
	free := total
	free.Named = slices.Clone(total.Named)
	return Ledger{total, free}
}

// Admission charges the tasks of one batch. The coordinator has given out what was offered to it: if the tasks need more
// CPUs together, they are a pack of small ones, and each is charged its share of the offer, or of what is left of that.
type Admission struct {
	l        *Ledger
	pack     bool
	cpu, sum int64 // what a pack is charged, of what it needs
}

// Admit begins to charge the tasks of a batch for which so much CPU was offered.
func (l *Ledger) Admit(offered int64, tasks []protocol.Task) Admission {
	a := Admission{l: l, cpu: max(0, min(offered, l.Free.CPU))}
	for i := range tasks {
		if a.sum += tasks[i].Need.CPU; a.sum < 0 {
			a.sum = 1<<63 - 1
		}
	}
	a.pack = a.sum > offered
	return a
}

// Charge charges a task, or says that there is no room for it: others have taken it since it was offered.
func (a *Admission) Charge(n *protocol.Need) (c Charge, ok bool) {
	c = Charge{CPU: n.CPU, IO: n.IO, Memory: n.Memory, GPUs: n.GPUs, Named: n.Named}
	if a.pack && n.CPU > 0 {
		if a.cpu == 0 {
			return Charge{}, false
		}
		hi, lo := bits.Mul64(uint64(n.CPU), uint64(a.cpu))
		share, _ := bits.Div64(hi, lo, uint64(a.sum)) // n.CPU is part of sum, so it's at most a.cpu
		c.CPU = int64(share)
	}
	f := &a.l.Free
	if c.CPU > f.CPU || c.IO > f.IO || c.Memory > f.Memory || c.GPUs > f.GPUs || !a.l.hasNamed(c.Named) {
		return Charge{}, false
	}
	a.l.move(&c, -1)
	return c, true
}

// hasNamed reports whether the amounts are free. One name twice is refused, as one that isn't there.
func (l *Ledger) hasNamed(list []protocol.Amount) bool {
	for i, want := range list {
		free := l.Free.Find(want.Name)
		if free == nil || want.N > free.N {
			return false
		}
		if slices.ContainsFunc(list[:i], func(a protocol.Amount) bool { return a.Name == want.Name }) {
			return false
		}
	}
	return true
}

func (l *Ledger) move(c *Charge, sign int64) {
	f := &l.Free
	f.CPU += sign * c.CPU
	f.IO += sign * c.IO
	f.Memory += sign * c.Memory
	f.GPUs += sign * c.GPUs
	for _, a := range c.Named {
		f.Find(a.Name).N += sign * a.N
	}
}

// Keep takes out of what is free what is held for a task that needs so much, as far as it is there. GiveUp puts it back.
func (l *Ledger) Keep(n *Room) (kept Room) {
	f := &l.Free
	kept = Room{CPU: min(n.CPU, f.CPU), IO: min(n.IO, f.IO), Memory: min(n.Memory, f.Memory), GPUs: min(n.GPUs, f.GPUs)}
	for _, want := range n.Named {
		if free := f.Find(want.Name); free != nil {
			kept.Named = append(kept.Named, protocol.Amount{Name: want.Name, N: min(want.N, free.N)})
		}
	}
	l.shift(&kept, -1)
	return kept
}

// GiveUp makes free again what Keep took.
func (l *Ledger) GiveUp(kept *Room) { l.shift(kept, 1) }

func (l *Ledger) shift(r *Room, sign int64) {
	l.move(&Charge{CPU: r.CPU, IO: r.IO, Memory: r.Memory, GPUs: r.GPUs, Named: r.Named}, sign)
}

// Release takes a charge back.
func (l *Ledger) Release(c *Charge) {
	if c.Lent {
		c.CPU = 0
	}
	l.move(c, 1)
	*c = Charge{}
}

// Lend makes the charge's CPUs free while its attempt waits.
func (l *Ledger) Lend(c *Charge) {
	if !c.Lent {
		c.Lent = true
		l.Free.CPU += c.CPU
	}
}

// Regain charges the CPUs again that were lent, if they are free.
func (l *Ledger) Regain(c *Charge) bool {
	if !c.Lent {
		return true
	}
	if c.CPU > l.Free.CPU {
		return false
	}
	c.Lent = false
	l.Free.CPU -= c.CPU
	return true
}

// Fill charges an attempt of a pack its whole need, as far as that is free, and gives what that adds. One that lends its
// CPUs is left as it is.
func (l *Ledger) Fill(c *Charge, need int64) (more int64) {
	if more = min(need-c.CPU, l.Free.CPU); more <= 0 || c.Lent {
		return 0
	}
	c.CPU += more
	l.Free.CPU -= more
	return more
}

// Worth reports whether enough CPU is free to offer it: a whole one, or half of a small machine's.
func (l *Ledger) Worth() bool { return l.Free.CPU > 0 && l.Free.CPU >= min(Unit, l.Total.CPU/2) }

// Grown reports whether an offer of so much is to be replaced, since clearly more is free now.
func (l *Ledger) Grown(offered *Room) bool {
	f, t := &l.Free, &l.Total
	return f.CPU/Unit > offered.CPU/Unit || f.CPU == t.CPU && offered.CPU < t.CPU || // a larger task may fit now
		f.CPU-offered.CPU >= max(1, min(Unit, t.CPU/2)) || f.IO-offered.IO >= max(1, t.IO/2) ||
		f.Memory-offered.Memory >= max(1, t.Memory/8) || f.GPUs > offered.GPUs ||
		slices.ContainsFunc(f.Named, func(a protocol.Amount) bool {
			had := offered.Find(a.Name)
			return had == nil || a.N > had.N
		})
}
