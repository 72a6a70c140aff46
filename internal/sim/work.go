package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// task is a call of a job's program, and what becomes of it when it runs. Its number in the program is its key: it is the
// same for each driver that runs the program.
type task struct {
	took     time.Duration // the function's own time
	cpu      int64
	memory   int64
	dep      [2]int32 // earlier tasks, whose values it takes; -1 for none
	kids     int32    // the first of the tasks that it calls; they stand side by side
	many     int32    // how many these are
	parent   int32    // -1 for one that main calls
	priority int8
	nature   nature
}

// nature is how a function behaves.
type nature uint8

const (
	usual  nature = iota
	flaky         // its first attempt fails
	broken        // it always fails
	poison        // it kills its worker
	once          // it must not run twice
	hasty         // it doesn't wait for what it calls, which is cancelled then
)

// retries of a flaky or broken function.
const retries = 2

// program is what a job runs.
type program struct {
	tasks []task
	roots int // main calls this many: the first ones

	items  int // of the Map that main does meanwhile; 0 without one
	called int // tasks, without chunks
	chunks int // the first of the tasks that are chunks of it
}

// Shape is what the tasks of the jobs are like.
type Shape struct {
	Took     time.Duration // mean
	Spread   float64       // how far they differ, from 0, all alike, to 1
	Deps     float64       // part of the tasks that take others' values
	Kids     float64       // part that call others, and wait for them
	Large    float64       // part that need several CPUs
	Memory   float64       // part that need much memory
	Natures  float64       // part that aren't usual
	Urgent   float64       // part with a priority
	Items    int           // of the Map that each job does; 0 for none
	Unequal  bool          // jobs differ in how long their tasks are, tenfold
	Packable bool          // some jobs' tasks take microseconds
}

// compose makes a job's program of about so many tasks.
func compose(rng *rand.Rand, job, n int, sh *Shape) *program {
	p := &program{tasks: make([]task, 0, n)}
	mean := sh.Took
	switch {
	case sh.Unequal && job%2 == 1:
		mean /= 10
	case sh.Packable && job%3 == 1:
		mean = 200 * time.Microsecond
	}
	kids := 0
	for len(p.tasks)+kids < n {
		t := sh.task(rng, mean)
		t.parent = -1
		i := int32(len(p.tasks))
		if sh.draw(rng, sh.Deps) && i > 0 {
			t.dep[0] = p.source(rng, i)
			if rng.IntN(2) == 0 {
				t.dep[1] = p.source(rng, i)
			}
		}
		if sh.draw(rng, sh.Kids) && t.nature != poison && t.nature != once {
			t.many = 1 + rng.Int32N(4)
			kids += int(t.many)
		}
		p.tasks = append(p.tasks, t)
	}
	p.roots = len(p.tasks)
	for i := range p.roots {
		p.addKids(rng, int32(i), mean, sh)
	}
	if p.called = len(p.tasks); sh.Items > 0 {
		p.addItems(sh.Items, mean/8)
	}
	return p
}

// source is an earlier task that isn't once: whether that one ends with a value isn't sure.
func (p *program) source(rng *rand.Rand, i int32) int32 {
	d := max(0, i-1-rng.Int32N(50))
	if p.tasks[d].nature == once {
		return -1
	}
	return d
}

// addKids adds the tasks that one calls, and now and then theirs.
func (p *program) addKids(rng *rand.Rand, parent int32, mean time.Duration, sh *Shape) {
	many := p.tasks[parent].many
	if many == 0 {
		return
	}
	first := int32(len(p.tasks))
	p.tasks[parent].kids = first
	for range many {
		t := sh.task(rng, mean/4)
		t.parent, t.nature = parent, usual
		if rng.IntN(8) == 0 && p.tasks[parent].parent < 0 {
			t.many = 1
		}
		p.tasks = append(p.tasks, t)
	}
	for k := range many {
		p.addKids(rng, first+k, mean, sh)
	}
}

func (sh *Shape) draw(rng *rand.Rand, part float64) bool { return part > 0 && rng.Float64() < part }

func (sh *Shape) task(rng *rand.Rand, mean time.Duration) task {
	t := task{cpu: coordinator.Unit, dep: [2]int32{-1, -1}}
	t.took = time.Duration(float64(mean) * (1 + sh.Spread*(2*rng.Float64()-1)))
	if sh.draw(rng, sh.Large) {
		t.cpu = coordinator.Unit * (2 + rng.Int64N(3))
	}
	if sh.draw(rng, sh.Memory) {
		t.memory = memory / 4
	}
	if sh.draw(rng, sh.Urgent) {
		t.priority = int8(1 + rng.IntN(3))
	}
	if sh.draw(rng, sh.Natures) {
		t.nature = flaky + nature(rng.IntN(int(hasty)))
	}
	return t
}

// ends is how each task ends if it isn't cancelled, whatever dies meanwhile: nothing is failed for another reason. Of one
// that must not run twice only the user's wish is known.
func (p *program) ends() []status {
	list := make([]status, len(p.tasks))
	for i := len(p.tasks) - 1; i >= 0; i-- {
		list[i] = succeeded
		if n := p.tasks[i].nature; n == broken || n == poison {
			list[i] = failed
		}
	}
	for i := range p.roots {
		for _, d := range p.tasks[i].dep {
			if d >= 0 && list[d] == failed {
				list[i] = failed
			}
		}
	}
	return list
}

// cost is the CPU time of all tasks, and the longest chain of them.
func (p *program) cost() (total, longest time.Duration) {
	ends := make([]time.Duration, len(p.tasks))
	for i := p.called - 1; i >= p.roots; i-- {
		ends[i] = p.alone(int32(i), ends)
		total += p.tasks[i].work()
	}
	for i := range p.roots {
		from := time.Duration(0)
		for _, d := range p.tasks[i].dep {
			if d >= 0 {
				from = max(from, ends[d])
			}
		}
		ends[i] = from + p.alone(int32(i), ends)
		longest = max(longest, ends[i])
		total += p.tasks[i].work()
	}
	return total, longest
}

func (t *task) work() time.Duration { return t.took * time.Duration(t.cpu) / coordinator.Unit }

// alone is how long a task takes with those that it waits for.
func (p *program) alone(i int32, ends []time.Duration) time.Duration {
	t := &p.tasks[i]
	longest := time.Duration(0)
	for k := t.kids; k < t.kids+t.many; k++ {
		longest = max(longest, ends[k])
	}
	return t.took + longest
}

// keyOf and taskOf are between tasks and the keys in messages.
func keyOf(task int32) (k protocol.Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(task)+1)
	return k
}

func taskOf(k protocol.Key) int32 { return int32(binary.LittleEndian.Uint64(k[:])) - 1 }
