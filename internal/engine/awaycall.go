package engine

import (
	"fmt"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// pack encodes the argument, and with it the values of the Refs in it.
func (c *call[In, Out]) pack(r *Run, t *protocol.Task) error {
	return c.f.packArgument(r, t, &c.in, c.Deps)
}

func (c *call[In, Out]) unpack(r *Run, v *protocol.Value) error {
	return c.f.unpackResult(r, v, &c.out)
}

func (c *call[In, Out]) recallAway(r *Run) (bool, error) { return c.f.recallAway(r, &c.out) }

// pack sends the value of the Ref as the argument.
func (c *fromCall[In, Out]) pack(r *Run, t *protocol.Task) error {
	return r.packDep(t, &c.src.Task)
}

func (c *fromCall[In, Out]) unpack(r *Run, v *protocol.Value) error {
	return c.f.unpackResult(r, v, &c.out)
}

func (c *fromCall[In, Out]) recallAway(r *Run) (bool, error) { return c.f.recallAway(r, &c.out) }

// packArgument encodes in. One that is too large for a message goes where large values go.
func (f *Fn[In, Out]) packArgument(r *Run, t *protocol.Task, in *In, deps func(func(*Task)) error) error {
	args := r.scratch()
	from := len(*args)
	data, err := f.InPlan.Append(*args, in, r)
	if err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	*args = data
	arg := data[from:len(data):len(data)]
	if len(arg) <= protocol.MaxInline {
		t.Arg = arg
	} else {
		v, err := r.s.seal(arg)
		if err != nil {
			return err
		}
		*args = data[:from]
		t.Deps = append(t.Deps, protocol.Dep{Key: argumentKey, Value: v})
	}
	if !f.InRefs.HasRefs() {
		return nil
	}
	return r.packDeps(t, deps)
}

// packDeps sends the values of the tasks that deps visits, each once.
func (r *Run) packDeps(t *protocol.Task, deps func(func(*Task)) error) error {
	seen := map[*Task]bool{}
	var failed error
	if err := deps(func(dep *Task) {
		if !seen[dep] && failed == nil {
			seen[dep] = true
			failed = r.packDep(t, dep)
		}
	}); err != nil {
		return err
	}
	return failed
}

// scratch is what the arguments of a batch lie in.
func (r *Run) scratch() *[]byte {
	if a := r.away.apart; a != nil {
		return &a.args
	}
	return &r.s.carried.args
}

// argumentKey is the key under which a large argument itself is sent: no Ref has it.
var argumentKey = protocol.Key{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// packDep sends the value of a task that has ended.
func (r *Run) packDep(t *protocol.Task, dep *Task) error {
	if dep.err != nil {
		return dep.err
	}
	id, err := r.WriteRef(&dep.Node)
	if err != nil {
		return err
	}
	var v protocol.Value
	args := r.scratch()
	*args, v = dep.wireOf(r.s, *args, r)
	if v.Form == protocol.Failure {
		return failureOf(&v)
	}
	t.Deps = append(t.Deps, protocol.Dep{Key: protocol.Key(id), Value: v})
	return nil
}

// unpackResult decodes a result, and records it in the job's journal.
func (f *Fn[In, Out]) unpackResult(r *Run, v *protocol.Value, out *Out) error {
	if err := decodeValue(r.s, v, out, awayReader{r}); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if r.t.ident != nil {
		if key, ok := r.t.settleKey(); ok {
			f.record(r, key, out)
		}
	}
	return nil
}

// recallAway takes the outcome from the job's journal, if an earlier run has recorded it.
func (f *Fn[In, Out]) recallAway(r *Run, out *Out) (bool, error) {
	if r.t.ident == nil {
		return false, nil
	}
	key, ok := r.t.settleKey()
	if !ok {
		r.s.unrecorded(&f.Spec, errUnkeyed)
		return false, nil
	}
	if !f.Opts.Once || !r.s.comes(key) { // else that tells more than the record that it had begun
		v, found, err := f.recall(r, key)
		if found && err == nil {
			*out = v
		}
		if found {
			return true, err
		}
	}
	if f.recallReplayed(r, key, out) {
		return true, nil
	}
	if f.Opts.Once && r.s.comes(key) {
		return false, nil // it is adopted
	}
	err := r.s.recallDecided(r)
	return err != nil, err
}

// recallReplayed takes the outcome from the job's stream, if an earlier driver's task has left it there.
func (f *Fn[In, Out]) recallReplayed(r *Run, key journal.Key, out *Out) bool {
	o := r.s.takeReplayed(key)
	if o == nil {
		return false
	}
	if err := decodeValue(r.s, &o.Value, out, awayReader{r}); err != nil {
		r.s.unrecorded(&f.Spec, err)
		return false
	}
	r.s.noteRestored(r, f.Name, 0)
	f.record(r, key, out)
	return true
}
