package engine

import (
	"context"
	"errors"
)

// siteKey finds, in a context, where a call is made from: its *Run, *sessionCtx or *lazyCtx.
type siteKey struct{}

// site is where a call is made from.
type site struct {
	s    *Session
	run  *Run // nil outside a task
	lazy bool
}

var errNilContext = errors.New("muster: nil context: pass on the context that Main, Open or the task's function was given")

// siteOf reads the session, the running task and Lazy out of ctx.
func siteOf(ctx context.Context) (site, error) {
	if ctx == nil {
		return site{}, errNilContext
	}
	switch c := ctx.Value(siteKey{}).(type) {
	case *Run:
		return site{s: c.s, run: c}, nil
	case *sessionCtx:
		return site{s: c.s}, nil
	case *lazyCtx:
		return c.at, nil
	}
	return site{}, nil
}

// sessionCtx carries a session.
type sessionCtx struct {
	context.Context
	s *Session
}

// Value finds the session before it asks the context around it.
func (c *sessionCtx) Value(key any) any {
	if key == (siteKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// lazyCtx marks calls as lazy.
type lazyCtx struct {
	context.Context
	at site
}

// Value finds the mark before it asks the context around it.
func (c *lazyCtx) Value(key any) any {
	if key == (siteKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Context is ctx with s as its session. A nil one stays nil: the call that uses it reports that.
func (s *Session) Context(ctx context.Context) context.Context {
	if ctx == nil {
		return nil
	}
	return &sessionCtx{ctx, s}
}

// Lazy is ctx with the mark of lazy calls.
func Lazy(ctx context.Context) context.Context {
	at, err := siteOf(ctx)
	if err != nil {
		return ctx // the call that uses it reports the nil context
	}
	at.lazy = true
	return &lazyCtx{ctx, at}
}
