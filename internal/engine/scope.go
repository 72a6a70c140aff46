package engine

import (
	"context"
	"slices"

	"github.com/musterrun/muster/internal/coordinator"
)

// Scope is a set of tasks that end together: those started with contexts of one Done channel, or those started with the
// context of one attempt. There is one AfterFunc per distinct context, however many tasks it governs.
type Scope struct {
	id        coordinator.ScopeID
	ctx       context.Context // nil for an attempt's scope and for contexts that never end
	run       *Run            // the attempt whose context it is
	heir      *Scope          // takes over when the attempt's function has returned
	stop      func() bool     // takes the AfterFunc back
	err       error           // why it ended; nil while it hasn't
	lazies    int             // calls that have not been asked for
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
	if sc = sc.resolve(); sc.err != nil {
		return sc.err
	}
	return context.Canceled
}

// scopeOf finds or makes the scope of a context. The session's mutex is held.
func (s *Session) scopeOf(ctx context.Context, r *Run) *Scope {
	if r != nil && r.s == s && within(ctx, r) {
		if r.kids == nil {
			r.kids = &Scope{id: s.m.OpenScope(), run: r, err: r.Err()}
			if r.fate.Load() != running {
				r.kids.heir = r.scope // nobody will hand the children over any more
			}
		}
		return r.kids.resolve()
	}
	done := ctx.Done()
	if done == nil {
		return s.root
	}
	if sc := s.lastScope; sc != nil && s.lastDone == done {
		return sc
	}
	sc := s.scopes[done]
	if sc == nil {
		sc = s.openScope(ctx, done)
	}
	s.lastScope, s.lastDone = sc, done
	return sc
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
func (s *Session) openScope(ctx context.Context, done <-chan struct{}) *Scope {
	if len(s.scopes)+len(s.endedScopes) >= s.scopesSweepAt {
		s.sweepScopes()
	}
	if err := ctx.Err(); err != nil {
		return &Scope{ctx: ctx, err: err} // not kept: it governs nothing that will ever start
	}
	sc := &Scope{id: s.m.OpenScope(), ctx: ctx}
	s.scopes[done] = sc
	s.busy++
	sc.stop = context.AfterFunc(ctx, func() {
		s.cancelScope(sc, ctx.Err(), byContext)
		s.mu.Lock()
		s.release()
		s.mu.Unlock()
	})
	return sc
}

// sweepScopes forgets contexts that govern nothing now; one that is used again is followed again.
func (s *Session) sweepScopes() {
	for done, sc := range s.scopes {
		s.sweepLingering(sc)
		if sc.lazies == 0 && len(sc.lingering) == 0 && s.m.Idle(sc.id) && sc.stop() {
			s.release()
			delete(s.scopes, done)
			s.m.CloseScope(sc.id)
		}
	}
	s.endedScopes = slices.DeleteFunc(s.endedScopes, s.m.CloseScope)
	s.lastScope, s.lastDone = nil, nil
	s.scopesSweepAt = 2*(len(s.scopes)+len(s.endedScopes)) + 64
}

// cancelScope ends a scope: what has not started ends at once, what runs is interrupted.
func (s *Session) cancelScope(sc *Scope, err error, why uint8) {
	s.mu.Lock()
	s.endScope(sc, err, why)
	s.flush()
}

// endScope is cancelScope under the session's mutex.
func (s *Session) endScope(sc *Scope, err error, why uint8) {
	if sc.err != nil {
		return
	}
	sc.err = err
	s.endedScopes = append(s.endedScopes, sc.id)
	if sc.ctx != nil {
		delete(s.scopes, sc.ctx.Done())
		if s.lastScope == sc {
			s.lastScope, s.lastDone = nil, nil
		}
	}
	s.m.CancelScope(sc.id, why)
	s.carryOut()
	s.endLingering(sc, err)
}
