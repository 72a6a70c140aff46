package engine

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// A chunk of a recorded Map has a key from which a later driver sees where it was cut: 5 bytes of the Map's key, the first
// item, how many there are, and 5 bytes of the hash of their inputs. So that driver cuts in the same places as long as
// chunks of the one before run, or have ended without its knowledge, and finds their outcomes.
const (
	keyFrom   = 5
	keySize   = keyFrom + 4
	keyInputs = keySize + 2
)

type mapID [keyFrom]byte

// cut is where a chunk begins, and how many items it has.
type cut struct{ from, size int }

// chunkKey is false for a chunk that the key has no room for: nobody adopts it then.
func chunkKey(of journal.Key, at cut, inputs journal.Key) (k journal.Key, ok bool) {
	if at.size > maxChunk || uint64(at.from) > 1<<32-1 {
		return k, false
	}
	copy(k[:], of[:keyFrom])
	binary.LittleEndian.PutUint32(k[keyFrom:], uint32(at.from))
	binary.LittleEndian.PutUint16(k[keySize:], uint16(at.size))
	copy(k[keyInputs:], inputs[:])
	return k, true
}

// noteCut notes where an earlier driver has cut, if a key is a chunk's. The mutex is held.
func (s *Session) noteCut(k protocol.Key) {
	size := int(binary.LittleEndian.Uint16(k[keySize:]))
	if size == 0 || size > maxChunk || s.cfg.Journal == nil {
		return // it is another task's
	}
	if s.carried.cuts == nil {
		s.carried.cuts = map[mapID][]cut{}
	}
	id := mapID(k[:keyFrom])
	s.carried.cuts[id] = append(s.carried.cuts[id], cut{int(binary.LittleEndian.Uint32(k[keyFrom:])), size})
}

// cutsOf are an earlier driver's cuts of a Map, in order. Of several that begin at one item the last counts.
func (s *Session) cutsOf(k journal.Key) []cut {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.carried.cuts[mapID(k[:keyFrom])])
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b cut) int { return cmp.Compare(a.from, b.from) })
	return slices.CompactFunc(list, func(a, b cut) bool { return a.from == b.from })
}

// identify gives the chunk its key, and reports whether it has one.
func (c *chunk[In, Out]) identify() (journal.Key, bool) {
	hash, err := c.inputs(len(c.items))
	if err != nil {
		return journal.Key{}, false // it isn't recorded either, which is told then
	}
	k, ok := chunkKey(c.m.rec.key, cut{c.base, len(c.items)}, hash)
	if ok {
		c.ident = &identity{}
		c.ident.set(k)
	}
	return k, ok
}

// recallChunk takes what an earlier run has recorded of the chunk: in this driver's journal, or in the job's stream. An
// error is its attempt's.
func (c *chunk[In, Out]) recallChunk(r *Run) (found bool, err error) {
	key, keyed := c.identify()
	if !keyed || !c.m.f.Opts.Once || !c.s.comes(key) { // else that tells more than the record that it had begun
		if c.recall(r) {
			c.whole = true
			c.s.takeReplayed(key)
			return true, nil
		}
	}
	if !keyed || c.found != nil {
		c.ident = nil // what is left of it is another task
		return false, nil
	}
	if o := c.s.takeReplayed(key); o != nil {
		if err := c.unpack(r, &o.Value); err == nil {
			c.found = slices.Repeat([]bool{true}, len(c.items)) // so its time says nothing of what items cost
			c.m.mu.Lock()
			size := c.size // without what was left to others
			c.m.mu.Unlock()
			c.s.noteRestored(r, c.m.f.Name, size)
			return true, nil
		}
	}
	if c.m.f.Opts.Once && c.s.comes(key) {
		return false, nil // it is adopted
	}
	err = c.s.recallDecided(r)
	return err != nil, err
}
