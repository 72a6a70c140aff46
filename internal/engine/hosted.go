package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// hosted is a task of the agent's: a call whose argument is still encoded.
type hosted[In, Out any] struct {
	Task
	f     *Fn[In, Out]
	spec  *Spec
	data  []byte              // the argument, and then the result if that is only bytes
	rich  *richResult         // the result if it is more
	room  *chunkRoom[In, Out] // in which it lies
	items bool
	part  bool // its last items may be left to others
	own   host
	short [16]byte // where a short result is encoded
}

// richResult is a result in which Refs stand, or that isn't in the message.
type richResult struct {
	value protocol.Value
	refs  []protocol.RefID
}

func (f *Fn[In, Out]) hosted(s *Session, tasks []protocol.Task) {
	list := make([]hosted[In, Out], len(tasks))
	for i := range list {
		p, t := &tasks[i], &list[i]
		t.f, t.data, t.items = f, p.Arg, p.Flags&protocol.Items != 0
		t.part = p.Flags&protocol.Partial != 0
		if p.Flags&protocol.Uncached != 0 && f.Opts.Cache != nil {
			g := *f
			g.Opts.Cache = nil
			t.f = &g
		}
		t.spec = t.f.hostSpec(p)
		t.own.begin(s, &t.Task, t, p)
	}
}

// hostSpec is the function's, with what the agent hasn't taken care of: it has admitted the task, and retries are the
// driver's.
func (f *Fn[In, Out]) hostSpec(p *protocol.Task) *Spec {
	usual := p.Need.CPU == units(1) && p.Need.IO == 0 && p.Timeout == 0
	if usual {
		if sp := f.reg.usual.Load(); sp != nil {
			return sp
		}
	}
	sp := f.Spec
	sp.Opts.Retries, sp.Opts.RetryIf, sp.Opts.Memory, sp.Opts.Resources, sp.Opts.Priority = 0, nil, 0, nil, 0
	sp.Opts.Isolated, sp.Opts.Once = false, false
	sp.Opts.Timeout = p.Timeout
	sp.Opts.CPUs, sp.Opts.IO = float64(p.Need.CPU)/float64(units(1)), p.Need.IO > 0
	if usual {
		f.reg.usual.Store(&sp)
	}
	return &sp
}

func (t *hosted[In, Out]) Spec() *Spec            { return t.spec }
func (t *hosted[In, Out]) Deps(func(*Task)) error { return nil }
func (t *hosted[In, Out]) Join() (*Task, error)   { return nil, nil }
func (t *hosted[In, Out]) Results(func(*Task))    {}
func (t *hosted[In, Out]) Release(bool)           {} // what it has is the result by now

// Exec decodes the argument, calls the function, and encodes what it gives.
func (t *hosted[In, Out]) Exec(r *Run) error {
	if t.items {
		return t.execItems(r)
	}
	var in In
	if err := t.argument(&in); err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	v, err := t.f.invoke(r, in)
	if !r.Commit() || err != nil {
		return err
	}
	return t.keep(&v, t.f.OutPlan)
}

// argument decodes the argument, which may be another task's value.
func (t *hosted[In, Out]) argument(in *In) error {
	if len(t.data) > 0 {
		return t.f.InPlan.Decode(t.data, in, hostReader{t.host})
	}
	if len(t.host.deps) == 0 {
		return errors.New("there is none")
	}
	v := &t.host.deps[len(t.host.deps)-1].Value
	if t.host.deps[0].Key == argumentKey {
		v = &t.host.deps[0].Value
	}
	return decodeValue(t.s, v, in, hostReader{t.host})
}

// keep encodes the result.
func (t *hosted[In, Out]) keep(ptr any, p *codec.Plan) error {
	var w *hostWriter
	var refs codec.RefWriter
	if p.HasRefs() {
		w = &hostWriter{h: t.host}
		refs = w
	}
	data, err := p.Append(t.short[:0], ptr, refs)
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if w == nil && len(data) <= protocol.MaxInline {
		t.data = data
		return nil
	}
	v, err := t.s.seal(data)
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	t.rich = &richResult{value: v}
	if w != nil {
		t.rich.refs = w.refs
	}
	return nil
}

// execItems works off the items of a Map's chunk.
func (t *hosted[In, Out]) execItems(r *Run) error {
	room := t.f.takeRoom()
	if err := t.readItems(&room.items); err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	patience := time.Duration(0)
	if t.part {
		patience = chunkPatience
	}
	outs, errs := t.f.workOff(r, room.items, room.results(len(room.items)), patience)
	if !r.Commit() {
		return nil
	}
	w := hostWriter{h: t.host}
	v, err := t.f.packItems(t.s, &room.data, outs, errs, &w)
	t.rich, t.room = &richResult{v, w.refs}, room
	return err
}

func (t *hosted[In, Out]) readItems(items *[]In) error {
	if len(t.data) > 0 {
		return overwriteItems(t.data, items, hostReader{t.host})
	}
	if len(t.host.deps) == 0 {
		return errors.New("there are none")
	}
	return decodeValue(t.s, &t.host.deps[0].Value, items, hostReader{t.host})
}

// ended tells the agent how the task went. The mutex is held.
func (t *hosted[In, Out]) ended() {
	o := &t.s.hosting.out
	*o = protocol.Outcome{ID: t.host.at.Task, Attempt: t.host.at.N, Key: t.host.key, Took: t.lasted(), Status: protocol.Succeeded}
	switch {
	case t.err == nil && t.rich != nil:
		o.Value, o.Refs = t.rich.value, t.rich.refs
	case t.err == nil:
		o.Value = protocol.Value{Form: protocol.Inline, Data: t.data}
	case t.is(dropped):
		o.Status, o.Value = protocol.Canceled, failure(ErrCanceled)
	default:
		o.Status, o.Value = protocol.Failed, failure(inner(t.err))
	}
	t.s.leave(t.host)
	if t.host.back {
		t.s.cfg.Upstream.Send(protocol.GiveBack{Attempt: t.host.at, Reason: protocol.NotStarted, Text: "taken back"})
		return
	}
	t.data, t.rich = nil, nil
	t.s.cfg.Upstream.Outcome(o)
	if t.room != nil {
		t.f.keepRoom(t.room)
		t.room = nil
	}
}

// inner is what the function returned, or why it didn't run to its end: the driver says the rest.
func inner(err error) error {
	if e, ok := err.(*TaskError); ok { //nolint:errorlint // the outermost
		return e.Err
	}
	return err
}
