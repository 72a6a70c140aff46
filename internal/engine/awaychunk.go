package engine

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// pack sends the items that are to be worked off: one as an ordinary argument, several as a slice.
func (c *chunk[In, Out]) pack(r *Run, t *protocol.Task) error {
	if !c.is(once) {
		return c.m.f.packArgument(r, t, &c.items[0], c.Deps)
	}
	t.Flags |= protocol.Items
	if !c.m.f.OutRefs.HasRefs() { // else all results are visited when the chunk's attempt is over
		t.Flags |= protocol.Partial
	}
	t.Timeout = 0
	items := c.items
	if c.errs != nil || c.found != nil {
		items = c.unsettled()
	}
	args := &r.s.carried.args
	data, v, err := encodeItems(r.s, *args, items, r)
	*args = data
	if err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	if v.Form == protocol.Inline {
		t.Arg = v.Data
	} else {
		t.Deps = []protocol.Dep{{Key: argumentKey, Value: v}}
	}
	return nil
}

func encodeItems[T any](s *Session, dst []byte, items []T, refs codec.RefWriter) ([]byte, protocol.Value, error) {
	p, err := codec.Of(reflect.TypeFor[[]T]())
	if err != nil {
		return dst, protocol.Value{}, err
	}
	from := len(dst)
	dst, err = p.Append(dst, &items, refs)
	if err != nil {
		return dst, protocol.Value{}, err
	}
	v, err := s.sealItems(dst[from:len(dst):len(dst)])
	return dst, v, err
}

func decodeItems[T any](data []byte, refs codec.RefReader) (items []T, err error) {
	p, err := codec.Of(reflect.TypeFor[[]T]())
	if err == nil {
		err = p.Decode(data, &items, refs)
	}
	return items, err
}

// overwriteItems is decodeItems into memory that is used again where that can be.
func overwriteItems[T any](data []byte, items *[]T, refs codec.RefReader) error {
	p, err := codec.Of(reflect.TypeFor[[]T]())
	if err == nil {
		err = p.Overwrite(data, items, refs)
	}
	return err
}

// maxItemsInline is how long the items of a chunk may be to go by message: chunks are made to be short-lived, so the
// way through a file would cost more than it saves.
const maxItemsInline = 2 << 20

func (s *Session) sealItems(data []byte) (protocol.Value, error) {
	if len(data) <= maxItemsInline {
		return protocol.Value{Form: protocol.Inline, Data: data}, nil
	}
	return s.seal(data)
}

// unsettled are the items that have no outcome yet.
func (c *chunk[In, Out]) unsettled() []In {
	var items []In
	for i, v := range c.items {
		if !c.isSettled(i) {
			items = append(items, v)
		}
	}
	return items
}

func (c *chunk[In, Out]) isSettled(i int) bool {
	return c.errs != nil && c.errs[i] != nil || c.found != nil && c.found[i]
}

func (c *chunk[In, Out]) isAllSettled() bool {
	for i := range c.items {
		if !c.isSettled(i) {
			return false
		}
	}
	return len(c.items) > 0
}

// unpack takes the results of the items that were sent.
func (c *chunk[In, Out]) unpack(r *Run, v *protocol.Value) error {
	if !c.is(once) {
		err := decodeValue(r.s, v, &c.outs[0], awayReader{r})
		if err == nil && c.m.rec != nil {
			c.record(r)
		}
		return err
	}
	if v.Form == protocol.Inline && c.errs == nil && c.found == nil {
		if err := c.overwriteOuts(v.Data, awayReader{r}); err != nil {
			return err
		}
		c.placed(len(c.items), r)
		return nil
	}
	places := make([]int, 0, len(c.items))
	for i := range c.items {
		if !c.isSettled(i) {
			places = append(places, i)
		}
	}
	rest := len(c.items)
	if n := len(v.Parts); v.Form == protocol.List && 0 < n && n < len(places) && !c.m.f.OutRefs.HasRefs() {
		rest, places = places[n], places[:n]
	}
	if err := c.placeItems(v, places, awayReader{r}, r); err != nil {
		return err
	}
	c.placed(rest, r)
	return nil
}

// placed notes that the items up to rest have their results. The others are given to other chunks.
func (c *chunk[In, Out]) placed(rest int, r *Run) {
	c.whole = true
	if c.next.Store(taken); rest < len(c.items) {
		c.next.Store(int64(rest))
		c.give(rest, false)
	}
	if c.m.rec != nil {
		c.record(r)
	}
}

// overwriteOuts decodes the results of all items to where they belong.
func (c *chunk[In, Out]) overwriteOuts(data []byte, refs codec.RefReader) error {
	outs := c.outs
	if err := overwriteItems(data, &outs, refs); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if len(outs) != len(c.outs) {
		return itemsError(len(c.outs), len(outs))
	}
	copy(c.outs, outs) // nothing, if they are there
	return nil
}

// placeItems puts results where they belong; r is the attempt, if this process knows it.
func (c *chunk[In, Out]) placeItems(v *protocol.Value, places []int, refs codec.RefReader, r *Run) error {
	if v.Form == protocol.List {
		if len(v.Parts) != len(places) {
			return itemsError(len(places), len(v.Parts))
		}
		for k, i := range places {
			if err := decodeValue(c.s, &v.Parts[k], &c.outs[i], refs); err != nil {
				if te := (*TaskError)(nil); errors.As(err, &te) && r == nil {
					err = te.Err
				}
				c.failUnlessOver(i, c.m.itemError(c.base+i, r, err))
			}
		}
		return nil
	}
	var outs []Out
	if err := decodeValue(c.s, v, &outs, refs); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if len(outs) != len(places) {
		return itemsError(len(places), len(outs))
	}
	if len(outs) == len(c.outs) {
		copy(c.outs, outs)
		return nil
	}
	for k, i := range places {
		c.outs[i] = outs[k]
	}
	return nil
}

func itemsError(want, got int) error {
	return fmt.Errorf("%d results came for %d items", got, want)
}

// recallAway takes what an earlier run has recorded of the items, and passes on errors of the input.
func (c *chunk[In, Out]) recallAway(r *Run) (bool, error) {
	if c.m.rec != nil {
		c.pre = slices.Clone(c.errs)
		if found, err := c.recallChunk(r); found {
			return true, err
		}
	}
	if !c.is(once) {
		return c.errs != nil && c.errs[0] != nil, nil
	}
	return c.isAllSettled(), nil
}

// minAway is how many chunks a Map keeps on their way at least when they run elsewhere, and cheapAway is how many times
// as many if they are as long as they may be and still take less than they should: then it's the way that takes time.
const (
	minAway   = 8
	cheapAway = 8
)

// leaves reports whether the Map's chunks run in other processes.
func (m *mapper[In, Out]) leaves() bool {
	return m.s.isAway(&m.f.Spec) || m.goesUp()
}

func (m *mapper[In, Out]) goesUp() bool {
	return m.s.cfg.Upstream != nil && m.f.reg != nil && m.run != nil && m.run.t.host != nil
}

// startAway prepares a chunk that runs elsewhere. Both mutexes are held.
func (m *mapper[In, Out]) startAway(c *chunk[In, Out]) {
	switch {
	case m.goesUp():
		c.host, c.up, c.wanted = m.run.t.host, true, true
		c.traits |= joins
		c.sent = m.s.now()
	case m.s.isAway(&m.f.Spec):
		room := m.s.capacity(&m.f.Spec) // nodes may have come
		if c.size >= m.limit {
			room *= cheapAway
		}
		m.room = max(m.room, room)
	}
}
