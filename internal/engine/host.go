package engine

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// Upstream is a worker's agent: where its tasks come from, and where the calls go that they make. Its methods are called
// under the session's mutex: they are quick and don't block.
type Upstream interface {
	// Outcome says how an attempt ended. What was sent before arrives before it.
	Outcome(o *protocol.Outcome)
	Send(items ...protocol.Item)
	// Log writes a line into the job's log.
	Log(by protocol.Attempt, line string)
	valueStore
}

// host is what a worker knows of an attempt that its agent has given it.
type host struct {
	s     *Session
	at    protocol.Attempt
	key   protocol.Key
	alone bool
	deps  []protocol.Dep
	over  bool // guarded by the session's mutex

	mu    sync.Mutex
	byRef map[protocol.RefID]*Task
	ids   map[*Task]protocol.RefID
	seq   uint64
	maps  uint64
}

// hosting is what a worker's session knows of its job.
type hosting struct {
	fns   []*registration // by the number that the job gives them; nil for one that isn't here
	hosts map[protocol.Attempt]*Task
	names []string
	node  string
}

// Welcome tells the session how the job numbers the functions.
func (s *Session) Welcome(w *protocol.Welcome) {
	mine := map[string]*registration{}
	for _, r := range functions() {
		mine[r.name] = r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosting.names, s.hosting.node = w.Functions, w.Node
	s.hosting.fns = make([]*registration, len(w.Functions))
	for i, name := range w.Functions {
		s.hosting.fns[i] = mine[name]
	}
	s.hosting.hosts = map[protocol.Attempt]*Task{}
}

// Tasks runs what the agent has admitted. What b holds is kept.
func (s *Session) Tasks(b *protocol.Batch) {
	s.mu.Lock()
	for i := range b.Tasks {
		s.hostTask(&b.Tasks[i])
	}
	s.flush()
}

// hostTask starts a task of the agent's. The mutex is held.
func (s *Session) hostTask(p *protocol.Task) {
	h := &host{s: s, at: protocol.Attempt{Task: p.ID, N: p.Attempt}, key: p.Key, deps: p.Deps, alone: p.Flags&protocol.Alone != 0}
	if int(p.Func) >= len(s.hosting.fns) || s.hosting.fns[p.Func] == nil {
		s.refuse(h, s.lacks(p.Func))
		return
	}
	t, ops := s.hosting.fns[p.Func].fn.hosted(h, p)
	t.s, t.ops, t.host, t.scope = s, ops, h, s.root
	s.hosting.hosts[h.at] = t
	s.submit(t, nil)
}

// refuse answers for a task that can't run here.
func (s *Session) refuse(h *host, err error) {
	s.cfg.Upstream.Outcome(&protocol.Outcome{
		ID: h.at.Task, Attempt: h.at.N, Key: h.key, Status: protocol.Failed, Value: failure(err),
	})
}

// lacks says that the worker doesn't know a function of the job.
func (s *Session) lacks(n uint32) error {
	name := fmt.Sprintf("number %d", n)
	if int(n) < len(s.hosting.names) {
		name = fmt.Sprintf("%q", s.hosting.names[n])
	}
	return fmt.Errorf("the worker doesn't know the function %s: is it registered under a condition, "+
		"or in a file that is built for the driver's platform only?", name)
}

// Down takes what the job says of attempts that run here.
func (s *Session) Down(d *protocol.Down) {
	for _, it := range d.Items {
		switch i := it.(type) {
		case protocol.Settle:
			s.downSettle(&i)
		case protocol.Stop:
			s.downStop(&i)
		}
	}
}

// downStop interrupts an attempt.
func (s *Session) downStop(i *protocol.Stop) {
	s.mu.Lock()
	if t := s.hosting.hosts[i.Attempt]; t != nil {
		s.m.Cancel(t.id, byContext)
		s.carryOut()
	}
	s.flush()
}

// downSettle brings the value that an attempt has asked for.
func (s *Session) downSettle(i *protocol.Settle) {
	s.mu.Lock()
	top := s.hosting.hosts[i.By]
	s.mu.Unlock()
	if top == nil {
		return
	}
	t := top.host.known(i.Ref)
	if t == nil {
		return
	}
	err := failureOr(&i.Value, func() error { return t.ops.(uplink).fill(&i.Value) })
	s.mu.Lock()
	if t.phase == live {
		s.joined(t, nil, err)
	}
	s.flush()
}

func failureOr(v *protocol.Value, fill func() error) error {
	if v.Form == protocol.Failure {
		return failureOf(v)
	}
	return fill()
}

// hosted is a task of the agent's: a call whose argument is still encoded.
type hosted[In, Out any] struct {
	Task
	f      *Fn[In, Out]
	spec   *Spec
	arg    []byte
	items  bool
	result protocol.Value
	refs   []protocol.RefID
}

func (f *Fn[In, Out]) hosted(h *host, p *protocol.Task) (*Task, Ops) {
	t := &hosted[In, Out]{f: f, spec: f.hostSpec(p), arg: p.Arg, items: p.Flags&protocol.Items != 0}
	return &t.Task, t
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
func (t *hosted[In, Out]) Release(bool)           { t.arg = nil }

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
	if len(t.arg) > 0 {
		return t.f.InPlan.Decode(t.arg, in, hostReader{t.host})
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
	w := hostWriter{h: t.host}
	data, err := p.Append(nil, ptr, &w)
	if err == nil {
		t.result, err = t.s.seal(data)
	}
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	t.refs = w.refs
	return nil
}

// execItems works off the items of a Map's chunk.
func (t *hosted[In, Out]) execItems(r *Run) error {
	items, err := t.itemsOf()
	if err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	outs := make([]Out, len(items))
	var errs []error
	for i := 0; i < len(items); {
		i = t.span(r, items, outs, &errs, i)
	}
	if !r.Commit() {
		return nil
	}
	if errs == nil {
		return t.keepItems(outs)
	}
	return t.keepParts(outs, errs)
}

func (t *hosted[In, Out]) itemsOf() (items []In, err error) {
	p, err := codec.Of(reflect.TypeFor[[]In]())
	if err != nil {
		return nil, err
	}
	if len(t.arg) > 0 {
		return items, p.Decode(t.arg, &items, hostReader{t.host})
	}
	if len(t.host.deps) == 0 {
		return nil, errors.New("there are none")
	}
	return items, decodeValue(t.s, &t.host.deps[0].Value, &items, hostReader{t.host})
}

// span works items off until none is left or one panics, and gives the index of the next one.
func (t *hosted[In, Out]) span(r *Run, items []In, outs []Out, errs *[]error, i int) (next int) {
	running := false
	fail := func(err error) {
		if *errs == nil {
			*errs = make([]error, len(items))
		}
		(*errs)[i] = err
	}
	defer func() {
		if running {
			if v := recover(); v != nil {
				fail(newPanic(v))
				next = i + 1
			}
		}
	}()
	for ; i < len(items); i++ {
		if err := r.Err(); err != nil {
			fail(err)
			continue
		}
		running = true
		out, err := t.f.invoke(r, items[i])
		running = false
		outs[i] = out
		if err != nil {
			fail(err)
		}
	}
	return i
}

func (t *hosted[In, Out]) keepItems(outs []Out) error {
	p, err := codec.Of(reflect.TypeFor[[]Out]())
	if err != nil {
		return err
	}
	w := hostWriter{h: t.host}
	data, err := p.Append(nil, &outs, &w)
	if err == nil {
		t.result, err = t.s.sealItems(data)
	}
	t.refs = w.refs
	return err
}

// keepParts encodes results of which some are failures.
func (t *hosted[In, Out]) keepParts(outs []Out, errs []error) error {
	w := hostWriter{h: t.host}
	parts := make([]protocol.Value, len(outs))
	for i := range outs {
		if errs[i] != nil {
			parts[i] = failure(errs[i])
			continue
		}
		data, err := t.f.OutPlan.Append(nil, &outs[i], &w)
		if err != nil {
			parts[i] = failure(fmt.Errorf("result: %w", err))
			continue
		}
		parts[i] = protocol.Value{Form: protocol.Inline, Data: data}
	}
	t.result, t.refs = protocol.Value{Form: protocol.List, Parts: parts}, w.refs
	return nil
}

// ended tells the agent how the task went. The mutex is held.
func (t *hosted[In, Out]) ended() {
	o := protocol.Outcome{ID: t.host.at.Task, Attempt: t.host.at.N, Key: t.host.key, Took: t.lasted(), Status: protocol.Succeeded}
	switch {
	case t.err == nil:
		o.Value, o.Refs = t.result, t.refs
	case t.is(dropped):
		o.Status, o.Value = protocol.Canceled, failure(ErrCanceled)
	default:
		o.Status, o.Value = protocol.Failed, failure(inner(t.err))
	}
	t.s.leave(t.host)
	t.s.cfg.Upstream.Outcome(&o)
}

// inner is what the function returned, or why it didn't run to its end: the driver says the rest.
func inner(err error) error {
	if e, ok := err.(*TaskError); ok { //nolint:errorlint // the outermost
		return e.Err
	}
	return err
}

// leave ends what belongs to an attempt that is over. The mutex is held.
func (s *Session) leave(h *host) {
	h.over = true
	delete(s.hosting.hosts, h.at)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.byRef {
		if t.phase == live {
			s.m.Cancel(t.id, byParent)
		}
	}
}

// leftToAgent reports whether an attempt was stopped by the agent: if it doesn't return, the agent replaces the whole
// worker, which frees what it holds. The mutex is held.
func (s *Session) leftToAgent(r *Run) bool {
	h := r.t.host
	return h != nil && s.hosting.hosts[h.at] == r.t && !r.expired.Load()
}
