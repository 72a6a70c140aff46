package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// itemsCall is a task for items of a Map that runs inside a task: its result is for that task, so it stays encoded. In a
// recorded job each item has a key, so that what a call had done before it failed isn't done again.
type itemsCall[In, Out any] struct {
	Task
	f      *Fn[In, Out]
	by     *Run
	items  []byte
	result protocol.Value
	keys   []journal.Key    // of the items; nil in a job that isn't recorded
	parts  []protocol.Value // of the items, as far as they were recorded before
	rest   []int            // places of those that are to run; nil for all
	outs   []Out            // of those that ran here
}

func (f *Fn[In, Out]) calledItems(r *Run, c *protocol.Call) (*Task, error) {
	k := &itemsCall[In, Out]{f: f, by: r, items: c.Arg}
	k.traits = once
	if r.s.cfg.Journal != nil {
		if err := k.identify(c); err != nil {
			return nil, fmt.Errorf("argument: %w", err)
		}
	}
	start(r, r.at(c.Lazy), &k.Task, k)
	return &k.Task, nil
}

// identify gives each item its key: what it is, and where in which Map of the attempt.
func (c *itemsCall[In, Out]) identify(k *protocol.Call) error {
	items, err := decodeItems[In](c.items, awayReader{c.by})
	if err != nil {
		return err
	}
	s := c.by.s
	parent := c.by.ring().parent
	place := binary.AppendUvarint(nil, k.Map)
	for i := range items {
		arg, err := c.f.InPlan.Append(nil, &items[i], keyWriter{})
		if err != nil {
			c.keys = nil
			return nil //nolint:nilerr // Refs that have no key: the items aren't recorded
		}
		at := binary.AppendUvarint(append([]byte(nil), place...), uint64(k.First)+uint64(i))
		c.keys = append(c.keys, s.callKey("item", parent, &c.f.Spec, append(at, arg...)))
	}
	return nil
}

func (c *itemsCall[In, Out]) Spec() *Spec            { return &c.f.Spec }
func (c *itemsCall[In, Out]) Deps(func(*Task)) error { return nil }
func (c *itemsCall[In, Out]) Join() (*Task, error)   { return nil, nil }

// Results visits the Refs in what ran here.
func (c *itemsCall[In, Out]) Results(visit func(*Task)) {
	for i := range c.outs {
		c.f.results(&c.outs[i], visit)
	}
}

// Exec works the items off in this process: those who have asked for them are a process of its own.
func (c *itemsCall[In, Out]) Exec(r *Run) error {
	if found, err := c.recallAway(r); found || err != nil {
		r.Commit()
		return err
	}
	items, err := decodeItems[In](c.items, awayReader{c.by})
	if err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	outs, errs := c.f.workOff(r, items, make([]Out, len(items)), 0)
	if !r.Commit() {
		return nil
	}
	c.outs = outs
	if c.keys == nil {
		c.result, err = c.f.packItems(c.s, new([]byte), outs, errs, c.by)
		return err
	}
	return c.keepRan(r, outs, errs)
}

// keepRan puts what ran here beside what was recorded before, and records it.
func (c *itemsCall[In, Out]) keepRan(r *Run, outs []Out, errs []error) error {
	if errs == nil {
		errs = make([]error, len(outs))
	}
	v, err := c.f.packItems(c.s, new([]byte), outs, errs, c.by)
	if err != nil {
		return err
	}
	for k, i := range c.rest {
		c.parts[i] = v.Parts[k]
		if errs[k] == nil {
			c.f.record(r, c.keys[i], &outs[k])
		}
	}
	c.result = protocol.Value{Form: protocol.List, Parts: c.parts}
	return nil
}

func (c *itemsCall[In, Out]) Release(drop bool) {
	c.items = nil
	if drop {
		c.result, c.outs = protocol.Value{}, nil
	}
}

// recallAway takes what an earlier run has recorded, and leaves the other items to be sent.
func (c *itemsCall[In, Out]) recallAway(r *Run) (bool, error) {
	if c.keys == nil || c.parts != nil {
		return false, nil
	}
	c.parts = make([]protocol.Value, len(c.keys))
	found := 0
	for i, k := range c.keys {
		e, ok := r.s.cfg.Journal.Task(k)
		if ok && e.Status == journal.OK {
			if data, err := r.s.cfg.Journal.Read(e); err == nil {
				c.parts[i] = protocol.Value{Form: protocol.Inline, Data: data}
				found++
				continue
			}
		}
		c.rest = append(c.rest, i)
	}
	r.s.matched(&c.f.Spec, len(c.keys), found > 0)
	if found == 0 {
		return false, nil
	}
	r.s.noteRestored(r, c.f.Name, found)
	if len(c.rest) == 0 {
		c.result = protocol.Value{Form: protocol.List, Parts: c.parts}
		return true, nil
	}
	return false, c.keepRest()
}

// keepRest leaves out the items that were recorded.
func (c *itemsCall[In, Out]) keepRest() error {
	all, err := decodeItems[In](c.items, awayReader{c.by})
	if err != nil {
		return err
	}
	items := make([]In, len(c.rest))
	for k, i := range c.rest {
		items[k] = all[i]
	}
	var v protocol.Value
	c.items, v, err = encodeItems(c.s, nil, items, c.by)
	if err == nil && v.Form != protocol.Inline {
		err = errNoValue // fewer than came in one message
	}
	return err
}

func (c *itemsCall[In, Out]) pack(_ *Run, t *protocol.Task) error {
	t.Flags |= protocol.Items
	t.Timeout = 0
	t.Arg = c.items
	return nil
}

func (c *itemsCall[In, Out]) unpack(r *Run, v *protocol.Value) error {
	c.result = *v
	if c.keys == nil {
		return nil
	}
	ran, err := c.partsOf(r, v)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if len(ran) != len(c.rest) {
		return itemsError(len(c.rest), len(ran))
	}
	for k, i := range c.rest {
		if c.parts[i] = ran[k]; ran[k].Form == protocol.Inline {
			r.s.append(&c.f.Spec, journal.Record{Key: c.keys[i], Status: journal.OK, Attempt: int(r.attempt), Data: ran[k].Data})
		}
	}
	if len(c.rest) < len(c.parts) {
		c.result = protocol.Value{Form: protocol.List, Parts: c.parts}
	}
	return nil
}

// partsOf is the result of each item that was sent.
func (c *itemsCall[In, Out]) partsOf(r *Run, v *protocol.Value) ([]protocol.Value, error) {
	if v.Form == protocol.List {
		return v.Parts, nil
	}
	var outs []Out
	if err := decodeValue(c.s, v, &outs, awayReader{r}); err != nil {
		return nil, err
	}
	parts := make([]protocol.Value, len(outs))
	for i := range outs {
		data, err := c.f.OutPlan.Append(nil, &outs[i], resultWriter{})
		if err != nil {
			parts[i] = protocol.Value{Form: protocol.Object} // it can't be recorded: a Ref that means nothing later
			continue
		}
		parts[i] = protocol.Value{Form: protocol.Inline, Data: data}
	}
	return parts, nil
}

func (c *itemsCall[In, Out]) wireValue(_ *Session, dst []byte, _ codec.RefWriter) ([]byte, protocol.Value, error) {
	return dst, c.result, nil
}
