package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

// What a task waits for, in words. The session's mutex is held in all of this.

// maxHops is how far a chain of tasks that wait for each other is followed.
const maxHops = 1000

// whyNumber is why the task of a number hasn't ended; found is that task, if it is there.
func (s *Session) whyNumber(num uint64, found []numbered) []string {
	if len(found) == 0 || s.m.Number(found[0].id) != num {
		return []string{fmt.Sprintf("no task #%d waits or runs: it has ended, or wasn't started yet", num)}
	}
	return s.whyTask(found[0].id)
}

// whyTask says what a task waits for, and, if that is a task, what the last one of the chain waits for.
func (s *Session) whyTask(id coordinator.ID) []string {
	lines := []string{s.label(id) + " " + s.why(id)}
	last, hops := id, 0
	for w := s.m.Why(last); w.Cause == coordinator.ForTasks && w.On != 0 && hops < maxHops; w = s.m.Why(last) {
		last, hops = w.On, hops+1
	}
	switch {
	case hops == 1:
		lines = append(lines, s.label(last)+" "+s.why(last))
	case hops > 1:
		lines = append(lines, fmt.Sprintf("that comes, by %d tasks, from %s, which %s", hops, s.label(last), s.why(last)))
	}
	return lines
}

// label is what people call a task.
func (s *Session) label(id coordinator.ID) string {
	return fmt.Sprintf("%s #%d", s.taskOf(id).ops.Spec().Name, s.m.Number(id))
}

// why is a predicate: "waits for ...".
func (s *Session) why(id coordinator.ID) string {
	w, t := s.m.Why(id), s.taskOf(id)
	switch w.Cause {
	case coordinator.Runs:
		if s.isGiven(id, s.begunAway()) {
			return "was given to node " + s.nodeName(t.run.away.node) + ", and lies behind others there" + s.since(t.run)
		}
		return "runs " + s.whereRuns(t.run)
	case coordinator.ForTasks:
		if w.Any {
			return fmt.Sprintf("runs %s, and its function waits for %s", s.whereRuns(t.run), s.others(w, "one of %d tasks, such as %s"))
		}
		return "waits for " + s.others(w, "%d tasks, such as %s")
	case coordinator.ForOutside:
		return fmt.Sprintf("runs %s, and its function waits for something that isn't a task, such as a channel or a deadline%s",
			s.whereRuns(t.run), s.crowded())
	case coordinator.ForCPU:
		return fmt.Sprintf("runs %s: what its function waited for is there, and it goes on when a CPU is free", s.whereRuns(t.run))
	case coordinator.ForValue:
		return "is being put together"
	case coordinator.ForDue:
		return s.whyPause(id)
	case coordinator.ForTurn:
		next := s.why(w.On)
		if n := s.m.Why(w.On); n.Cause == coordinator.ForTurn {
			next = "goes first" // its rank has changed just now
		}
		before := count(w.N, "task like it goes", "tasks like it go")
		return fmt.Sprintf("is ready, and %s before it; of these, %s %s", before, s.label(w.On), next)
	case coordinator.ForRoom:
		return "is ready: " + s.whyRoom(id, w)
	case coordinator.ForHold:
		return "is ready, and room is kept for " + s.label(w.On) + ", which needs more than is free"
	case coordinator.ForStart:
		return "is about to start"
	default:
		return "has ended"
	}
}

// count is "1 task like it goes", or "at least 10000 tasks like it go".
func count(n int, one, many string) string {
	switch {
	case n == 1:
		return "1 " + one
	case n >= coordinator.MaxCounted:
		return fmt.Sprintf("at least %d %s", n, many)
	default:
		return fmt.Sprintf("%d %s", n, many)
	}
}

// others names the one of the tasks that something waits for, or how many they are.
func (s *Session) others(w coordinator.Wait, many string) string {
	if w.N == 1 {
		return s.label(w.On)
	}
	return fmt.Sprintf(many, w.N, s.label(w.On))
}

func (s *Session) whereRuns(r *Run) string {
	if r == nil {
		return "in the driver"
	}
	where := "in the driver"
	switch {
	case r.away == nil:
	case r.away.apart != nil:
		where = "in a process of its own"
	default:
		where = "on node " + s.nodeName(r.away.node)
		if r.away.alone {
			where += ", alone in its worker since it may have killed one,"
		}
	}
	return where + s.since(r)
}

// since is for how long an attempt has been given out, and which one it is if not the first.
func (s *Session) since(r *Run) string {
	text := " for " + lasts(s.elapsed(r.start))
	if r.attempt > 1 {
		text += fmt.Sprintf(" in its attempt %d", r.attempt)
	}
	return text
}

// lasts is a duration for people.
func lasts(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// nodeName is a node's name if no other has it, and else its id.
func (s *Session) nodeName(id string) string {
	name := id
	for i := range s.carried.nodes {
		if s.carried.nodes[i].Node == id {
			name = s.carried.nodes[i].Name
		}
	}
	for i := range s.carried.nodes {
		if n := &s.carried.nodes[i]; name == "" || n.Node != id && n.Name == name {
			return id
		}
	}
	return name
}

func (s *Session) whyPause(id coordinator.ID) string {
	at := "soon"
	if p := s.pauses[id]; p != nil {
		at = "in " + lasts(time.Duration(max(0, p.due-s.now())))
	}
	return fmt.Sprintf("failed in its attempt %d, and is tried again %s", s.m.Attempt(id), at)
}

// crowded says that calls wait since there are too many tasks, if they do.
func (s *Session) crowded() string {
	if s.pressure.space == nil {
		return ""
	}
	return "; or it starts a task, and waits since " + s.pressureText()
}

// whyRoom says which room a task lacks that is the first one to want it.
func (s *Session) whyRoom(id coordinator.ID, w coordinator.Wait) string {
	if need, away := s.m.NeedOf(id); away {
		return s.whyRoomAway(need)
	}
	text := fmt.Sprintf("it waits for %s in the driver, of which %s free", s.dimName(w.Dim), s.inUnits(w.Dim, s.m.Free(w.Dim))+" is")
	if w.On != 0 {
		text += "; " + s.label(w.On) + " has some"
	}
	return text
}

// inUnits writes an amount as options have it.
func (s *Session) inUnits(d coordinator.Dim, n int64) string {
	if d == coordinator.Memory || d == coordinator.IO {
		return fmt.Sprint(n)
	}
	return fmt.Sprint(float64(n) / coordinator.Unit)
}

// maxFirsts is of how many kinds of ready tasks the session's wait is explained.
const maxFirsts = 5

// whyAll says what the session as a whole waits for.
func (s *Session) whyAll() (lines []string) {
	if s.carried.stranded != nil {
		lines = append(lines, "it gives nothing out any more: "+s.carried.stranded.Error())
	}
	if s.pressure.space != nil {
		lines = append(lines, "calls wait before they start more tasks: "+s.pressureText())
	}
	var firsts []coordinator.ID
	s.m.EachAway(func(_ coordinator.NeedID, _ []coordinator.Amount, _ uint32, first coordinator.ID) {
		firsts = append(firsts, first)
	})
	slices.SortFunc(firsts, func(a, b coordinator.ID) int { return int(int64(s.m.Number(a)) - int64(s.m.Number(b))) })
	for _, id := range firsts[:min(len(firsts), maxFirsts)] {
		lines = append(lines, s.label(id)+" "+s.why(id))
	}
	if len(firsts) > maxFirsts {
		lines = append(lines, fmt.Sprintf("and the first tasks of %d other kinds are ready too", len(firsts)-maxFirsts))
	}
	if len(firsts) == 0 && s.load.open > 0 {
		lines = append(lines, fmt.Sprintf("%s, and nothing else is ready", count(s.load.open, "task runs", "tasks run")))
	}
	if len(lines) == 0 && s.m.Len() == 0 {
		lines = append(lines, "it has no task that hasn't ended: its driver is to start one, or to end")
	}
	return lines
}
