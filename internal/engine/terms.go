package engine

import (
	"errors"
	"slices"
	"unsafe"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// A task that runs in a worker may call copies of functions. What such a copy has of its own travels with the call.

var errRetryIfStays = errors.New("RetryIf of a copy is a function, which can't leave the worker that makes the call: " +
	"pass RetryIf to Func instead of With, or call the copy in the driver")

// terms are the options of a copy of a registered function if they aren't the registered one's.
func (f *Fn[In, Out]) terms() (*protocol.Terms, error) {
	base, o := &f.reg.fn.(*Fn[In, Out]).Opts, &f.Opts
	if o == base {
		return nil, nil
	}
	if o.Retries > 0 && !sameFunc(o.RetryIf, base.RetryIf) {
		return nil, errRetryIfStays
	}
	if o.Cache == base.Cache && o.sameTerms(base) {
		return nil, nil
	}
	t := &protocol.Terms{
		Retries: uint32(o.Retries), First: o.First, Max: o.Max, Timeout: o.Timeout, Priority: int64(o.Priority), Version: o.Version,
		Once: o.Once, Isolated: o.Isolated, Uncached: o.Cache != base.Cache, Where: o.Where.String(),
	}
	var task protocol.Task
	f.Opts.demand(&task)
	t.Need = task.Need
	return t, nil
}

// sameTerms reports whether two functions have the same options, as far as Terms tell them.
func (o *Options) sameTerms(b *Options) bool {
	return o.CPUs == b.CPUs && o.IO == b.IO && o.Memory == b.Memory && slices.Equal(o.Resources, b.Resources) &&
		o.Retries == b.Retries && o.First == b.First && o.Max == b.Max && o.Timeout == b.Timeout && o.Priority == b.Priority &&
		o.Version == b.Version && o.Once == b.Once && o.Isolated == b.Isolated && slices.Equal(o.Where, b.Where)
}

// sameFunc reports whether a and b are copies of one function value, whose word points at its code and what it captures.
func sameFunc(a, b func(error) bool) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&a)) == *(*unsafe.Pointer)(unsafe.Pointer(&b))
}

// onTerms is f with the options that a call names.
func (f *Fn[In, Out]) onTerms(t *protocol.Terms) (*Fn[In, Out], error) {
	if t == nil {
		return f, nil
	}
	where, err := ParseWhere(t.Where)
	if err != nil {
		return nil, err
	}
	g := *f
	o := &g.Opts
	o.CPUs, o.IO = float64(t.Need.CPU)/coordinator.Unit, t.Need.IO > 0
	o.Memory = t.Need.Memory
	o.Resources = nil
	for _, a := range t.Need.Named {
		o.Resources = append(o.Resources, Resource{a.Name, float64(a.N) / coordinator.Unit})
	}
	if t.Need.GPUs > 0 {
		o.Resources = append(o.Resources, Resource{GPU, float64(t.Need.GPUs) / coordinator.Unit})
	}
	o.Retries, o.First, o.Max = int(t.Retries), t.First, t.Max
	o.Timeout, o.Priority, o.Version = t.Timeout, int(t.Priority), t.Version
	o.Once, o.Isolated, o.Where = t.Once, t.Isolated, where
	if t.Uncached {
		o.Cache = nil
	}
	return &g, nil
}
