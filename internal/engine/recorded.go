package engine

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// recorded runs one attempt of a call of a job that has a journal: what an earlier run has recorded stands for it.
func (f *Fn[In, Out]) recorded(r *Run, in In, out *Out) error {
	key, ok := r.t.settleKey()
	if !ok {
		r.s.unrecorded(&f.Spec, errUnkeyed)
		return f.plainly(r, in, out)
	}
	if v, found, err := f.recall(r, key); found {
		if r.Commit() && err == nil {
			*out = v
		}
		return err
	}
	if f.Opts.Once {
		r.s.recordBegun(&f.Spec, journal.Record{Key: key, Attempt: int(r.attempt)})
		r.s.syncJournal()
	}
	v, err := f.invoke(r, in)
	if r.Commit() && err == nil {
		*out = v
		if !r.expired.Load() {
			f.record(r, key, out)
		}
	}
	return err
}

// recall finds a call's outcome in the journal: a value, or the error with which it failed.
func (f *Fn[In, Out]) recall(r *Run, key journal.Key) (v Out, found bool, err error) {
	s := r.s
	e, ok := s.cfg.Journal.Task(key)
	if ok && e.Status == journal.Failed && !s.cfg.ResumeFailures && !f.Opts.Once {
		ok = false
	}
	if ok {
		v, ok, err = f.restore(s, e)
	}
	s.matched(&f.Spec, 1, ok)
	if !ok {
		return v, false, nil
	}
	r.final = true
	s.noteRestored(r, f.Name, 0)
	return v, true, err
}

func (f *Fn[In, Out]) restore(s *Session, e journal.Entry) (v Out, ok bool, err error) {
	data, failure := s.cfg.Journal.Read(e)
	if failure == nil {
		if e.Status == journal.Failed {
			err, failure = codec.DecodeError(data)
		} else {
			failure = f.OutPlan.Decode(data, &v, refRestorer{s})
		}
	}
	if failure != nil && !errors.Is(failure, errNotRecorded) {
		s.unrecorded(&f.Spec, failure)
	}
	return v, failure == nil, err
}

// record appends a result to the journal.
func (f *Fn[In, Out]) record(r *Run, key journal.Key, out *Out) {
	var room [256]byte
	data, err := f.OutPlan.Append(room[:0], out, resultWriter{})
	if err != nil {
		if !errors.Is(err, errNotRecorded) {
			r.s.unrecorded(&f.Spec, err)
		}
		return
	}
	r.s.append(&f.Spec, journal.Record{Key: key, Status: journal.OK, Attempt: int(r.attempt), Data: data})
}

func (s *Session) append(sp *Spec, rec journal.Record) {
	rec.Func = sp.Name
	s.cfg.Journal.Append(rec, func() journal.Code { return s.cfg.Code(sp).Code })
}

// recordFailure appends how a task failed for good, once the mutex, which is held, is released.
func (s *Session) recordFailure(t *Task, r *Run, err error) {
	if s.cfg.Journal == nil || r.final || isCancel(err) && !r.expired.Load() {
		return
	}
	c, item := t.ops.(itemRecorder)
	if item = item && c.recordsItem(); item {
		s.out.after = append(s.out.after, func() { c.recordFailure(int(r.attempt), err) })
	}
	if t.ident == nil || !t.ident.known.Load() {
		return
	}
	sp, key, attempt := t.ops.Spec(), t.ident.key, int(r.attempt)
	s.out.after = append(s.out.after, func() {
		data, e := codec.AppendError(nil, err)
		if e != nil {
			data, _ = codec.AppendError(nil, errors.New(err.Error())) // a text can always be encoded
		}
		if !item {
			s.append(sp, journal.Record{Key: key, Status: journal.Failed, Attempt: attempt, Data: data})
		}
		if s.cfg.Carrier != nil && len(data) <= protocol.MaxInline {
			s.cfg.Carrier.Decide(protocol.Decision{Key: protocol.Key(key), Kind: protocol.FailedForGood, Data: data}, nil)
		}
	})
}

// itemRecorder is a chunk of one item of a Map.
type itemRecorder interface {
	recordsItem() bool
	recordFailure(attempt int, err error)
}

var errNotRecorded = errors.New("a Ref whose task isn't recorded")

// resultWriter writes the Refs in a result that is recorded: those of calls that are or will be recorded themselves.
type resultWriter struct{}

// WriteRef is the key of the task.
func (resultWriter) WriteRef(n *codec.Node) ([]byte, error) {
	t := taskOf(n)
	if t.ident == nil || !t.ident.known.Load() {
		return nil, errNotRecorded
	}
	if t.ops != nil && (t.is(joins) || t.ops.Spec().Local || t.ops.Spec() == putSpec) {
		return nil, errNotRecorded
	}
	return t.ident.key[:], nil
}

// refRestorer makes the tasks that the Refs in a recorded result point at: they have ended, with recorded results.
type refRestorer struct{ s *Session }

// ReadRef finds or makes the task of a key.
func (x refRestorer) ReadRef(id []byte, pointee reflect.Type) (*codec.Node, error) {
	var key journal.Key
	if len(id) != len(key) {
		return nil, errors.New("not a key")
	}
	copy(key[:], id)
	x.s.restoring.Lock()
	t := x.s.restored[key]
	x.s.restoring.Unlock()
	if t != nil && t.typ == pointee {
		return &t.task.Node, nil
	}
	task, err := x.make(key, pointee)
	if err != nil {
		return nil, err
	}
	x.s.restoring.Lock()
	defer x.s.restoring.Unlock()
	if t := x.s.restored[key]; t != nil && t.typ == pointee {
		return &t.task.Node, nil
	}
	if x.s.restored == nil {
		x.s.restored = map[journal.Key]*restored{}
	}
	x.s.restored[key] = &restored{pointee, task}
	return &task.Node, nil
}

// restored is a task that a recorded result refers to.
type restored struct {
	typ  reflect.Type // Typed[T]
	task *Task
}

func (x refRestorer) make(key journal.Key, pointee reflect.Type) (*Task, error) {
	e, ok := x.s.cfg.Journal.Task(key)
	if !ok || e.Status != journal.OK {
		return nil, errNotRecorded
	}
	field, ok := pointee.FieldByName("out")
	if !ok {
		return nil, fmt.Errorf("a Ref of %s", pointee)
	}
	plan, err := codec.Of(field.Type)
	if err != nil {
		return nil, err
	}
	data, err := x.s.cfg.Journal.Read(e)
	if err != nil {
		return nil, err
	}
	v := reflect.New(pointee)
	made, ok := v.Interface().(interface{ asRestored(*Spec) Ops })
	if !ok {
		return nil, fmt.Errorf("a Ref of %s", pointee)
	}
	out := reflect.NewAt(field.Type, v.Elem().FieldByIndex(field.Index).Addr().UnsafePointer())
	if err := plan.Decode(data, out.Interface(), x); err != nil {
		return nil, err
	}
	t := (*Task)(v.UnsafePointer()) // Typed begins with it
	t.s, t.ops, t.phase, t.ident = x.s, made.asRestored(&Spec{Name: x.s.recordedFunc(key)}), over, &identity{from: x.s.ring}
	t.ident.set(key)
	t.waiters.Store(ended)
	return t, nil
}

// restoredOps is what a restored task does: it has a result, which may be sent on.
type restoredOps[T any] struct {
	*Typed[T]
	spec *Spec
}

func (t *Typed[T]) asRestored(sp *Spec) Ops { return &restoredOps[T]{t, sp} }

func (o *restoredOps[T]) Spec() *Spec               { return o.spec }
func (o *restoredOps[T]) Deps(func(*Task)) error    { return nil }
func (o *restoredOps[T]) Exec(*Run) error           { return nil }
func (o *restoredOps[T]) Join() (*Task, error)      { return nil, nil }
func (o *restoredOps[T]) Results(visit func(*Task)) { refsIn(&o.out, visit) }
func (o *restoredOps[T]) Release(drop bool)         { o.drop(drop) }

// recordedFunc is the name of the function whose call has a key in the journal.
func (s *Session) recordedFunc(key journal.Key) string {
	e, _ := s.cfg.Journal.Task(key)
	return s.cfg.Journal.Func(e)
}

// noteCached tells the listeners which results of an attempt came from the cache. The mutex is held.
func (s *Session) noteCached(r *Run) {
	if r.restored == 0 || !s.log.has(event.ResultRestored) {
		return
	}
	e := event.Event{Kind: event.ResultRestored, Func: r.t.ops.Spec().Name, Item: -1, Text: "cache"}
	if r.t.is(quiet) {
		e.Items = r.restored
	} else {
		e.Task, e.Attempt = r.num, int(r.attempt)
	}
	s.log.add(e)
}

// noteRestored tells the listeners that a result was found in the journal: items of a Map, or a task's.
func (s *Session) noteRestored(r *Run, name string, items int) {
	if !s.log.has(event.ResultRestored) {
		return
	}
	e := event.Event{Kind: event.ResultRestored, Func: name, Items: items, Item: -1, Text: "journal"}
	if items == 0 {
		e.Task, e.Attempt = r.num, int(r.attempt)
	}
	s.Note(e)
}
