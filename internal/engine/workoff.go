package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// chunkPatience is for how long a worker works off the items of a chunk: those that it hasn't begun then are for others.
// Chunks are filled for much less; of one that takes that long, items cost far more than those before them.
const chunkPatience = 100 * time.Millisecond

// workOff calls the function with one item of a Map after the other, and gives what it returned; errs is nil if that was
// no error, and all items were worked off. outs, as long as items, is where results go. Items that are left when the attempt
// is interrupted get its error; those that are left when patience is over, unless that is 0, are missing.
func (f *Fn[In, Out]) workOff(r *Run, items []In, outs []Out, patience time.Duration) (done []Out, errs []error) {
	var late atomic.Bool
	if patience > 0 && len(items) > 1 {
		timer := time.AfterFunc(patience, func() { late.Store(true) })
		defer timer.Stop()
	}
	for i := 0; i < len(items); {
		if i = f.span(r, items, outs, &errs, i, &late); i < len(items) && late.Load() {
			if errs == nil {
				errs = make([]error, i)
			}
			return outs[:i], errs[:i]
		}
	}
	return outs, errs
}

// span works items off until none is left, one panics, or it is late, and gives the index of the next one.
func (f *Fn[In, Out]) span(r *Run, items []In, outs []Out, errs *[]error, i int, late *atomic.Bool) (next int) {
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
		if i > 0 && late.Load() {
			break
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

// packItems encodes results of items, of which some may be failures. If none is, the value lies in *room.
func (f *Fn[In, Out]) packItems(s *Session, room *[]byte, outs []Out, errs []error, refs codec.RefWriter) (protocol.Value, error) {
	if errs == nil {
		data, v, err := encodeItems(s, (*room)[:0], outs, refs)
		*room = data
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
