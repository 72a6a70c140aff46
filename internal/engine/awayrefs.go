package engine

import (
	"encoding/binary"
	"errors"
	"reflect"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// refIndex is what the Refs in an attempt's messages stand for: those that were sent to it, by a key of their place, and
// the calls that it has made. It means nothing beyond the attempt, and ends with it. Until then it holds these tasks; a
// value that the attempt has made, and its result, hold those whose Refs stand in them.
type refIndex struct {
	mu    sync.Mutex
	sent  []*Task
	calls map[uint64]*Task         // that the attempt has made, by number
	ids   map[*Task]protocol.RefID // of both; of the calls only once a Ref was sent
}

var errUnknownRef = errors.New("a Ref that wasn't sent with the task, nor made by it: " +
	"pass Refs in arguments and results, and don't keep them in variables of a worker")

// WriteRef is the key of the task's place, or the attempt's own call.
func (r *Run) WriteRef(n *codec.Node) ([]byte, error) {
	t := originOf(taskOf(n))
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ids == nil {
		x.ids = map[*Task]protocol.RefID{}
		for seq, c := range x.calls {
			x.ids[c] = r.callRef(seq)
		}
	}
	id, ok := x.ids[t]
	if !ok {
		id = protocol.KeyRef(r.refKey(len(x.sent)))
		x.sent, x.ids[t] = append(x.sent, t), id
	}
	return []byte(id), nil
}

func (r *Run) callRef(seq uint64) protocol.RefID {
	return protocol.CallRef(uint64(r.id), uint32(r.attempt), seq)
}

func (r *Run) refKey(place int) (k protocol.Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(r.id))
	binary.LittleEndian.PutUint32(k[8:], uint32(r.attempt))
	binary.LittleEndian.PutUint32(k[12:], uint32(place))
	return k
}

// find is the task that a Ref of the attempt's stands for.
func (r *Run) find(ref protocol.RefID) (*Task, error) {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	if k, ok := ref.Key(); ok {
		i := int(binary.LittleEndian.Uint32(k[12:]))
		if i < len(x.sent) && k == r.refKey(i) {
			return x.sent[i], nil
		}
	}
	if task, attempt, seq, ok := ref.Call(); ok && task == uint64(r.id) && attempt == uint32(r.attempt) {
		if t := x.calls[seq]; t != nil {
			return t, nil
		}
	}
	return nil, errUnknownRef
}

// keepCall enters a call that the attempt has made, and reports whether it is new.
func (r *Run) keepCall(seq uint64, t *Task) {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.calls == nil {
		x.calls = map[uint64]*Task{}
	}
	x.calls[seq] = t
	if x.ids != nil {
		x.ids[t] = r.callRef(seq)
	}
}

func (r *Run) hasCall(seq uint64) bool {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.calls[seq] != nil
}

// awayReader binds the Refs in what an attempt sends.
type awayReader struct{ r *Run }

// ReadRef finds the task, and makes its image if what it was made of didn't say its type.
func (a awayReader) ReadRef(id []byte, pointee reflect.Type) (*codec.Node, error) {
	t, err := a.r.find(protocol.RefID(id))
	if err != nil {
		return nil, err
	}
	t, err = typedAs(t, pointee)
	if err != nil {
		return nil, err
	}
	return &t.Node, nil
}
