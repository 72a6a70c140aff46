package isolate

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// What a worker says of a task that it doesn't have, and what makes no sense, is an error, which ends it.
func TestFramesThatMakeNoSense(t *testing.T) {
	mine, other := protocol.Attempt{Task: 5, N: 2}, protocol.Attempt{Task: 6, N: 2}
	outcome := func(ids ...protocol.Attempt) []byte {
		var o protocol.Outcomes
		for _, at := range ids {
			o.List = append(o.List, protocol.Outcome{
				ID: at.Task, Attempt: at.N, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline, Data: []byte{1}},
			})
		}
		return o.Append(nil)
	}
	item := func(it protocol.Item) []byte {
		up := protocol.Up{Items: []protocol.Item{it}}
		return up.Append(nil)
	}
	for name, c := range map[string]struct {
		kind protocol.FrameKind
		body []byte
		want string
	}{
		"another's outcome":  {protocol.FrameOutcomes, outcome(other), "doesn't have"},
		"an earlier attempt": {protocol.FrameOutcomes, outcome(protocol.Attempt{Task: 5, N: 1}), "doesn't have"},
		"two outcomes":       {protocol.FrameOutcomes, outcome(mine, mine), "doesn't have"},
		"another's call":     {protocol.FrameItems, item(protocol.Call{By: other, Seq: 1, Kind: protocol.CallPut}), "speaks for task 6"},
		"another's wait":     {protocol.FrameItems, item(protocol.Block{By: other, Waits: true}), "speaks for task 6"},
		"an agent's item":    {protocol.FrameItems, item(protocol.GiveBack{Attempt: mine, Reason: protocol.WorkerDied}), "speaks for task"},
		"outcomes cut off":   {protocol.FrameOutcomes, outcome(mine)[:5], "malformed"},
		"items cut off":      {protocol.FrameItems, item(protocol.Block{By: mine})[:3], "malformed"},
		"a log cut off":      {protocol.FrameLog, []byte{1}, "malformed"},
	} {
		p := New(nil, 1)
		p.at, p.up = mine, func(items []protocol.Item) { t.Errorf("%s: heard %v", name, items) }
		if err := p.Frame(c.kind, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := New(nil, 1)
	p.at = mine
	if err := p.Frame(protocol.FrameOutcomes, outcome(mine)); err != nil || p.outcome == nil {
		t.Error(err)
	}
	if err := p.Frame(protocol.FrameKind(33), nil); err != nil {
		t.Error("of a later version:", err)
	}
}
