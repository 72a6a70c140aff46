package engine

import (
	"fmt"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// workOff calls the function with one item of a Map after the other, and gives what it returned; errs is nil if that was
// no error. Items that are left when the attempt is interrupted get its error.
func (f *Fn[In, Out]) workOff(r *Run, items []In) (outs []Out, errs []error) {
	outs = make([]Out, len(items))
	for i := 0; i < len(items); {
		i = f.span(r, items, outs, &errs, i)
	}
	return outs, errs
}

// span works items off until none is left or one panics, and gives the index of the next one.
func (f *Fn[In, Out]) span(r *Run, items []In, outs []Out, errs *[]error, i int) (next int) {
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
		out, err := f.invoke(r, items[i])
		running = false
		outs[i] = out
		if err != nil {
			fail(err)
		}
	}
	return i
}

// packItems encodes results of items, of which some may be failures.
func (f *Fn[In, Out]) packItems(s *Session, outs []Out, errs []error, refs codec.RefWriter) (protocol.Value, error) {
	if errs == nil {
		_, v, err := encodeItems(s, nil, outs, refs)
		return v, err
	}
	parts := make([]protocol.Value, len(outs))
	for i := range outs {
		if errs[i] != nil {
			parts[i] = failure(errs[i])
			continue
		}
		data, err := f.OutPlan.Append(nil, &outs[i], refs)
		if err != nil {
			parts[i] = failure(fmt.Errorf("result: %w", err))
			continue
		}
		parts[i] = protocol.Value{Form: protocol.Inline, Data: data}
	}
	return protocol.Value{Form: protocol.List, Parts: parts}, nil
}
