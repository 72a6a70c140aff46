package ledger

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

func needCPU(n int64) protocol.Task { return protocol.Task{Need: protocol.Need{CPU: n}} }

func admitAll(l *Ledger, offered int64, tasks ...protocol.Task) (charges []Charge, refused int) {
	a := l.Admit(offered, tasks)
	for i := range tasks {
		if c, ok := a.Charge(&tasks[i].Need); ok {
			charges = append(charges, c)
		} else {
			refused++
		}
	}
	return charges, refused
}

func TestPackIsChargedWhatWasOffered(t *testing.T) {
	l := New(Room{CPU: 2 * Unit})
	pack := make([]protocol.Task, 256)
	for i := range pack {
		pack[i] = needCPU(Unit)
	}
	charges, refused := admitAll(&l, 2*Unit, pack...)
	if len(charges) != 256 || refused != 0 || l.Free.CPU > 256 || charges[0].CPU != 2*Unit/256 {
		t.Errorf("%d charged, %d refused, %d free, %d each", len(charges), refused, l.Free.CPU, charges[0].CPU)
	}
	for i := range charges[:128] {
		l.Release(&charges[i])
	}
	if !l.Worth() { // so that two batches overlap
		t.Errorf("half of a pack is done, and %d isn't worth an offer", l.Free.CPU)
	}
}

func TestRoomThatOthersTook(t *testing.T) {
	l := New(Room{CPU: 4 * Unit, IO: 10})
	admitAll(&l, 4*Unit, needCPU(3*Unit))
	charges, refused := admitAll(&l, 4*Unit, needCPU(2*Unit), needCPU(Unit/2))
	if len(charges) != 1 || refused != 1 || l.Free.CPU != Unit/2 {
		t.Errorf("%d charged, %d refused, %d free", len(charges), refused, l.Free.CPU)
	}
	charges, refused = admitAll(&l, 4*Unit, needCPU(4*Unit), needCPU(4*Unit)) // a pack takes what is left
	if len(charges) != 2 || refused != 0 || l.Free.CPU != 0 {
		t.Errorf("%d charged, %d refused, %d free", len(charges), refused, l.Free.CPU)
	}
	if _, refused = admitAll(&l, 4*Unit, needCPU(4*Unit), needCPU(4*Unit)); refused != 2 {
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
	l := New(Room{Named: []protocol.Amount{{Name: "disk", N: 5}}})
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
		total := Room{CPU: rapid.Int64Range(0, 64*Unit).Draw(t, "cpu"), IO: 100, Memory: 1000, GPUs: Unit, Named: []protocol.Amount{{Name: "a", N: 7}}}
		l := New(total)
		var held []Charge
		check := func() {
			sum := l.Free
			named := l.Free.Named[0].N
			for _, c := range held {
				if sum.IO, sum.Memory, sum.GPUs = sum.IO+c.IO, sum.Memory+c.Memory, sum.GPUs+c.GPUs; !c.Lent {
					sum.CPU += c.CPU
				}
				for _, a := range c.Named {
					named += a.N
				}
			}
			if sum.CPU != total.CPU || sum.IO != total.IO || sum.Memory != total.Memory || sum.GPUs != total.GPUs || named != 7 {
				t.Fatalf("free and charged are %+v of %+v", sum, total)
			}
			if f := l.Free; f.CPU < 0 || f.IO < 0 || f.Memory < 0 || f.GPUs < 0 || f.Named[0].N < 0 {
				t.Fatalf("below zero: %+v", f)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(held) > 0 && rapid.Bool().Draw(t, "one held") {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				step(&l, &held, i, rapid.IntRange(0, 3).Draw(t, "what"))
			} else {
				tasks := rapid.SliceOfN(rapid.Custom(drawTask), 1, 20).Draw(t, "tasks")
				charges, _ := admitAll(&l, rapid.Int64Range(0, 64*Unit).Draw(t, "offered"), tasks...)
				held = append(held, charges...)
			}
			check()
		}
		for i := range held {
			l.Release(&held[i])
		}
		if l.Free.CPU != total.CPU || l.Free.IO != total.IO || l.Free.Named[0].N != 7 {
			t.Fatalf("not all came back: %+v", l.Free)
		}
	})
}

func step(l *Ledger, held *[]Charge, i, what int) {
	c := &(*held)[i]
	switch what {
	case 0:
		l.Release(c)
		*held = append((*held)[:i], (*held)[i+1:]...)
	case 1:
		l.Lend(c)
	case 2:
		l.Regain(c)
	case 3:
		if c.Lent { // it goes on in any case
			c.CPU = min(c.CPU, l.Free.CPU)
			l.Regain(c)
		}
	}
}

func drawTask(t *rapid.T) protocol.Task {
	n := protocol.Need{
		CPU: rapid.Int64Range(0, 1<<62).Draw(t, "cpu"), IO: rapid.Int64Range(0, 20).Draw(t, "io"),
		Memory: rapid.Int64Range(0, 300).Draw(t, "memory"), GPUs: rapid.Int64Range(0, Unit).Draw(t, "gpus"),
	}
	if rapid.Bool().Draw(t, "usual") {
		n = protocol.Need{CPU: Unit}
	}
	if rapid.Bool().Draw(t, "named") {
		n.Named = []protocol.Amount{{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), N: rapid.Int64Range(0, 9).Draw(t, "n")}}
	}
	return protocol.Task{Need: n}
}
