package engine

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// In a worker, a call that a task makes goes up: to the worker's own machine it is a value, as Gather is, whose outcome
// the agent brings. So waiting for it, Completed, and cancelling it work as they do everywhere.

// uplink is a task that goes up.
type uplink interface {
	// request says what is called for.
	request(h *host, c *protocol.Call) error
	// fill takes the value.
	fill(v *protocol.Value) error
}

// goUp prepares a task that is started by one of the agent's. Unless it is lazy or waits for something of this process,
// the call is sent at once, so that whoever gets its Ref can name it.
func (s *Session) goUp(at site, t *Task) {
	if at.run == nil || at.run.t.host == nil {
		return
	}
	h := at.run.t.host
	t.host = h
	u, ok := t.ops.(uplink)
	if sp := t.ops.Spec(); !ok || sp.reg == nil && !t.is(joins) {
		return
	}
	t.traits |= joins
	t.up = true
	if at.lazy || h.mustWait(t) {
		return
	}
	if err := h.send(t, u); err == nil {
		t.traits &^= waits
	}
}

// mustWait reports whether t needs something that the agent can't know yet: the result of a Local that runs, say.
func (h *host) mustWait(t *Task) (yes bool) {
	if !t.is(waits) {
		return false
	}
	err := t.ops.Deps(func(d *Task) {
		yes = yes || !d.Done() && h.idOf(d) == "" && !h.sendLazy(d)
	})
	return yes || err != nil
}

// sendLazy sends a lazy call that another one names.
func (h *host) sendLazy(d *Task) bool {
	u, ok := d.ops.(uplink)
	if !ok || !d.up || d.host != h || h.mustWait(d) {
		return false
	}
	return h.sendAs(d, u, true) == nil
}

func (h *host) send(t *Task, u uplink) error { return h.sendAs(t, u, false) }

// sendAs sends the call of a task, once.
func (h *host) sendAs(t *Task, u uplink, lazy bool) error {
	if h.idOf(t) != "" {
		return nil
	}
	c := protocol.Call{By: h.at, Lazy: lazy}
	if err := u.request(h, &c); err != nil {
		return err
	}
	h.mu.Lock()
	h.seq++
	c.Seq = h.seq
	id := protocol.CallRef(h.at.Task, h.at.N, c.Seq)
	h.enter(id, t)
	h.s.cfg.Upstream.Send(c)
	h.mu.Unlock()
	return nil
}

// nextMap counts the Maps of the attempt.
func (h *host) nextMap() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.maps++
	return h.maps
}

// enter makes t known by an id. The host's mutex is held.
func (h *host) enter(id protocol.RefID, t *Task) {
	if h.byRef == nil {
		h.byRef, h.ids = map[protocol.RefID]*Task{}, map[*Task]protocol.RefID{}
		h.s.hosting.enter(h)
	}
	h.byRef[id], h.ids[t] = t, id
}

func (x *hosting) enter(h *host) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.spoke == nil {
		x.spoke = map[protocol.Attempt]*host{}
	}
	x.spoke[h.at] = h
}

func (h *host) idOf(t *Task) protocol.RefID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ids[t]
}

func (h *host) known(id protocol.RefID) *Task {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byRef[id]
}

// want asks for the value of a task that goes up. The mutex is held.
func (s *Session) want(t *Task) {
	if !t.up || t.wanted || t.phase == over {
		return
	}
	t.wanted = true
	if id := t.host.idOf(t); id != "" && !t.host.over {
		s.cfg.Upstream.Send(protocol.Want{By: t.host.at, Ref: id, Waits: true})
	}
}

// joinUp sends a call whose turn has come, and asks for its value if somebody waits for it already.
func (s *Session) joinUp(t *Task) {
	h := t.host
	sent := h.idOf(t) != ""
	var err error
	if !sent {
		err = h.send(t, t.ops.(uplink))
	}
	s.mu.Lock()
	if err == nil && h.over {
		err = errLeftBehind // nobody will answer
	}
	if err != nil {
		s.joined(t, nil, s.failure(t, nil, err))
	} else if t.wanted && !sent {
		s.cfg.Upstream.Send(protocol.Want{By: h.at, Ref: h.idOf(t), Waits: true})
	}
	s.flush()
}

// dropUp gives up on a task that went up: the agent is told unless its attempt is over, when that ends it anyway. The
// mutex is held.
func (s *Session) dropUp(t *Task, why uint8) {
	if id := t.host.idOf(t); id != "" && !t.host.over && why != byParent {
		s.cfg.Upstream.Send(protocol.Cancel{By: t.host.at, Ref: id})
	}
	s.joined(t, nil, ErrCanceled)
}

// hostWriter writes Refs as the agent knows them.
type hostWriter struct {
	h    *host
	refs []protocol.RefID
	seen map[protocol.RefID]bool
}

// WriteRef gives the id of a task that went up or came with the attempt; the value of any other goes up first.
func (w *hostWriter) WriteRef(n *codec.Node) ([]byte, error) {
	t := taskOf(n)
	id := w.h.idOf(t)
	if id == "" {
		if err := w.h.lift(t); err != nil {
			return nil, err
		}
		id = w.h.idOf(t)
	}
	if !w.seen[id] {
		if w.seen == nil {
			w.seen = map[protocol.RefID]bool{}
		}
		w.seen[id] = true
		w.refs = append(w.refs, id)
	}
	return []byte(id), nil
}

var errLeftBehind = errors.New("the task that this Ref came to, or that made this call, has ended: " +
	"pass Refs in arguments and results, and don't keep them in variables of a worker")

var errStaysHere = errors.New("a Ref whose task runs in this process stands in it: get its value first")

// lift makes a task known to the agent that isn't: a lazy call, or the value of one that has ended here.
func (h *host) lift(t *Task) error {
	if h.sendLazy(t) {
		return nil
	}
	if !t.Done() {
		if t.up && t.host != h {
			return errLeftBehind
		}
		return errStaysHere
	}
	if t.err != nil {
		return t.err
	}
	w := &liftWriter{hostWriter{h: h}}
	_, v, err := wireGood(t, h.s, nil, w)
	if err == nil && len(v.Data) > maxItemsInline {
		err = fmt.Errorf("a value of %d bytes is more than a task can pass on itself: return it from a task, and pass on the Ref of that",
			len(v.Data))
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	h.enter(protocol.CallRef(h.at.Task, h.at.N, h.seq), t)
	h.s.cfg.Upstream.Send(protocol.Call{By: h.at, Seq: h.seq, Kind: protocol.CallPut, Arg: v.Data, Refs: w.refs})
	return nil
}

// liftWriter writes the Refs in a value that goes up.
type liftWriter struct{ hostWriter }

func (*liftWriter) whole() {}

// hostReader binds the Refs in what the agent sends.
type hostReader struct{ h *host }

// ReadRef finds the task of an id, or makes one that has its value, or asks for it.
func (x hostReader) ReadRef(id []byte, pointee reflect.Type) (*codec.Node, error) {
	h, ref := x.h, protocol.RefID(id)
	if t := h.known(ref); t != nil {
		if k, ok := t.ops.(interface{ pointee() reflect.Type }); !ok || k.pointee() != pointee {
			return nil, errors.New("a Ref of another type")
		}
		return &t.Node, nil
	}
	made, ok := reflect.New(pointee).Interface().(interface {
		bound(h *host, ref protocol.RefID) (*Task, error)
	})
	if !ok {
		return nil, errors.New("no Ref")
	}
	t, err := made.bound(h, ref)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if first := h.byRef[ref]; first != nil {
		return &first.Node, nil
	}
	h.enter(ref, t)
	return &t.Node, nil
}

// remote is a task that came by its id.
type remote[T any] struct{ *Typed[T] }

var remoteSpec = &Spec{Name: "value"}

// bound makes t the task of an id: with its value, if that came with the attempt.
func (t *Typed[T]) bound(h *host, ref protocol.RefID) (*Task, error) {
	t.s, t.host, t.ops = h.s, h, &remote[T]{t}
	if k, ok := ref.Key(); ok {
		for i := range h.deps {
			if h.deps[i].Key == k {
				t.phase = over
				t.waiters.Store(ended)
				return &t.Task, decodeValue(h.s, &h.deps[i].Value, &t.out, hostReader{h})
			}
		}
	}
	t.traits, t.up = joins, true
	t.scope = h.s.root
	return &t.Task, nil
}

func (t *remote[T]) Spec() *Spec                         { return remoteSpec }
func (t *remote[T]) Deps(func(*Task)) error              { return nil }
func (t *remote[T]) Exec(*Run) error                     { return nil }
func (t *remote[T]) Join() (*Task, error)                { return nil, nil }
func (t *remote[T]) Results(visit func(*Task))           { refsIn(&t.out, visit) }
func (t *remote[T]) Release(drop bool)                   { t.drop(drop) }
func (t *remote[T]) request(*host, *protocol.Call) error { return errUnknownRef }
func (t *remote[T]) fill(v *protocol.Value) error        { return t.fillFrom(v) }
func (t *Typed[T]) fillFrom(v *protocol.Value) error {
	return decodeValue(t.s, v, &t.out, hostReader{t.host})
}

// upDrop is a task that went up and was cancelled here.
type upDrop struct {
	t   *Task
	why uint8
}

// tellBlock says that the function of an attempt that the agent has given waits, or goes on. The mutex is held.
func (s *Session) tellBlock(r *Run, waits, ends bool) {
	s.cfg.Upstream.Send(protocol.Block{By: r.t.host.at, Waits: waits, Ends: ends})
}

// tellsBlocks reports whether the agent hears of an attempt's waits. The mutex is held.
func (s *Session) tellsBlocks(r *Run) bool {
	h := r.t.host
	return h != nil && h.t == r.t && !h.over
}

// tellWait says that a function has begun to wait, and once that its wait may end by something of which the agent
// doesn't know: a deadline, or what this process does. The mutex is held.
func (s *Session) tellWait(r *Run, began bool) {
	if !s.tellsBlocks(r) {
		return
	}
	l := r.lending
	ends := l.ends || !s.m.AwaitsOnly(r.id, func(id coordinator.ID) bool { return s.taskOf(id).up })
	if began || ends != l.ends {
		s.tellBlock(r, true, ends)
	}
	l.ends = ends
}
