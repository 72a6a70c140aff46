package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"unsafe"
	"weak"
)

// lingerer is the context of an attempt that is over and that somebody has asked for its Done channel. It ends with what
// governs its task. A session may see millions of them, of which next to none are still held by anybody; those who do
// hold one may hold nothing but the channel. So the channel is the one thing whose life tells, and it is held weakly:
// a lingerer whose channel has gone is of no use to anybody, unless somebody is to be called.
type lingerer struct {
	done weak.Pointer[byte]
	*hooks
}

// weakly points at a channel: a channel is a pointer to what the runtime has allocated for it.
func weakly(ch chan struct{}) weak.Pointer[byte] {
	return weak.Make((*byte)(reflect.ValueOf(ch).UnsafePointer()))
}

// channel is what weakly was given, or nil if nobody holds it any more.
func (l lingerer) channel() chan struct{} {
	p := l.done.Value()
	return *(*chan struct{})(unsafe.Pointer(&p))
}

func (l lingerer) useless() bool { return l.done.Value() == nil && !l.called() }

// linger keeps a context that outlives its function within reach of what governs it. The mutex is held.
func (s *Session) linger(r *Run) {
	in := r.interest.Load()
	if in == nil || r.ended != nil || r.lingers {
		return // nobody watches it, or its end is being told
	}
	r.lingers = true
	l := lingerer{weakly(in.done), in.hooks}
	sc := s.awake(r.scope)
	switch {
	case sc.err != nil:
		s.out.ends = append(s.out.ends, ending{in.done, in.hooks, sc.err})
		return
	case s.closed:
		s.out.ends = append(s.out.ends, ending{in.done, in.hooks, context.Canceled})
		return
	}
	s.keepLingering(sc, l)
}

// keepLingering adds to what ends with a scope. The mutex is held.
func (s *Session) keepLingering(sc *Scope, l ...lingerer) {
	if len(sc.lingering) >= sc.sweepAt {
		s.sweepLingering(sc)
		sc.sweepAt = 2*len(sc.lingering) + 64
	}
	sc.lingering = append(sc.lingering, l...)
}

// sweepLingering forgets the contexts that nobody holds. The mutex is held.
func (s *Session) sweepLingering(sc *Scope) {
	sc.lingering = slices.DeleteFunc(sc.lingering, lingerer.useless)
	if len(sc.lingering) < cap(sc.lingering)/4 {
		sc.lingering = slices.Clone(sc.lingering)
	}
}

// ending is a context to end, and its error.
type ending struct {
	done chan struct{}
	*hooks
	err error
}

// endLingering ends all contexts that outlived their functions. The mutex is held.
func (s *Session) endLingering(sc *Scope, err error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		err = context.Canceled // as the Err of any context
	}
	for _, l := range sc.lingering {
		s.out.ends = append(s.out.ends, ending{l.channel(), l.hooks, err})
	}
	sc.lingering = nil
}
