package muster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/engine"
)

// Session is where tasks run: this process's goroutines. It is carried by the contexts that Open, Context and a task's
// function give.
type Session struct {
	s      *engine.Session
	cancel context.CancelCauseFunc
	keeper *keeper
	leave  func() error // ends what takes its tasks elsewhere
	failed error        // with which the program that Main runs has failed; set before Close
}

// Open makes a session and a context that carries it, as errgroup.WithContext does; but a failed task cancels nothing.
// The context ends with ctx, and when the session is closed.
func Open(ctx context.Context, c Config) (*Session, context.Context, error) {
	if ctx == nil {
		return nil, nil, errors.New("muster: Open with a nil context: pass context.Background()")
	}
	if os.Getenv(envCommand) != "" && c.Addr == "" && !underMain() {
		if err := unheeded(); err != nil {
			return nil, nil, err
		}
	}
	ec, err := c.engine()
	if err != nil {
		return nil, nil, err
	}
	k, err := c.keep(&ec)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s, leave, err := openEngine(ctx, c, ec, cancel)
	if err != nil {
		cancel(err)
		return nil, nil, errors.Join(err, k.close())
	}
	k.note = s.Note
	if c.OnEvent != nil {
		s.Listen(engine.Listener{Mask: event.All, Tell: c.OnEvent})
	}
	s.Note(event.Event{Kind: event.SessionOpened, Item: -1, Text: fmt.Sprintf("%v CPUs", ec.CPUs)})
	session := &Session{s: s, cancel: cancel, keeper: k}
	session.leave = sync.OnceValue(func() error { return leave(session.failed) })
	return session, s.Context(ctx), nil
}

// Context is ctx with the session, for work that has a context of its own, such as a request.
func (s *Session) Context(ctx context.Context) context.Context { return s.s.Context(ctx) }

// Close cancels what hasn't ended, waits at most Config.Grace for it, and names the functions that still run. In a
// strict session it also says which values were changed after they were passed. A second call waits for the first.
func (s *Session) Close() error {
	err := errors.Join(s.s.Close(), s.leave(), s.keeper.close())
	s.cancel(ErrClosed)
	return err
}

// process is what a call finds whose context has no session.
var process struct {
	sync.Mutex
	session *engine.Session // the default session, made by the first call
	first   string          // the function of that call
	main    bool            // Main was called: there is no default
	command string          // by which `muster run` was called, under Main
	door    bool            // this process becomes a worker where it must, without Main
}

func init() {
	f := defaultSession
	engine.Fallback.Store(&f)
}

// defaultSession keeps no goroutine when idle, so it needs no Close.
func defaultSession(name string) (*engine.Session, error) {
	process.Lock()
	defer process.Unlock()
	if process.main {
		return nil, ErrNoSession
	}
	if process.session == nil {
		if initialising() {
			return nil, errors.New("muster: called during package initialisation: call it from main or from a task")
		}
		err := unheeded()
		if err != nil {
			return nil, err
		}
		ec, err := Config{}.engine()
		if err != nil {
			return nil, err
		}
		if _, err := (Config{}).keep(&ec); err != nil {
			return nil, err
		}
		process.session, process.first = engine.Open(ec, engine.Trial{}), name
	}
	return process.session, nil
}

// unheeded is the error of a program that is told where to run, or by which name, and does without Main, which alone heeds
// that: to run elsewhere than one has asked for is worse than not to run. A session that Open makes by itself is what its
// Config says, unless `muster run` has promised something else.
func unheeded() error {
	for _, name := range []string{envAddr, envJob} {
		if v := os.Getenv(name); v != "" {
			return fmt.Errorf("muster: %s is %q, and only Main heeds it: call muster.Main in main, and all else in the function that "+
				"it runs; or run the program without (muster run --local, and no --job)", name, v)
		}
	}
	return nil
}

// underMain reports whether this program becomes a worker where an agent starts it: whether Main was called.
func underMain() bool {
	process.Lock()
	defer process.Unlock()
	return process.main || process.door
}

// enterMain ends the time of the default session. It is an error if a call used it, or if Main runs already.
func enterMain() error {
	process.Lock()
	defer process.Unlock()
	if process.main {
		return errors.New("muster: Main was called twice: a program has one")
	}
	if process.session != nil {
		return fmt.Errorf("muster: %s was called before Main: call it in the function that Main runs", process.first)
	}
	process.main = true
	return nil
}
