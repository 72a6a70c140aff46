package remote

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

func successOf(c *Carrier, node string, task uint64) *protocol.Outcomes {
	return &protocol.Outcomes{Epoch: c.Epoch(), Node: node, List: []protocol.Outcome{{
		ID: task, Attempt: 1, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline, Data: []byte{1}},
	}}}
}

// tell says an outcome ahead of the journal.
func (a *agent) tell(o *protocol.Outcomes) {
	a.t.Helper()
	if err := a.conn.Publish(protocol.UpSubject(a.job, a.node), o.Append(nil)); err != nil {
		a.t.Error(err)
	}
}

// TestEarlyOutcome: a job without a name asks for lone outcomes ahead of its journal, and takes them.
func TestEarlyOutcome(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	got := a.offer(1)
	s.add(1, 1)
	b := a.take(got)
	if b.Tasks[0].Flags&protocol.Early == 0 {
		t.Error("it doesn't ask for them")
	}
	a.tell(successOf(c, "a", 1))
	s.until("the outcome counts", func() bool { return s.done[1] == 1 })
	a.outcomes(b.Tasks)
	s.until("the session hears of it again by the journal", func() bool { return s.done[1] == 2 })
	got = a.offer(fewTasks + 1)
	s.mu.Lock()
	s.most = 0 // until all are there
	s.mu.Unlock()
	s.add(2, fewTasks+1)
	s.mu.Lock()
	s.most = fewTasks + 1
	s.mu.Unlock()
	c.Wake()
	if b := a.take(got); len(b.Tasks) != fewTasks+1 || b.Tasks[0].Flags&protocol.Early != 0 {
		t.Errorf("of %d tasks it asks for them: flags %d", len(b.Tasks), b.Tasks[0].Flags)
	}
}

// TestEarlyOutcomeOfNamedJob: a job with a name may have another driver, so only its journal counts.
func TestEarlyOutcomeOfNamedJob(t *testing.T) {
	h, n := startHead(t, calm), newNotes()
	c, s := openJob(t, h, Config{Name: "named", Note: n.take})
	a := newAgent(t, h, c, "a")
	got := a.offer(1)
	s.add(1, 1)
	b := a.take(got)
	if b.Tasks[0].Flags&protocol.Early != 0 {
		t.Error("it asks for outcomes ahead of the journal")
	}
	a.tell(successOf(c, "a", 1))
	n.wait(t, "is to be read in the journal")
	a.outcomes(b.Tasks)
	s.until("the recorded outcome counts", func() bool { return s.done[1] > 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done[1] != 1 {
		t.Errorf("%d outcomes count", s.done[1])
	}
}

// TestForgedEarlyOutcome: nobody tells outcomes in another node's name, of another epoch, or by another subject.
func TestForgedEarlyOutcome(t *testing.T) {
	h, n := startHead(t, calm), newNotes()
	c, s := openJob(t, h, Config{Note: n.take})
	a, e := newAgent(t, h, c, "a"), newEvil(t, h)
	a.tell(successOf(c, "b", 1))
	n.wait(t, "in the name of node b")
	e.deliver(protocol.UpSubject(c.Job(), "a"), successOf(c, "a", 2).Append(nil))
	n.wait(t, "was written to m.j.evil.o.a")
	if err := a.conn.Publish(protocol.UpSubject(c.Job(), "a"), successOf(c, "a", 3).Append(nil)[:9]); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "an outcome that makes no sense")
	later := successOf(c, "a", 4)
	later.Epoch++
	a.tell(later)
	a.tell(successOf(c, "a", 5))
	s.until("its own counts", func() bool { return s.done[5] == 1 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.done) != 1 {
		t.Errorf("count: %v", s.done)
	}
}
