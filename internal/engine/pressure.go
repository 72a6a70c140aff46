package engine

import (
	"context"
	"fmt"
	"math/bits"
	"sync/atomic"
)

// A session that has as many tasks as it may hold, or as many bytes in their arguments, makes those wait who start more,
// until an eighth of that has ended: waking somebody for each would cost more than the task.
//
// A task must not wait for what only ends after it. So calls inside tasks never wait for bytes. They do wait for the number
// of tasks, with their slot lent, and are let in when nothing else goes on or is ready for a node; but not in a task on
// another node: all that its node says comes one after the other, and would wait too.

// pressure is what those wait for who start tasks.
type pressure struct {
	args   atomic.Int64  // bytes of the arguments of tasks that haven't ended; changed under the session's mutex
	space  chan struct{} // closed when tasks may be started again; nil while nobody waits for that
	inside int           // of those who wait, the ones inside a task
	pass   bool          // one of them may go on, though there is no room
}

// bulk is how many bytes an argument takes, in two bytes: eleven bits, shifted by five. Up to 2,047 it is exact.
type bulk uint16

func toBulk(n int64) bulk {
	if n <= 0 {
		return 0
	}
	shift := max(0, bits.Len64(uint64(n))-11)
	if shift > 31 {
		return 1<<16 - 1
	}
	return bulk(shift<<11) | bulk(n>>shift)
}

func (b bulk) bytes() int64 { return int64(b&(1<<11-1)) << (b >> 11) }

// sizeOf is about how many bytes an argument takes; 0 if nobody counts them.
func (f *Fn[In, Out]) sizeOf(s *Session, in *In) int64 {
	if s.cfg.ArgumentBytes == 0 {
		return 0
	}
	return f.InSize.Of(in)
}

func (f *Fn[In, Out]) bulkOf(s *Session, in *In) bulk { return toBulk(f.sizeOf(s, in)) }

func (p *pressure) add(b bulk) {
	if b > 0 {
		p.args.Add(b.bytes())
	}
}

func (p *pressure) remove(b bulk) {
	if b > 0 {
		p.args.Add(-b.bytes())
	}
}

// allows reports whether more arguments may come, beside so many bytes that a Map holds. It needs no mutex.
func (p *pressure) allows(cfg *Config, held int64) bool {
	return cfg.ArgumentBytes == 0 || max(held, p.args.Load()) < cfg.ArgumentBytes
}

// bulkyChunk is how many bytes of items fill a chunk of a Map, however quick they are.
const bulkyChunk = 1 << 20

// admit waits until the session has room for one more task, or ctx ends: then the call fails by itself. The mutex is held,
// before and after.
func (s *Session) admit(ctx context.Context, r *Run, b bulk) {
	if r != nil && r.away != nil {
		return
	}
	p := &s.pressure
	for (s.crowds(0) || r == nil && s.burdens(b.bytes(), 0)) && !s.closed && ctx.Err() == nil {
		if p.space == nil {
			p.space = make(chan struct{})
		}
		room, inside := p.space, r.runsIn(s)
		if inside {
			p.inside++
		}
		s.mu.Unlock()
		s.awaitRoom(ctx, r, room)
		s.mu.Lock()
		if inside {
			p.inside--
		}
		if inside && p.pass {
			p.pass = false
			return
		}
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

// crowds reports whether there are as many tasks as may be, less so many.
func (s *Session) crowds(less int) bool {
	return s.cfg.MaxPending > 0 && s.m.Len() >= s.cfg.MaxPending-less
}

// burdens reports whether an argument of so many bytes is too much beside those that there are. As many tasks as can run at
// once are let in, whatever they bring.
func (s *Session) burdens(n, less int64) bool {
	most := s.cfg.ArgumentBytes
	return most > 0 && n > 0 && s.pressure.args.Load()+n > most-less && s.m.Len() >= s.atOnce()
}

// atOnce is about how many tasks can run at once, and be on their way.
func (s *Session) atOnce() int {
	if s.cfg.Carrier != nil {
		return max(minAway, int(2*s.carried.cpus))
	}
	return max(1, int(2*s.cfg.CPUs))
}

// relieve lets those go on who wait for room, once there is some. The mutex is held.
func (s *Session) relieve() {
	p := &s.pressure
	if p.space == nil {
		return
	}
	if !s.closed && (s.crowds(max(1, s.cfg.MaxPending/8)-1) || s.burdens(1, s.cfg.ArgumentBytes/8)) {
		if p.inside == 0 || s.load.running > 0 || s.m.ReadyAway() {
			return
		}
		p.pass = true // all that there is waits, maybe for what they would start
	}
	close(p.space)
	p.space = nil
}

// pressureText says what those wait for who start tasks.
func (s *Session) pressureText() string {
	if s.crowds(0) {
		return fmt.Sprintf("%d haven't ended, of at most %d (Config.MaxPending)", s.m.Len(), s.cfg.MaxPending)
	}
	return fmt.Sprintf("the arguments of those that haven't ended take about %d bytes, of at most %d (Config.ArgumentBytes)",
		s.pressure.args.Load(), s.cfg.ArgumentBytes)
}
