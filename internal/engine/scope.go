package engine

import (
	"context"
	"errors"

	"github.com/musterrun/muster/internal/coordinator"
)

// Scope is a set of tasks that end together: those started with contexts of one Done channel, or those started with the
// context of one attempt. There is one AfterFunc per distinct context, however many tasks it governs.
//
// Whoever has a *Scope may keep it for ever: a Map between two chunks, the context of an attempt that is over, a lazy
// call. Its number in the machine is given out again, so a scope that governs nothing sleeps, without a number and an
// AfterFunc, until awake is asked for it; nothing else reads the number.
type Scope struct {
	id        coordinator.ScopeID // 0 while it sleeps, and once it has ended or has an heir
	ctx       context.Context     // nil for an attempt's scope and for contexts that never end
	done      <-chan struct{}     // of ctx
	run       *Run                // the attempt whose context it is
	heir      *Scope              // takes over when the attempt's function has returned
	stop      func() bool         // takes the AfterFunc back
	err       error               // why it ended; nil while it hasn't
	lingering []lingerer
	sweepAt   int
}

func (sc *Scope) resolve() *Scope {
	for sc.heir != nil {
		sc = sc.heir
	}
	return sc
}

// cause is why it ended, for an error's text.
func (sc *Scope) cause() error {
	sc = sc.resolve()
	err := sc.err
	if err == nil {
		err = context.Canceled
	}
	if sc.ctx == nil {
		return err
	}
	if why := context.Cause(sc.ctx); errors.Is(why, err) {
		return why // it says more: which signal came, say
	}
	return err
}

// tether is what ends a call that is made with a context.
type tether struct {
	ctx  context.Context
	done <-chan struct{}
	run  *Run // the attempt with which it ends, or nil
}

// tetherOf looks at a context, which may be anybody's: it is called without the session's mutex.
func (s *Session) tetherOf(ctx context.Context, r *Run) tether {
	if r != nil && r.s == s && within(ctx, r) {
		return tether{ctx: ctx, run: r}
	}
	return tether{ctx: ctx, done: ctx.Done()}
}

// scopeAt finds or makes the scope of a context. The session's mutex is held.
func (s *Session) scopeAt(t tether) *Scope {
	if t.run != nil {
		return s.kidsOf(t.run)
	}
	if t.done == nil {
		return s.root
	}
	if sc := s.lastScope; sc != nil && s.lastDone == t.done {
		return sc
	}
	sc := s.scopes[t.done]
	if sc == nil {
		sc = s.openScope(t)
	}
	s.lastScope, s.lastDone = sc, t.done
	return sc
}

// kidsOf is the scope of what is started with the context of an attempt: its own while the attempt may hand it over.
func (s *Session) kidsOf(r *Run) *Scope {
	switch {
	case r.ended != nil && r.kids == nil:
		return &Scope{err: r.ended}
	case r.over:
		return s.awake(r.scope)
	case r.kids == nil:
		r.kids = &Scope{id: s.m.OpenScope(), run: r}
	}
	return r.kids
}

// within reports whether ctx ends exactly when r does: it is r, or r with values or marks around it.
func within(ctx context.Context, r *Run) bool {
	for {
		switch c := ctx.(type) {
		case *Run:
			return c == r
		case *lazyCtx:
			ctx = c.Context
		default:
			return ctx.Done() == r.Done()
		}
	}
}

// openScope follows a context that the session hasn't met.
func (s *Session) openScope(t tether) *Scope {
	if len(s.scopes) >= s.scopesSweepAt {
		s.sweepScopes()
	}
	sc := &Scope{ctx: t.ctx, done: t.done}
	s.follow(sc)
	return sc
}

// awake is the scope that sc has become, with its number: or one that has ended. The mutex is held.
func (s *Session) awake(sc *Scope) *Scope {
	if sc = sc.resolve(); sc.id != 0 || sc.err != nil {
		return sc
	}
	if other := s.scopes[sc.done]; other != nil {
		sc.heir = other
		return other
	}
	s.follow(sc)
	return sc
}

// follow gives a scope its number and has it end with its context. One that has ended governs nothing that will ever
// start, so it isn't kept.
func (s *Session) follow(sc *Scope) {
	if sc.err = sc.ctx.Err(); sc.err == nil && s.closed {
		sc.err = ErrCanceled
	}
	if sc.err != nil {
		return
	}
	sc.id = s.m.OpenScope()
	s.scopes[sc.done] = sc
	s.busy++
	sc.stop = context.AfterFunc(sc.ctx, func() {
		s.cancelScope(sc, sc.ctx.Err(), byContext)
		s.mu.Lock()
		s.release()
		s.mu.Unlock()
	})
}

// sweepScopes puts scopes to sleep that govern nothing now.
func (s *Session) sweepScopes() {
	for done, sc := range s.scopes {
		s.sweepLingering(sc)
		if len(sc.lingering) == 0 && s.m.Idle(sc.id) && sc.stop() {
			s.release()
			delete(s.scopes, done)
			s.closeScope(sc)
		}
	}
	s.lastScope, s.lastDone = nil, nil
	s.scopesSweepAt = 2*len(s.scopes) + 64
}

// closeScope gives the number back.
func (s *Session) closeScope(sc *Scope) {
	s.m.CloseScope(sc.id)
	sc.id = 0
}

// cancelScope ends a scope: what has not started ends at once, what runs is interrupted.
func (s *Session) cancelScope(sc *Scope, err error, why uint8) {
	s.mu.Lock()
	s.endScope(sc, err, why)
	s.flush()
}

// endScope is cancelScope under the session's mutex.
func (s *Session) endScope(sc *Scope, err error, why uint8) {
	s.shut(sc, err, why)
	s.carryOut()
}

// shut is endScope without what it makes the machine ask for.
func (s *Session) shut(sc *Scope, err error, why uint8) {
	if sc.err != nil || sc.heir != nil {
		return
	}
	sc.err = err
	if s.lastScope == sc {
		s.lastScope, s.lastDone = nil, nil
	}
	if sc.id != 0 {
		if sc.done != nil {
			delete(s.scopes, sc.done)
		}
		s.m.CancelScope(sc.id, why)
		s.closeScope(sc)
	}
	s.endLingering(sc, err)
}
