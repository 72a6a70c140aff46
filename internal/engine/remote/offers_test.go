package remote

import (
	"testing"
	"time"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// TestOfferIsReplaced: the older one gets nothing, the newer one the tasks.
func TestOfferIsReplaced(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "n1")
	first := a.offer(4)
	second := a.offer(4)
	s.until("the newer offer is parked", func() bool { return c.lastOffer("n1") == 2 })
	s.add(1, 4)
	if b := a.take(second); len(b.Tasks) == 0 {
		t.Error("the newer offer got nothing")
	}
	if len(first) > 0 {
		t.Errorf("the older offer got %+v", a.take(first))
	}
}

// lastOffer is the number of the offer that a node has parked, or 0.
func (c *Carrier) lastOffer(node string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.lot.All(nil) {
		if p.Node == node {
			return p.Number
		}
	}
	return 0
}

// TestOfferThatCrossesABatch gets nothing: it offers what that batch takes.
func TestOfferThatCrossesABatch(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: time.Hour})
	s.most = 1
	a := newAgent(t, h, c, "n1")
	first := a.offer(1)
	s.add(1, 3)
	one := a.take(first)
	a.taken = one.Number
	two := a.take(a.offer(1))
	crossed := a.offer(1)
	a.up(protocol.Accept{Number: one.Number}) // it is heard behind the offer
	a.taken = two.Number
	if b := a.take(a.offer(1)); len(b.Tasks) != 1 || b.Tasks[0].ID != 3 {
		t.Errorf("the offer behind it got %+v", b.Tasks)
	}
	if len(crossed) > 0 {
		t.Errorf("what crossed a batch got %+v", a.take(crossed))
	}
}

// TestOffersAreServedInTurn: who has waited longest is first, and who was served waits behind the others.
func TestOffersAreServedInTurn(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: time.Hour})
	s.most = 1
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	parked := func(of *agent) <-chan protocol.Batch {
		answers := of.offer(1)
		s.until("there is nothing for the offer", func() bool { return s.emptied[of.node] == of.number })
		return answers
	}
	fromA, fromB := parked(a), parked(b)
	for n := range 6 {
		s.add(n+1, 1)
		batch := protocol.Batch{}
		if n%2 == 0 {
			batch, fromA = a.take(fromA), parked(a)
		} else {
			batch, fromB = b.take(fromB), parked(b)
		}
		if len(batch.Tasks) != 1 || batch.Tasks[0].ID != uint64(n+1) {
			t.Fatalf("turn %d got %+v", n, batch.Tasks)
		}
	}
}

// TestNothingReady: while nothing is ready nobody is asked for tasks over and over.
func TestNothingReady(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "n1")
	a.offer(4)
	s.until("the offer is parked", func() bool { return s.empty == 1 })
	for range 100 { // round trips, which take as long as a loop would need
		c.Send("n1", protocol.TakeBack{})
		<-a.heard
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty != 1 {
		t.Errorf("asked %d times", s.empty)
	}
}

// TestUnconfirmed: a batch that isn't confirmed is given out again, one that is isn't, and a late word changes nothing.
func TestUnconfirmed(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: 1, beat: 1e6})
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	got := a.offer(2)
	s.add(1, 2)
	lost := a.take(got)
	s.until("it is unconfirmed", func() bool { return len(s.unsure) >= len(lost.Tasks) })
	a.up(protocol.Accept{Number: lost.Number})
	again := b.take(b.offer(2))
	for _, task := range again.Tasks {
		if task.Attempt < 2 {
			t.Errorf("given out again as attempt %d", task.Attempt)
		}
	}
	b.outcomes(again.Tasks)
	s.until("the outcomes come", func() bool { return len(s.done) >= len(again.Tasks) })
}

// TestConfirmed: the confirmation comes before the next look.
func TestConfirmed(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	got := a.offer(2)
	s.add(1, 2)
	batch := a.take(got)
	a.up(protocol.Accept{Number: batch.Number})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handed.Len() != 0 {
		t.Errorf("%d batches wait", c.handed.Len())
	}
}

// TestLongBatch: what doesn't fit into a message comes with the next offer, in order, and each task once.
func TestLongBatch(t *testing.T) {
	h := startHead(t, calm) // takes messages of 1 MiB
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	s.mu.Lock()
	for id := range uint64(40) {
		task := taskOf(id+1, 1)
		task.Arg = make([]byte, 60<<10)
		s.ready, s.attempt[id+1] = append(s.ready, task), 1
	}
	s.mu.Unlock()
	next, number := uint64(1), uint64(0)
	for next <= 40 {
		b := a.take(a.offer(64))
		a.up(protocol.Accept{Number: b.Number})
		if len(b.Tasks) == 0 || b.Number <= number {
			t.Fatalf("batch %d of %d tasks after batch %d", b.Number, len(b.Tasks), number)
		}
		for _, task := range b.Tasks {
			if task.ID != next {
				t.Fatalf("got task %d, not %d", task.ID, next)
			}
			next++
		}
		number = b.Number
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unsure) > 0 {
		t.Errorf("given out again: %v", s.unsure)
	}
}

// TestRestThatIsNotFetched: what waits for the next offer and waits too long is given out again, and only that.
func TestRestThatIsNotFetched(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: 1, beat: 1e6})
	a := newAgent(t, h, c, "a")
	got := a.offer(2)
	s.mu.Lock()
	for id := range uint64(2) {
		task := taskOf(id+1, 1)
		task.Arg = make([]byte, 600<<10)
		s.ready, s.attempt[id+1] = append(s.ready, task), 1
	}
	s.mu.Unlock()
	c.Wake()
	a.take(got)
	s.until("both are unconfirmed", func() bool { return len(s.unsure) == 2 })
	late := a.offer(2) // too late: it gets new tasks, if any
	first := a.take(late)
	if len(first.Tasks) == 0 || first.Tasks[0].Attempt < 2 {
		t.Errorf("got %d tasks that others may have", len(first.Tasks))
	}
}

// TestOfferToANewerDriver: it isn't answered, since the newer driver must.
func TestOfferToANewerDriver(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	s.add(1, 1)
	a.epoch++
	newer := a.offer(1)
	a.epoch--
	if b := a.take(a.offer(1)); len(b.Tasks) != 1 {
		t.Errorf("got %+v", b)
	}
	select {
	case b := <-newer:
		t.Errorf("answered: %+v", b)
	default:
	}
}

// TestTaskLongerThanAMessage fails, with the remedy, and doesn't hold up the others.
func TestTaskLongerThanAMessage(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{})
	a := newAgent(t, h, c, "a")
	s.mu.Lock()
	long, short := taskOf(1, 1), taskOf(2, 1)
	long.Arg = make([]byte, 2<<20)
	s.ready = []protocol.Task{long, short}
	s.mu.Unlock()
	if b := a.take(a.offer(2)); len(b.Tasks) != 1 || b.Tasks[0].ID != 2 {
		t.Errorf("got %d tasks", len(b.Tasks))
	}
	s.until("the long one has failed", func() bool { return s.done[1] == 1 })
}

// TestSharedRoomMayBeGone: whether room that others are offered too may have gone to them is asked of each offer that was
// there before, also of one that a round didn't come to.
func TestSharedRoomMayBeGone(t *testing.T) {
	c := newCarrier(Config{})
	t.Cleanup(c.end)
	c.job, c.roll = newSession(t), dispatch.NewRollCall(1, time.Now())
	first, second := &dispatch.Parked{Offer: protocol.Offer{Node: "a"}}, &dispatch.Parked{Offer: protocol.Offer{Node: "b"}}
	c.lot.Add(first)
	c.lot.Add(second)
	c.news.Store(true)
	c.round()
	if !first.Waits || !second.Waits {
		t.Errorf("the offers wait: %v and %v", first.Waits, second.Waits)
	}
}

// TestSharedRoomStepByStep: room that other jobs have too is taken of one node first, which says that it has the tasks, and
// then of others; a node that has just offered it is told that there is nothing.
func TestSharedRoomStepByStep(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: time.Hour})
	s.most = 1
	a, b := newAgent(t, h, c, "a"), newAgent(t, h, c, "b")
	a.shared, b.shared = true, true
	fromA, fromB := a.offer(1), b.offer(1)
	for _, got := range []<-chan protocol.Batch{fromA, fromB} {
		if kept := a.take(got); len(kept.Tasks) != 0 || kept.Number != protocol.Kept || kept.Epoch != c.Epoch() {
			t.Errorf("without tasks the answer is %+v", kept)
		}
	}
	s.add(1, 2)
	first, other := a, fromB
	var one protocol.Batch
	select {
	case one = <-fromA:
	case one = <-fromB:
		first, other = b, fromA
	case <-within(t).Done():
		t.Fatal("nobody gets anything")
	}
	if len(other) > 0 {
		t.Error("both get something at once")
	}
	first.up(protocol.Accept{Number: one.Number})
	if two := a.take(other); len(two.Tasks) != 1 {
		t.Errorf("the other one got %+v", two)
	}
}
