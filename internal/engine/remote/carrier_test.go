package remote

import (
	"context"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// openJob opens a job on a head and starts it with a session.
func openJob(t testing.TB, h *testHead, config Config) (*Carrier, *session) {
	t.Helper()
	c, s := openOnly(t, h, config), newSession(t)
	s.carrier = c
	if err := c.Start(within(t), s); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func openOnly(t testing.TB, h *testHead, config Config) *Carrier {
	t.Helper()
	config.Cluster = h
	if config.Binaries == nil {
		config.Binaries = []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}
	}
	c, err := Open(within(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = c.Close(ctx, nil)
	})
	return c
}

// TestTasksThereAndBack takes a task to a node, and its outcome back.
func TestTasksThereAndBack(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{Functions: []string{"f"}})
	a := newAgent(t, h, c, "n1")
	got := a.offer(8)
	s.add(1, 3)
	b := a.take(got)
	if len(b.Tasks) == 0 || b.Epoch != 1 || b.Number != 1 {
		t.Fatalf("got %+v", b)
	}
	a.up(protocol.Accept{Number: b.Number}, protocol.Started{Attempt: protocol.Attempt{Task: 1, N: 1}})
	a.outcomes(b.Tasks)
	s.until("the outcomes come", func() bool { return len(s.done) == len(b.Tasks) })
	s.until("what it said comes", func() bool { return len(s.ups) == 1 })
	c.Send("n1", protocol.Stop{Attempt: protocol.Attempt{Task: 1, N: 1}})
	if d := <-a.heard; len(d.Items) != 1 {
		t.Errorf("the agent heard %+v", d)
	}
	if err := c.Close(within(t), nil); err != nil {
		t.Error(err)
	}
	if d := <-a.heard; len(d.Items) != 1 || d.Items[0] != (protocol.Quit{}) {
		t.Errorf("at the end the agent heard %+v", d)
	}
}

// forgetful is a head whose first answers get lost.
type forgetful struct {
	*testHead
	times int
}

func (f *forgetful) Ask(ctx context.Context, op string, in, out any) error {
	err := f.testHead.Ask(ctx, op, in, out)
	if op == protocol.OpOpenJob && err == nil {
		if f.times--; f.times >= 0 {
			return context.DeadlineExceeded
		}
	}
	return err
}

// TestOpenWithoutAnAnswer: who gets no answer asks again, and has opened the job once.
func TestOpenWithoutAnAnswer(t *testing.T) {
	h, n := startHead(t, calm), newNotes()
	c, err := Open(within(t), Config{
		Cluster: &forgetful{h, 2}, Name: "j", Binaries: []Binary{{OS: "linux", Arch: "amd64", Path: "doc.go"}}, Note: n.take,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Epoch() != 1 || len(h.opens) != 3 {
		t.Errorf("epoch %d after %d requests", c.Epoch(), len(h.opens))
	}
	n.wait(t, "asked again")
	if err := c.Close(within(t), nil); err != nil {
		t.Error(err)
	}
}
