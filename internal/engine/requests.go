package engine

import (
	"fmt"

	"github.com/musterrun/muster/protocol"
)

// What each kind of task that goes up asks for, and how it takes the answer.

func (c *call[In, Out]) request(h *host, k *protocol.Call) error {
	w := hostWriter{h: h}
	data, err := c.f.InPlan.Append(nil, &c.in, &w)
	if err != nil {
		return fmt.Errorf("argument: %w", err)
	}
	if len(data) > maxItemsInline {
		return fmt.Errorf("argument: %d bytes are more than a task can pass on itself: Put the value and pass its Ref", len(data))
	}
	k.Kind, k.Func, k.Arg, k.Refs = protocol.CallFunc, c.f.reg.index, data, w.refs
	k.Terms, err = c.f.terms()
	return err
}

func (c *call[In, Out]) fill(v *protocol.Value) error { return c.fillFrom(v) }

func (c *fromCall[In, Out]) request(h *host, k *protocol.Call) error {
	ref, err := (&hostWriter{h: h}).WriteRef(&c.src.Node)
	if err != nil {
		return err
	}
	k.Kind, k.Func, k.Refs = protocol.CallFrom, c.f.reg.index, []protocol.RefID{protocol.RefID(ref)}
	k.Terms, err = c.f.terms()
	return err
}

func (c *fromCall[In, Out]) fill(v *protocol.Value) error { return c.fillFrom(v) }

func (g *gather[T, S]) request(h *host, k *protocol.Call) error {
	w := hostWriter{h: h}
	k.Kind = protocol.CallGather
	for _, r := range g.refs {
		ref, err := w.WriteRef(&r.Node)
		if err != nil {
			return err
		}
		k.Refs = append(k.Refs, protocol.RefID(ref))
	}
	return nil
}

func (g *gather[T, S]) fill(v *protocol.Value) error { return g.fillFrom(v) }

func (e *element[T]) request(h *host, k *protocol.Call) error {
	ref, err := (&hostWriter{h: h}).WriteRef(&e.src.Node)
	k.Kind, k.Refs, k.Index, k.Count = protocol.CallElement, []protocol.RefID{protocol.RefID(ref)}, int64(e.i), int64(e.n)
	return err
}

func (e *element[T]) fill(v *protocol.Value) error { return e.fillFrom(v) }

func (f *flat[R, T]) request(h *host, k *protocol.Call) error {
	ref, err := (&hostWriter{h: h}).WriteRef(&f.src.Node)
	k.Kind, k.Refs = protocol.CallFlatten, []protocol.RefID{protocol.RefID(ref)}
	return err
}

func (f *flat[R, T]) fill(v *protocol.Value) error { return f.fillFrom(v) }

// request sends the items of a chunk, or of a chunk of one its item as a call of its own.
func (c *chunk[In, Out]) request(h *host, k *protocol.Call) error {
	w := hostWriter{h: h}
	terms, err := c.m.f.terms()
	if err != nil {
		return err
	}
	k.Func, k.Terms, k.First, k.Map = c.m.f.reg.index, terms, int64(c.base), c.m.number
	if !c.is(once) {
		data, err := c.m.f.InPlan.Append(nil, &c.items[0], &w)
		k.Kind, k.Arg, k.Refs = protocol.CallFunc, data, w.refs
		return err
	}
	items := c.items
	if c.errs != nil {
		items = c.unsettled()
	}
	_, v, err := encodeItems(h.s, nil, items, &w)
	if err == nil && v.Form != protocol.Inline {
		err = fmt.Errorf("argument: items of %d bytes are more than a task can pass on: pass Refs", v.Size)
	}
	k.Kind, k.Arg, k.Refs = protocol.CallItems, v.Data, w.refs
	return err
}

func (c *chunk[In, Out]) fill(v *protocol.Value) error {
	if !c.is(once) {
		return decodeValue(c.s, v, &c.outs[0], hostReader{c.host})
	}
	var places []int
	for i := range c.items {
		if !c.isSettled(i) {
			places = append(places, i)
		}
	}
	c.whole = true
	c.next.Store(taken)
	c.took = float32(c.s.elapsed(c.sent).Seconds()) // with its wait, which nobody tells apart here
	return c.placeItems(v, places, hostReader{c.host}, nil)
}
