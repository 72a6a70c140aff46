package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/musterrun/muster/protocol"
)

// Callable is a registered function, whatever its types are.
type Callable interface {
	// registered is its entry in the register.
	registered() *registration
	// hosted starts tasks that a worker runs for its agent. The session's mutex is held.
	hosted(s *Session, tasks []protocol.Task)
	// options are those with which it is registered, which workers know.
	options() *Options
	// called starts the call that a task has made in its worker.
	called(r *Run, c *protocol.Call) (*Task, error)
}

// registration is what all copies of a registered function share.
type registration struct {
	name  string
	index uint32 // place among the names of all functions, in their order; set once all are known
	fn    Callable
	usual atomic.Pointer[Spec] // of a task in a worker that needs one CPU
	rooms sync.Pool            // in a worker: *chunkRoom[In, Out] of chunks that have ended
}

var register struct {
	sync.Mutex
	names  map[string]*registration
	sorted []*registration
}

// Register makes f known by its name, which nobody else may have.
func Register[In, Out any](f *Fn[In, Out]) {
	f.reg = &registration{name: f.Name, fn: f}
	register.Lock()
	defer register.Unlock()
	if register.names == nil {
		register.names = map[string]*registration{}
	}
	register.names[f.Name] = f.reg
	register.sorted = nil
}

func (f *Fn[In, Out]) registered() *registration { return f.reg }

func (f *Fn[In, Out]) options() *Options { return &f.Opts }

// functions lists the registered functions by name; that is how every process of a program numbers them.
func functions() []*registration {
	register.Lock()
	defer register.Unlock()
	if register.sorted == nil {
		for _, r := range register.names {
			register.sorted = append(register.sorted, r)
		}
		slices.SortFunc(register.sorted, func(a, b *registration) int {
			if a.name < b.name {
				return -1
			}
			return 1
		})
		for i, r := range register.sorted {
			r.index = uint32(i)
		}
	}
	return register.sorted
}

// Functions are the names of the registered functions, in the order in which tasks count them.
func Functions() []string {
	var names []string
	for _, r := range functions() {
		names = append(names, r.name)
	}
	return names
}
