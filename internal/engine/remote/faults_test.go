package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// quick are ages at which what goes wrong is noticed soon.
var quick = protocol.Ages{Renew: 20 * time.Millisecond, Dead: 100 * time.Millisecond, Ask: 100 * time.Millisecond}

// work makes an agent do what it is given until ctx ends.
func (a *agent) work(ctx context.Context) {
	for ctx.Err() == nil {
		got, _ := a.tryOffer(16)
		select {
		case <-time.After(answerTime):
		case b := <-got:
			if len(b.Tasks) > 0 {
				a.up(protocol.Accept{Number: b.Number})
				a.mu.Lock()
				for _, t := range b.Tasks {
					a.seen[protocol.Attempt{Task: t.ID, N: t.Attempt}]++
				}
				a.mu.Unlock()
				a.outcomes(b.Tasks)
			}
		case d := <-a.heard: // also an empty one: the job wants to hear of the room
			_ = d
		case <-ctx.Done():
		}
	}
}

// always publishes a digest again and again, as a head does, until the function that it gives is called.
func (h *testHead) always(up time.Duration, nodes ...protocol.NodeDigest) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			h.digest(up, nodes...)
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// TestDeadNode: one that the head doesn't know and that doesn't answer is lost, once, and its tasks run elsewhere. One
// that answers isn't, whatever the head says.
func TestDeadNode(t *testing.T) {
	h := startHead(t, quick)
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take, beat: 1e7})
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	for i, agent := range []*agent{a, b} {
		got := agent.offer(1)
		s.add(1+10*i, 1)
		agent.up(protocol.Accept{Number: agent.take(got).Number})
	}
	a.setDeaf(true)
	defer h.always(time.Hour, protocol.NodeDigest{Node: "b", Dead: true})()
	s.until("a is lost", func() bool { return len(s.lost) > 0 })
	n.wait(t, "node a is gone")
	again := b.take(b.offer(1))
	if len(again.Tasks) != 1 || again.Tasks[0].ID != 1 || again.Tasks[0].Attempt != 2 {
		t.Errorf("b got %+v", again)
	}
	b.outcomes(again.Tasks)
	s.until("the outcome comes", func() bool { return s.done[1] == 1 })
	c.Send("a", item(1)) // to the dead nothing is said
	s.mu.Lock()
	if len(s.lost) != 1 || s.lost[0] != "a" {
		t.Errorf("lost: %v", s.lost)
	}
	s.mu.Unlock()
	c.mu.Lock()
	if c.downs.Waits("a") {
		t.Error("something waits for a dead node")
	}
	c.mu.Unlock()
}

// TestHeadAway stops the server while tasks run and starts it again on the same store. All are done, and none has run
// twice: only a batch that was lost on its way is given out again.
func TestHeadAway(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	var agents []*agent
	for n := range 3 {
		a := newAgent(t, h, c, fmt.Sprint("n", n))
		agents = append(agents, a)
		wg.Go(func() { a.work(ctx) })
	}
	const rounds, each = 3, 500
	for round := range rounds {
		s.add(1+round*each, each)
		s.until("some are done", func() bool { return len(s.done) > round*each+each/10 })
		h.server.stop()
		h.server.start()
	}
	s.until("all are done", func() bool { return len(s.done) == rounds*each })
	cancel()
	wg.Wait()
	seen := map[uint64]int{}
	for _, a := range agents {
		for attempt, n := range a.seen {
			seen[attempt.Task] += n
		}
	}
	for task, n := range seen {
		if n != 1 {
			t.Errorf("task %d ran %d times", task, n)
		}
	}
}

// TestSaidWhileTheHeadIsAway: what is to be said waits, and comes in order.
func TestSaidWhileTheHeadIsAway(t *testing.T) {
	h := startHead(t, calm)
	c, _ := openJob(t, h, Config{resend: 1e8, beat: 1e7})
	a := newAgent(t, h, c, "a")
	for n := range 1000 {
		switch n {
		case 300:
			h.server.stop()
		case 600:
			h.server.start()
		}
		c.Send("a", item(n))
	}
	hears(t, a, 1000)
}

// TestReconnect: when only the job's connection was away, what wasn't heard is said again at once, and nodes offer anew
// since their offers are answered.
func TestReconnect(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{resend: time.Hour})
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	got := a.offer(1)
	s.until("the offer is parked", func() bool { return s.empty > 0 })
	b.setDeaf(true)
	c.Send("b", item(0))
	<-b.missed
	b.setDeaf(false)
	if err := c.conn.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	hears(t, b, 1)
	if batch := a.take(got); len(batch.Tasks) != 0 {
		t.Errorf("got %+v", batch)
	}
}

func (a *agent) setDeaf(deaf bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf = deaf
}

// TestPause: a driver that can't renew hands out nothing until it can.
func TestPause(t *testing.T) {
	h := startHead(t, quick)
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take, beat: 1e7})
	a := newAgent(t, h, c, "a")
	h.setMute(true)
	n.wait(t, "pauses")
	got := a.offer(1)
	s.add(1, 1)
	c.Send("a", item(1)) // a round trip, in which a batch would have come
	<-a.heard
	s.mu.Lock()
	if len(s.ready) != 1 {
		t.Error("tasks were handed out in a pause")
	}
	s.mu.Unlock()
	h.setMute(false)
	n.wait(t, "goes on")
	if b := a.take(got); len(b.Tasks) != 1 {
		t.Errorf("got %+v", b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused.Load() {
		t.Error("still paused")
	}
}

func (h *testHead) setMute(mute bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mute = mute
}

// TestSuperseded: of two drivers of a job the older one stops by itself, and leaves the job alone.
func TestSuperseded(t *testing.T) {
	h := startHead(t, quick)
	lost := make(chan error, 10)
	old, s := openJob(t, h, Config{Name: "j", Superseded: func(err error) { lost <- err }})
	a := newAgent(t, h, old, "a")
	c, second := openJob(t, h, Config{Name: "j", TakeOver: true})
	var refused *protocol.Refusal
	if err := <-lost; !errors.As(err, &refused) || refused.Code != protocol.CodeSuperseded ||
		!strings.Contains(err.Error(), "this driver stops: ") {
		t.Errorf("told: %v", err)
	}
	a.epoch = c.Epoch()
	got := a.offer(4)
	s.add(1, 1)
	second.add(2, 1)
	b := a.take(got)
	if len(b.Tasks) != 1 || b.Tasks[0].ID != 2 || b.Epoch != 2 {
		t.Errorf("got %+v", b)
	}
	if err := old.Close(within(t), nil); err != nil || len(h.closes) != 0 || len(lost) != 0 {
		t.Errorf("closed: %v, %v", err, h.closes)
	}
}

// TestCancelled: a job that the head doesn't know any more is over.
func TestCancelled(t *testing.T) {
	h := startHead(t, quick)
	lost := make(chan error, 10)
	openJob(t, h, Config{Superseded: func(err error) { lost <- err }})
	h.mu.Lock()
	clear(h.jobs)
	h.mu.Unlock()
	if err := <-lost; !strings.Contains(err.Error(), "no such job") {
		t.Errorf("told: %v", err)
	}
}

// TestReplay: the next driver of a job is told what was recorded before it begins, and what comes late.
func TestReplay(t *testing.T) {
	h := startHead(t, calm)
	first, s := openJob(t, h, Config{Name: "j"})
	a := newAgent(t, h, first, "a")
	const n = 1000
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.work(ctx) })
	s.add(1, n)
	s.until("all are done", func() bool { return len(s.done) == n })
	cancel()
	wg.Wait()
	if err := first.Close(within(t), errors.New("failed")); err != nil {
		t.Fatal(err)
	}
	replayed := map[protocol.Key]int{}
	late, half, goOn := make(chan uint64, 10), make(chan struct{}), make(chan struct{})
	var started atomic.Bool
	c := openOnly(t, h, Config{Name: "j", Replay: func(o *protocol.Outcomes) {
		for i := range o.List {
			if replayed[o.List[i].Key]++; started.Load() {
				late <- o.List[i].ID
			} else if len(replayed) == n/2 {
				close(half)
				<-goOn
			}
		}
	}})
	s2, began := newSession(t), make(chan error, 1)
	s2.carrier = c
	go func() { began <- c.Start(within(t), s2) }()
	<-half
	for range 100 { // round trips, in which Start would have gone on
		m := nats.NewMsg(protocol.UpSubject(c.Job(), "a"))
		if _, err := a.conn.RequestMsg(m, patience); !errors.Is(err, nats.ErrNoResponders) {
			t.Fatalf("the job takes part before all was replayed: %v", err)
		}
	}
	close(goOn)
	if err := <-began; err != nil {
		t.Fatal(err)
	}
	started.Store(true)
	a.outcomes([]protocol.Task{taskOf(n+1, 1)}) // of the old epoch
	if id := <-late; id != n+1 {
		t.Errorf("late: %d", id)
	}
	a.epoch = c.Epoch()
	got := a.offer(1)
	s2.add(1, 1)
	a.outcomes(a.take(got).Tasks)
	s2.until("the new one is done", func() bool { return s2.done[1] == 1 })
	if len(s2.done) != 1 {
		t.Errorf("counts now: %v", s2.done)
	}
}

// TestBadRecords are passed over: what stands behind them counts.
func TestBadRecords(t *testing.T) {
	h := startHead(t, calm)
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take})
	a := newAgent(t, h, c, "a")
	other := protocol.Outcomes{Epoch: 1, Node: "b", List: []protocol.Outcome{{ID: 5, Attempt: 1, Status: protocol.Succeeded,
		Value: protocol.Value{Form: protocol.Inline}}}}
	for _, data := range [][]byte{[]byte("nonsense"), nil, other.Append(nil)} {
		if _, err := a.js.Publish(within(t), protocol.OutcomeSubject(c.Job(), "a"), data); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.js.Publish(within(t), protocol.DecisionSubject(c.Job()), []byte("a decision")); err != nil {
		t.Fatal(err)
	}
	a.outcomes([]protocol.Task{taskOf(6, 1)})
	s.until("the good one comes", func() bool { return s.done[6] == 1 })
	if s.done[5] != 0 {
		t.Error("what was said in another's name counts")
	}
	n.wait(t, "recorded what makes no sense")
	n.wait(t, "in the name of node b")
}

// TestClosedJobDoesNothing: an offer that comes too late gets no tasks, and nothing blocks.
func TestClosedJobDoesNothing(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	got := a.offer(1)
	s.until("the offer is parked", func() bool { return s.empty > 0 })
	if err := c.Close(within(t), nil); err != nil {
		t.Fatal(err)
	}
	if b := a.take(got); len(b.Tasks) != 0 {
		t.Errorf("got %+v", b)
	}
	s.add(1, 1)
	c.Send("a", item(1))
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.closes) != 1 || h.closes[0].Epoch != 1 {
		t.Errorf("closed: %+v", h.closes)
	}
}

// TestAgentThatBeganAnewAfterItSpoke: a node says what it runs for the driver before, and is started again before it has
// offered room. What it ran is gone, and nobody waits for it. (internal/sim, seed 2913)
func TestAgentThatBeganAnewAfterItSpoke(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	a.up(protocol.Held{Key: protocol.Key{1}, Life: 7})
	a.life = 8
	a.offer(1)
	s.until("the node counts as new", func() bool { return len(s.lost) == 1 && s.lost[0] == "a" })
	a.up(protocol.Held{Key: protocol.Key{2}, Life: 7}) // it was long on its way
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.ups {
		if held, ok := it.(protocol.Held); ok && held.Key == (protocol.Key{2}) {
			t.Error("a life that is over is listened to")
		}
	}
}
