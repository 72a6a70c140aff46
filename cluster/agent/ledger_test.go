package agent

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

func needCPU(n int64) protocol.Task { return protocol.Task{Need: protocol.Need{CPU: n}} }

func admitAll(l *ledger, offered int64, tasks ...protocol.Task) (charges []charge, refused int) {
	a := l.admit(offered, tasks)
	for i := range tasks {
		if c, ok := a.charge(&tasks[i].Need); ok {
			charges = append(charges, c)
		} else {
			refused++
		}
	}
	return charges, refused
}

func TestPackIsChargedWhatWasOffered(t *testing.T) {
	l := newLedger(room{cpu: 2 * unit})
	pack := make([]protocol.Task, 256)
	for i := range pack {
		pack[i] = needCPU(unit)
	}
	charges, refused := admitAll(&l, 2*unit, pack...)
	if len(charges) != 256 || refused != 0 || l.free.cpu > 256 || charges[0].cpu != 2*unit/256 {
		t.Errorf("%d charged, %d refused, %d free, %d each", len(charges), refused, l.free.cpu, charges[0].cpu)
	}
	for i := range charges[:128] {
		l.release(&charges[i])
	}
	if !l.worth() { // so that two batches overlap
		t.Errorf("half of a pack is done, and %d isn't worth an offer", l.free.cpu)
	}
}

func TestRoomThatOthersTook(t *testing.T) {
	l := newLedger(room{cpu: 4 * unit, io: 10})
	admitAll(&l, 4*unit, needCPU(3*unit))
	charges, refused := admitAll(&l, 4*unit, needCPU(2*unit), needCPU(unit/2))
	if len(charges) != 1 || refused != 1 || l.free.cpu != unit/2 {
		t.Errorf("%d charged, %d refused, %d free", len(charges), refused, l.free.cpu)
	}
	charges, refused = admitAll(&l, 4*unit, needCPU(4*unit), needCPU(4*unit)) // a pack takes what is left
	if len(charges) != 2 || refused != 0 || l.free.cpu != 0 {
		t.Errorf("%d charged, %d refused, %d free", len(charges), refused, l.free.cpu)
	}
	if _, refused = admitAll(&l, 4*unit, needCPU(4*unit), needCPU(4*unit)); refused != 2 {
		t.Errorf("a pack was charged nothing")
	}
	if _, refused := admitAll(&l, 0, needCPU(1)); refused != 1 {
		t.Error("an offer of I/O places was answered with a need of CPU, and it was charged")
	}
	io := protocol.Task{Need: protocol.Need{IO: 6}}
	if charges, refused := admitAll(&l, 0, io, io); len(charges) != 1 || refused != 1 {
		t.Error("I/O places are charged wrongly")
	}
}

func TestNamed(t *testing.T) {
	l := newLedger(room{named: []protocol.Amount{{Name: "disk", N: 5}}})
	for _, c := range []struct {
		need []protocol.Amount
		ok   bool
	}{
		{[]protocol.Amount{{Name: "disk", N: 3}}, true},
		{[]protocol.Amount{{Name: "disk", N: 3}}, false},
		{[]protocol.Amount{{Name: "tape", N: 1}}, false},
		{[]protocol.Amount{{Name: "disk", N: 1}, {Name: "disk", N: 1}}, false},
	} {
		if _, refused := admitAll(&l, 0, protocol.Task{Need: protocol.Need{Named: c.need}}); (refused == 0) != c.ok {
			t.Errorf("%v: refused %v", c.need, refused)
		}
	}
}

// Whatever batches, ends and waits come: what is free and what is charged are the machine, and nothing is below zero.
func TestLedgerInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := room{cpu: rapid.Int64Range(0, 64*unit).Draw(t, "cpu"), io: 100, memory: 1000, gpus: unit, named: []protocol.Amount{{Name: "a", N: 7}}}
		l := newLedger(total)
		var held []charge
		check := func() {
			sum := l.free
			named := l.free.named[0].N
			for _, c := range held {
				if sum.io, sum.memory, sum.gpus = sum.io+c.io, sum.memory+c.memory, sum.gpus+c.gpus; !c.lent {
					sum.cpu += c.cpu
				}
				for _, a := range c.named {
					named += a.N
				}
			}
			if sum.cpu != total.cpu || sum.io != total.io || sum.memory != total.memory || sum.gpus != total.gpus || named != 7 {
				t.Fatalf("free and charged are %+v of %+v", sum, total)
			}
			if f := l.free; f.cpu < 0 || f.io < 0 || f.memory < 0 || f.gpus < 0 || f.named[0].N < 0 {
				t.Fatalf("below zero: %+v", f)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(held) > 0 && rapid.Bool().Draw(t, "one held") {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				step(&l, &held, i, rapid.IntRange(0, 3).Draw(t, "what"))
			} else {
				tasks := rapid.SliceOfN(rapid.Custom(drawTask), 1, 20).Draw(t, "tasks")
				charges, _ := admitAll(&l, rapid.Int64Range(0, 64*unit).Draw(t, "offered"), tasks...)
				held = append(held, charges...)
			}
			check()
		}
		for i := range held {
			l.release(&held[i])
		}
		if l.free.cpu != total.cpu || l.free.io != total.io || l.free.named[0].N != 7 {
			t.Fatalf("not all came back: %+v", l.free)
		}
	})
}

func step(l *ledger, held *[]charge, i, what int) {
	c := &(*held)[i]
	switch what {
	case 0:
		l.release(c)
		*held = append((*held)[:i], (*held)[i+1:]...)
	case 1:
		l.lend(c)
	case 2:
		l.regain(c)
	case 3:
		if c.lent { // it goes on in any case
			c.cpu = min(c.cpu, l.free.cpu)
			l.regain(c)
		}
	}
}

func drawTask(t *rapid.T) protocol.Task {
	n := protocol.Need{
		CPU: rapid.Int64Range(0, 1<<62).Draw(t, "cpu"), IO: rapid.Int64Range(0, 20).Draw(t, "io"),
		Memory: rapid.Int64Range(0, 300).Draw(t, "memory"), GPUs: rapid.Int64Range(0, unit).Draw(t, "gpus"),
	}
	if rapid.Bool().Draw(t, "usual") {
		n = protocol.Need{CPU: unit}
	}
	if rapid.Bool().Draw(t, "named") {
		n.Named = []protocol.Amount{{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), N: rapid.Int64Range(0, 9).Draw(t, "n")}}
	}
	return protocol.Task{Need: n}
}
