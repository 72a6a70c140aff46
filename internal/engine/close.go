package engine

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// Close cancels what is left, waits at most the grace period for it, and names what still runs. A second call waits for
// the first and answers nil.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.idle
		return nil
	}
	s.note(event.Event{Kind: event.SessionClosing, Items: s.m.Len()})
	s.closed = true
	s.busy++
	s.cancelAll()
	s.stopScopes()
	if hint := s.load.hint(s.cfg.CPUs, s.cfg.Carrier != nil); hint != "" {
		s.note(event.Event{Kind: event.Hint, Item: -1, Text: hint})
	}
	if s.cfg.Journal != nil {
		s.out.after = append(s.out.after, s.judgeAtEnd)
	}
	if s.lazies > 0 {
		s.note(event.Event{Kind: event.LazyUnused, Items: s.lazies})
	}
	s.release()
	s.flush()
	<-s.idle
	s.mu.Lock()
	err := s.stillRunning()
	s.note(event.Event{Kind: event.SessionClosed, Err: err})
	s.mu.Unlock()
	s.log.settle()
	return errors.Join(err, s.checkStrict())
}

func (s *Session) cancelAll() {
	var all []coordinator.ID
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		all = append(all, id)
		return true
	})
	for _, id := range all {
		s.m.Cancel(id, byClose)
		s.carryOut()
	}
}

func (s *Session) stopScopes() {
	s.endLingering(s.root, ErrCanceled)
	for done, sc := range s.scopes {
		s.endLingering(sc, ErrCanceled)
		if sc.stop() {
			s.release()
		}
		delete(s.scopes, done)
		sc.err = ErrCanceled
		s.closeScope(sc)
	}
}

// stillRunning names the functions that ignored their cancel.
func (s *Session) stillRunning() error {
	if len(s.stuck) == 0 {
		return nil
	}
	var names []string
	for r := range s.stuck {
		names = append(names, fmt.Sprintf("%s #%d", r.t.ops.Spec().Name, r.num))
	}
	sort.Strings(names)
	return fmt.Errorf("muster: still running %v after their cancel: %s: let them watch their context", s.cfg.Grace, strings.Join(names, ", "))
}

// Unfinished counts the tasks that have not ended and that nobody has cancelled, by function.
func (s *Session) Unfinished() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		if t := s.taskOf(id); !t.is(joins) && (t.run == nil || t.run.ended == nil) {
			n[t.ops.Spec().Name]++
		}
		return true
	})
	return n
}

// Cancel asks for the end of a task: at once if it hasn't started, through its context if it runs.
func (t *Task) Cancel() {
	s := t.s
	if s == nil {
		return // it never started
	}
	s.mu.Lock()
	switch t.phase {
	case live:
		s.m.Cancel(t.id, byRef)
		s.carryOut()
	case fresh:
		s.lazies--
		s.settleCanceled(t, nil, byRef)
	}
	s.flush()
}
