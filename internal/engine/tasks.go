package engine

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// ListTasks answers who asks from outside which tasks there are, and what one of them waits for, or the session. With many
// tasks it looks at some after the other, so what it says of them isn't of one moment. Values, such as Gather's, aren't
// listed.
func (s *Session) ListTasks(q *protocol.AskTasks) *protocol.TaskList {
	c := census{s: s, q: q, most: max(0, min(q.Most, protocol.MaxTasks)), counts: map[string]*protocol.TaskCount{}}
	for place := 1; place > 0; {
		s.mu.Lock()
		if c.begun == nil {
			c.begun = s.begunAway()
		}
		place = s.m.EachFrom(place, 1<<13, c.add)
		s.mu.Unlock()
	}
	l := &protocol.TaskList{}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.addEnded()
	for _, name := range slices.Sorted(maps.Keys(c.counts)) {
		l.Counts = append(l.Counts, *c.counts[name])
	}
	c.cut()
	for _, k := range c.list {
		if s.m.Number(k.id) == k.num {
			l.Tasks = append(l.Tasks, s.taskInfo(k.id, c.begun))
		}
	}
	l.More = c.more
	if q.Task > 0 {
		l.Why = s.whyNumber(q.Task, c.list)
	} else {
		l.Why = s.whyAll()
	}
	return l
}

// census counts tasks, and keeps the first of those that are asked for.
type census struct {
	s      *Session
	q      *protocol.AskTasks
	most   int
	counts map[string]*protocol.TaskCount
	begun  map[*Run]bool
	list   []numbered
	more   int
}

type numbered struct {
	num uint64
	id  coordinator.ID
}

// add looks at a task. The session's mutex is held, as for the others below.
func (c *census) add(id coordinator.ID, at coordinator.State) {
	t, num := c.s.taskOf(id), c.s.m.Number(id)
	if t.is(joins) && num != c.q.Task {
		return
	}
	name, state := t.ops.Spec().Name, c.s.stateOf(id, at, c.begun)
	n := c.count(name)
	if n.States == nil {
		n.States = map[protocol.TaskState]int{}
	}
	n.States[state]++
	switch {
	case c.q.Task > 0:
		if num == c.q.Task {
			c.list = append(c.list, numbered{num, id})
		}
	case c.most > 0 && (c.q.Func == "" || c.q.Func == name) && (c.q.State == "" || c.q.State == state):
		if c.list = append(c.list, numbered{num, id}); len(c.list) >= 2*c.most {
			c.cut()
		}
	}
}

func (c *census) count(name string) *protocol.TaskCount {
	n := c.counts[name]
	if n == nil {
		n = &protocol.TaskCount{Func: name}
		c.counts[name] = n
	}
	return n
}

// cut keeps the first ones.
func (c *census) cut() {
	slices.SortFunc(c.list, func(a, b numbered) int { return cmp.Compare(a.num, b.num) })
	if c.q.Task == 0 && len(c.list) > c.most {
		c.more += len(c.list) - c.most
		c.list = c.list[:c.most]
	}
}

// addEnded counts those that have ended.
func (c *census) addEnded() {
	for _, ended := range c.s.load.functions() {
		n := c.count(ended.Func)
		n.Done, n.Failed = ended.Done, ended.Failed
	}
}

var stateNames = map[coordinator.State]protocol.TaskState{
	coordinator.Waiting: protocol.TaskWaiting, coordinator.Ready: protocol.TaskReady, coordinator.Running: protocol.TaskRunning,
	coordinator.Joining: protocol.TaskWaiting, coordinator.Backoff: protocol.TaskPausing,
	coordinator.Blocked: protocol.TaskBlocked, coordinator.Resuming: protocol.TaskBlocked,
}

// taskInfo describes a task that hasn't ended.
func (s *Session) taskInfo(id coordinator.ID, begun map[*Run]bool) protocol.TaskInfo {
	t := s.taskOf(id)
	i := protocol.TaskInfo{
		Task: s.m.Number(id), Func: t.ops.Spec().Name, State: s.stateOf(id, s.m.State(id), begun), Items: t.is(once),
		Attempt: s.m.Attempt(id), ID: uint64(id), Age: s.elapsed(int64(t.born) * int64(time.Millisecond)).Seconds(),
	}
	if r := t.run; r != nil && !r.over {
		i.Ran = s.elapsed(r.start).Seconds()
		if r.away != nil {
			i.Node = r.away.node
		}
	}
	return i
}
