package engine

import (
	"fmt"
	"slices"
	"sync"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/protocol"
)

// keepLost is how many attempts are remembered that didn't succeed, for the cluster's history: between two reports of
// many only the last are told of.
const keepLost = 256

// lostAttempts are the last ones. It listens to the session's events.
type lostAttempts struct {
	mu   sync.Mutex
	all  []protocol.LostAttempt // the oldest first
	last uint64                 // the number of the last
}

func (l *lostAttempts) listener() Listener {
	return Listener{Mask: event.Of(event.TaskFailed, event.TaskRetrying, event.TaskLost), Tell: l.observe}
}

var attemptEnds = map[event.Kind]protocol.AttemptEnd{
	event.TaskFailed: protocol.AttemptFailed, event.TaskRetrying: protocol.AttemptRetried, event.TaskLost: protocol.AttemptLost,
}

func (l *lostAttempts) observe(e event.Event) {
	if e.Attempt == 0 && e.Item < 0 {
		return // it never began: what it depends on has failed, say
	}
	a := protocol.LostAttempt{
		Time: e.Time, Task: e.Task, Func: e.Func, Item: e.Item, Attempt: e.Attempt, Node: e.Node, End: attemptEnds[e.Kind], Took: e.Took,
		Error: shortText(e.Err),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	a.Number = l.last
	if len(l.all) == keepLost {
		l.all = slices.Delete(l.all, 0, keepLost/4) // now and then a few, since each time costs a copy
	}
	l.all = append(l.all, a)
}

// list is the attempts that are remembered.
func (l *lostAttempts) list() []protocol.LostAttempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// shortText is the beginning of an error's text. The method is the user's, and may panic.
func shortText(err error) (text string) {
	if err == nil {
		return ""
	}
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("its Error method panicked: %T", v)
		}
	}()
	const most = 300
	if text = err.Error(); len(text) > most {
		text = text[:most]
	}
	return text
}
