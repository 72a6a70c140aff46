package engine

import (
	"encoding/binary"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
)

// identity is what a task is known by in a job's journal: a key that another run of the program computes again. Tasks of
// sessions without a journal have none.
type identity struct {
	from  *keyring // of the task that started it, or the session's
	known atomic.Bool
	key   journal.Key // read after known
}

// set gives the task its key. It is called before the task starts, or by its only attempt.
func (id *identity) set(k journal.Key) {
	id.key = k
	id.known.Store(true)
}

// keyring makes the keys of the calls made within one attempt of a task, or outside of tasks.
type keyring struct {
	parent journal.Key
	mu     sync.Mutex
	seen   map[journal.Key]uint64
}

// again is k the first time, and another key for each time after that: calls that are equal are told apart by their order.
func (kr *keyring) again(k journal.Key) journal.Key {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	if kr.seen == nil {
		kr.seen = map[journal.Key]uint64{}
	}
	n := kr.seen[k]
	kr.seen[k] = n + 1
	if n == 0 {
		return k
	}
	return journal.Mix("again", k[:], binary.AppendUvarint(nil, n))
}

// ring is where calls made with the attempt's context get their keys: its own one if its task has a key, else that of
// the nearest task around it that has.
func (r *Run) ring() *keyring {
	if r == nil {
		return nil
	}
	if kr := r.keys.Load(); kr != nil {
		return kr
	}
	kr := r.newRing()
	if !r.keys.CompareAndSwap(nil, kr) {
		kr = r.keys.Load()
	}
	return kr
}

func (r *Run) newRing() *keyring {
	if c, ok := r.t.ops.(interface {
		itemKey(*Run) (journal.Key, bool)
	}); ok {
		if k, ok := c.itemKey(r); ok {
			return &keyring{parent: k}
		}
	}
	id := r.t.ident
	switch {
	case id == nil:
		return r.s.ring
	case id.known.Load():
		return &keyring{parent: id.key}
	default:
		return id.from
	}
}

// ringAt is the keyring of a call site.
func (s *Session) ringAt(r *Run) *keyring {
	if r != nil && r.s == s {
		return r.ring()
	}
	return s.ring
}

// identify gives a task its identity, and its key if that can be computed before it starts.
func (s *Session) identify(t *Task, by *Run, ops identified) {
	if s.cfg.Journal == nil {
		return
	}
	t.ident = &identity{from: s.ringAt(by)}
	if k, ok := ops.baseKey(s, t.ident.from.parent, false); ok {
		t.ident.set(t.ident.from.again(k))
	}
}

// identifyValue gives a value such as Gather's its identity: its key says what it is made of.
func (s *Session) identifyValue(t *Task, by *Run, key func() (journal.Key, bool)) {
	if s.cfg.Journal == nil {
		return
	}
	t.ident = &identity{from: s.ringAt(by)}
	if k, ok := key(); ok {
		t.ident.set(k)
	}
}

// settleKey is the task's key, computed now if that had to wait for the values of its dependencies.
func (t *Task) settleKey() (journal.Key, bool) {
	id := t.ident
	if !id.known.Load() {
		ops, ok := t.ops.(identified)
		if !ok {
			return journal.Key{}, false
		}
		k, ok := ops.baseKey(t.s, id.from.parent, true)
		if !ok {
			return journal.Key{}, false
		}
		id.set(id.from.again(k))
	}
	return id.key, true
}

// identified is a task that may have a key. With final its dependencies have ended, so that those without a key of their
// own count by their values.
type identified interface {
	baseKey(s *Session, parent journal.Key, final bool) (journal.Key, bool)
}

func (c *call[In, Out]) baseKey(s *Session, parent journal.Key, final bool) (journal.Key, bool) {
	if c.f.Local {
		return journal.Key{}, false
	}
	var room [128]byte
	arg, err := c.f.InPlan.Append(room[:0], &c.in, keyWriter{final})
	if err != nil {
		return journal.Key{}, false
	}
	return s.callKey("call", parent, &c.f.Spec, arg), true
}

func (c *fromCall[In, Out]) baseKey(s *Session, parent journal.Key, final bool) (journal.Key, bool) {
	if c.f.Local {
		return journal.Key{}, false
	}
	k, ok := c.src.keyOf(final)
	return s.callKey("from", parent, &c.f.Spec, k[:]), ok
}

// callKey is the key of a call, but for its occurrence.
func (s *Session) callKey(kind string, parent journal.Key, sp *Spec, arg []byte) journal.Key {
	code := s.cfg.Code(sp)
	if code.Kind == journal.ByBuild {
		s.warn(code.Warning)
	}
	return journal.Mix(kind, parent[:], []byte(sp.Name), []byte(code.ID), arg)
}

// keyOf is the key of a task that stands in another's argument: its own, or with final the hash of its value.
func (t *Typed[T]) keyOf(final bool) (journal.Key, bool) {
	if t.ident == nil {
		return journal.Key{}, false
	}
	if t.ident.known.Load() {
		return t.ident.key, true
	}
	if !final || !t.Done() || t.err != nil {
		return journal.Key{}, false
	}
	return t.contentKey()
}

// contentKey is the hash of the task's value, if it has one.
func (t *Typed[T]) contentKey() (journal.Key, bool) {
	if !t.Done() || t.err != nil {
		return journal.Key{}, false
	}
	return valueKey(&t.out)
}

// valueKey is the key of a value that no recorded call gave.
func valueKey[T any](v *T) (journal.Key, bool) {
	p, err := codec.Of(reflect.TypeFor[T]())
	if err != nil {
		return journal.Key{}, false
	}
	data, err := p.Append(nil, v, contentWriter{})
	if err != nil {
		return journal.Key{}, false
	}
	return journal.Mix("value", data), true
}

// keyWriter writes Refs as the keys of their tasks.
type keyWriter struct{ final bool }

var errUnkeyed = errors.New("a Ref whose task has no key")

// WriteRef is the key of the task.
func (w keyWriter) WriteRef(n *codec.Node) ([]byte, error) {
	t := taskOf(n)
	if t.ident != nil && t.ident.known.Load() {
		return t.ident.key[:], nil
	}
	if ops, ok := t.ops.(interface {
		keyOf(bool) (journal.Key, bool)
	}); ok {
		if k, ok := ops.keyOf(w.final); ok {
			return k[:], nil
		}
	}
	return nil, errUnkeyed
}
