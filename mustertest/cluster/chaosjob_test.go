package cluster_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// The chaos job: as many phases as there are faults, in each of them tasks of all kinds. Tasks are numbered through.
const (
	chaosPhases = 5
	chaosPhase  = 20_000 // tasks of a phase
	chaosTasks  = chaosPhases * chaosPhase

	// The parts of a phase, in this order; what is left are cheap tasks.
	chaosHeld     = 3   // run until the test opens the phase's gate
	chaosSlow     = 600 // take some milliseconds
	chaosParents  = 40  // each calls chaosBranch others
	chaosBranch   = 3
	chaosItems    = 9_000 // of a Map
	chaosChildren = chaosParents * chaosBranch
)

// ledger counts executions in a file of the process, so that those of a killed one count too.
var ledger struct {
	sync.Once
	file *os.File
	err  error
}

// begins notes that a task is executed.
func (w work) begins() error {
	ledger.Do(func() {
		ledger.file, ledger.err = os.OpenFile(filepath.Join(w.Dir, strconv.Itoa(os.Getpid())),
			os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	})
	if ledger.err != nil {
		return ledger.err
	}
	_, err := ledger.file.Write(binary.LittleEndian.AppendUint32(nil, uint32(w.X))) //nolint:gosec // of chaosTasks
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	chaosCheap = muster.Func("chaos.cheap", func(_ context.Context, w work) (int, error) { return w.X * w.X, w.begins() })
	chaosSleep = muster.Func("chaos.sleep", func(ctx context.Context, w work) (int, error) {
		if err := w.begins(); err != nil {
			return 0, err
		}
		return w.X * w.X, pause(ctx, time.Duration(1+w.X%4)*time.Millisecond)
	})
	chaosHold   = muster.Func("chaos.hold", hold)
	chaosParent = muster.Func("chaos.parent", func(ctx context.Context, w work) (int, error) {
		if err := w.begins(); err != nil {
			return 0, err
		}
		var refs [chaosBranch]muster.Ref[int]
		for i := range refs {
			refs[i] = chaosCheap.Go(ctx, work{w.Dir, childOf(w.X, i)})
		}
		sum := 0
		for _, r := range refs {
			v, err := r.Get(ctx)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
)

// holdOn is for how long a task is held in any case: of those that are known to take so long, a CPU gets one at a time,
// so that none of them waits for another.
const holdOn = 150 * time.Millisecond

// hold runs until the gate of its phase is open.
func hold(ctx context.Context, w work) (int, error) {
	if err := w.begins(); err != nil {
		return 0, err
	}
	for {
		if _, err := os.Stat(gateOf(w.Dir, w.X/chaosPhase)); !errors.Is(err, fs.ErrNotExist) {
			return w.X * w.X, errors.Join(err, pause(ctx, holdOn))
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

func gateOf(dir string, phase int) string { return dir + ".gate" + strconv.Itoa(phase) }

// childOf is the number of a parent's child.
func childOf(parent, i int) int {
	base := parent / chaosPhase * chaosPhase
	k := parent - base - chaosHeld - chaosSlow
	return base + chaosHeld + chaosSlow + chaosParents + k*chaosBranch + i
}

// chaos is the driver: it says when a phase has begun, and that all was right.
var chaos = cluster.Driver("chaos", func(ctx context.Context, args []string) error {
	phases := chaosPhases
	if len(args) > 1 {
		var err error
		if phases, err = strconv.Atoi(args[1]); err != nil {
			return err
		}
	}
	for k := range phases {
		p := phase{ctx: ctx, dir: args[0], base: k * chaosPhase}
		p.begin()
		fmt.Println("phase", k)
		if err := p.check(); err != nil {
			return fmt.Errorf("phase %d: %w", k, err)
		}
	}
	fmt.Println("done")
	return nil
})

type phase struct {
	ctx  context.Context //nolint:containedctx // of the whole phase
	dir  string
	base int
	next int
	refs []muster.Ref[int]
	want []int
}

// begin starts those that take long or call others.
func (p *phase) begin() {
	p.start(chaosHold, chaosHeld)
	p.start(chaosSleep, chaosSlow)
	for range chaosParents {
		x, sum := p.base+p.next, 0
		for i := range chaosBranch {
			sum += childOf(x, i) * childOf(x, i)
		}
		p.refs, p.want = append(p.refs, chaosParent.Go(p.ctx, work{p.dir, x})), append(p.want, sum)
		p.next++
	}
	p.next += chaosChildren + chaosItems
}

func (p *phase) start(f *muster.Function[work, int], n int) {
	for range n {
		x := p.base + p.next
		p.refs, p.want = append(p.refs, f.Go(p.ctx, work{p.dir, x})), append(p.want, x*x)
		p.next++
	}
}

// The cheap ones don't all come at once, or they would be done before anything is killed.
const (
	wave      = 128
	wavePause = 5 * time.Millisecond
)

// check runs the cheap ones and the Map, and looks at all results.
func (p *phase) check() error {
	items := make(chan error, 1)
	go func() { items <- p.runMap() }()
	err := p.runCheap()
	for i, r := range p.refs {
		if v, e := r.Get(p.ctx); e != nil || v != p.want[i] {
			err = errors.Join(err, fmt.Errorf("task %d: %d, want %d: %w", i, v, p.want[i], or(e)))
			break
		}
	}
	return errors.Join(err, <-items)
}

// runCheap starts cheap ones in waves.
func (p *phase) runCheap() error {
	for p.next < chaosPhase {
		w := phase{ctx: p.ctx, dir: p.dir, base: p.base, next: p.next}
		w.start(chaosCheap, min(wave, chaosPhase-p.next))
		for i, r := range w.refs {
			if v, err := r.Get(p.ctx); err != nil || v != w.want[i] {
				return fmt.Errorf("cheap task %d: %d, want %d: %w", p.next+i, v, w.want[i], or(err))
			}
		}
		if err := pause(p.ctx, wavePause); err != nil {
			return err
		}
		p.next = w.next
	}
	return nil
}

// runMap runs the Map, whose input comes in waves too.
func (p *phase) runMap() error {
	first := p.base + chaosHeld + chaosSlow + chaosParents + chaosChildren
	x := first
	for v, err := range chaosCheap.Map(p.ctx, func(yield func(work) bool) {
		for i := range chaosItems {
			if i%wave == 0 && pause(p.ctx, wavePause) != nil || !yield(work{p.dir, first + i}) {
				return
			}
		}
	}) {
		if err != nil || v != x*x {
			return fmt.Errorf("item %d: %d: %w", x, v, or(err))
		}
		x++
	}
	if x != first+chaosItems {
		return fmt.Errorf("the Map ended at %d, not %d", x, first+chaosItems)
	}
	return nil
}

// or is err, or that a result is wrong.
func or(err error) error {
	if err == nil {
		return errors.New("a wrong result")
	}
	return err
}
