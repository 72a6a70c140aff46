package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/protocol"
)

type rude struct{}

func (rude) Error() string { panic("rude") }

func TestLostAttempts(t *testing.T) {
	var l lostAttempts
	l.observe(event.Event{Kind: event.TaskFailed, Item: -1}) // what it depends on has failed
	l.observe(event.Event{Kind: event.TaskLost, Func: "f", Task: 3, Attempt: 1, Item: -1, Node: "n1", Err: errors.New("gone")})
	l.observe(event.Event{Kind: event.TaskRetrying, Func: "f", Task: 3, Attempt: 2, Item: -1, Err: rude{}})
	l.observe(event.Event{Kind: event.TaskFailed, Func: "m", Item: 7, Err: errors.New(strings.Repeat("x", 1000))})
	list := l.list()
	if len(list) != 3 || list[0] != (protocol.LostAttempt{
		Number: 1, Task: 3, Func: "f", Item: -1, Attempt: 1, Node: "n1", End: protocol.AttemptLost, Error: "gone",
	}) || list[1].End != protocol.AttemptRetried || !strings.Contains(list[1].Error, "panicked") ||
		list[2].Item != 7 || list[2].End != protocol.AttemptFailed || len(list[2].Error) != 300 {
		t.Errorf("%+v", list)
	}
	for range 10_000 {
		l.observe(event.Event{Kind: event.TaskFailed, Attempt: 1})
	}
	if list := l.list(); len(list) > keepLost || len(list) < keepLost/2 || list[len(list)-1].Number != 10_003 ||
		list[0].Number != 10_004-uint64(len(list)) {
		t.Errorf("%d, from %d to %d", len(list), list[0].Number, list[len(list)-1].Number)
	}
}
