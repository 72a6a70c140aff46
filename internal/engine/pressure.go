package engine

import "context"

// A session that has as many tasks as it may hold makes those wait who start more, until an eighth of them has ended:
// waking somebody for each would cost more than the task.

// admit waits until the session has room for one more task, or ctx ends: then the call fails by itself. Inside a task it
// lends the task's CPU slot meanwhile. The mutex is held, before and after.
func (s *Session) admit(ctx context.Context, r *Run) {
	for s.cfg.MaxPending > 0 && s.m.Len() >= s.cfg.MaxPending && !s.closed && ctx.Err() == nil {
		if s.space == nil {
			s.space = make(chan struct{})
		}
		room := s.space
		s.mu.Unlock()
		s.awaitRoom(ctx, r, room)
		s.mu.Lock()
	}
}

func (s *Session) awaitRoom(ctx context.Context, r *Run, room <-chan struct{}) {
	if r.runsIn(s) {
		s.block(r)
		defer s.unblock(r)
	}
	select {
	case <-room:
	case <-ctx.Done():
	}
}

// relieve lets those go on who wait for room, once there is some. The mutex is held.
func (s *Session) relieve() {
	if s.space != nil && (s.closed || s.m.Len() <= s.cfg.MaxPending-max(1, s.cfg.MaxPending/8)) {
		close(s.space)
		s.space = nil
	}
}
