package loop_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// early is a job without a name: nodes tell its outcomes ahead of the journal or not, and its driver reads all of them there.
type early struct {
	s       *engine.Session
	refs    map[uint64]*engine.Typed[int]
	running []given
	journal []*protocol.Outcomes // not read yet
	past    []*protocol.Outcomes
	counts  map[uint64]byte // the first success of each task that was heard, one way or the other
}

type given struct {
	node string
	task protocol.Task
}

func (e *early) hear(o *protocol.Outcomes) {
	x := &o.List[0]
	if _, ended := e.counts[x.ID]; !ended {
		e.counts[x.ID] = x.Value.Data[0]
	}
	e.s.Outcomes(&protocol.Outcomes{Node: o.Node, List: []protocol.Outcome{*x}})
}

func (e *early) take(t *rapid.T) {
	node := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "node")
	if task := takes(e.s, node); task != nil && task.Attempt < 20 {
		e.running = append(e.running, given{node, *task})
	}
}

// end ends what a node has: it is in the journal, and told ahead of it or not.
func (e *early) end(t *rapid.T) {
	if len(e.running) == 0 {
		t.Skip()
	}
	i := rapid.IntRange(0, len(e.running)-1).Draw(t, "which")
	g := e.running[i]
	e.running = append(e.running[:i], e.running[i+1:]...)
	o := ended(g.node, &g.task, byte(g.task.Attempt))
	e.journal = append(e.journal, o)
	if rapid.Bool().Draw(t, "early") {
		e.hear(o)
	}
}

func (e *early) read(t *rapid.T) {
	if len(e.journal) == 0 {
		t.Skip()
	}
	o := e.journal[0]
	e.journal, e.past = e.journal[1:], append(e.past, o)
	e.hear(o)
}

// again appends what is in the journal already: its confirmation was lost.
func (e *early) again(t *rapid.T) {
	if len(e.past) == 0 {
		t.Skip()
	}
	e.journal = append(e.journal, rapid.SampledFrom(e.past).Draw(t, "record"))
}

// lose has a node count as dead; what it had may still end there.
func (e *early) lose(t *rapid.T) {
	e.s.Lost(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "lost"))
}

// check: a task has ended once a success of it was heard, with that one's value, whatever comes later; and no other has.
func (e *early) check(t *rapid.T) {
	for id, r := range e.refs {
		want, ended := e.counts[id]
		if r.Done() != ended {
			t.Fatalf("task %d has ended: %v, heard of: %v", id, r.Done(), ended)
		}
		if !ended {
			continue
		}
		if v, err := r.Value(); err != nil || v != int(want) {
			t.Fatalf("task %d: %d, %v; the first success was %d", id, v, err, want)
		}
	}
}

// TestEarlyOutcomes: whatever is told ahead of the journal, and is lost, repeated or late, each task has the value of the first
// success that was heard, and none runs that has one.
func TestEarlyOutcomes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx, s, _ := openHand(t, false)
		e := &early{s: s, refs: map[uint64]*engine.Typed[int]{}, counts: map[uint64]byte{}}
		for range rapid.IntRange(1, 4).Draw(rt, "tasks") {
			r := remoteOnly.Go(ctx, 7)
			task := takes(s, "a")
			e.refs[task.ID] = r
			e.running = append(e.running, given{"a", *task})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"take": e.take, "end": e.end, "read": e.read, "again": e.again, "lose": e.lose, "": e.check,
		})
		for len(e.running) > 0 || len(e.journal) > 0 { // the rest ends
			if len(e.running) > 0 {
				e.end(rt)
			} else {
				e.read(rt)
			}
		}
		for len(e.counts) < len(e.refs) {
			task := takes(s, "a")
			if task == nil {
				rt.Fatalf("%d of %d tasks have ended, and none is given out", len(e.counts), len(e.refs))
			}
			e.hear(ended("a", task, byte(task.Attempt)))
		}
		if task := takes(s, "b"); task != nil {
			rt.Fatalf("task %d is given out though it has ended", task.ID)
		}
		e.check(rt)
	})
}
