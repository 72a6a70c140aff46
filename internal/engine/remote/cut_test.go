package remote

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// image is a copy of what the server keeps, as its disk had it at that time.
func (s *testServer) image() string {
	s.t.Helper()
	s.stop()
	defer s.start()
	dir := s.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.opts.StoreDir)); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// cutPower ends the server, which starts again with what its disk had at an earlier time.
func (s *testServer) cutPower(image string) {
	s.t.Helper()
	s.stop()
	if err := errors.Join(os.RemoveAll(s.opts.StoreDir), os.CopyFS(s.opts.StoreDir, os.DirFS(image))); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// TestPowerCut: what was read of a journal that has lost its end counts, and is written anew, so that the next driver
// finds it, outcomes and decisions; what comes in its place counts too.
func TestPowerCut(t *testing.T) {
	h := startHead(t, calm)
	n := newNotes()
	c, s := openJob(t, h, Config{Name: "j", Note: n.take})
	a := newAgent(t, h, c, "a")
	a.outcomes([]protocol.Task{taskOf(1, 1)})
	s.until("the first", func() bool { return s.done[1] == 1 })
	back := h.conn.StatusChanged(nats.CONNECTED)
	image := h.server.image()
	<-back
	stored := make(chan struct{})
	c.Decide(began(7), func() { close(stored) })
	wait(t, stored)
	for id := range 5 {
		a.outcomes([]protocol.Task{taskOf(uint64(id+2), 1)})
	}
	s.until("those that will be gone", func() bool { return len(s.done) == 6 })
	h.server.cutPower(image)
	<-back
	n.wait(t, "lost the end of the journal")
	a.outcomes([]protocol.Task{taskOf(9, 1)})
	s.until("one that comes in their place", func() bool { return s.done[9] == 1 })
	sure := make(chan struct{})
	c.Decide(began(8), func() { close(sure) })
	wait(t, sure) // behind what is written anew
	s.mu.Lock()
	for id, times := range s.done {
		if times != 1 {
			t.Errorf("outcome %d came %d times", id, times)
		}
	}
	s.mu.Unlock()
	if err := c.Close(within(t), errors.New("failed")); err != nil {
		t.Error(err)
	}
	var mu sync.Mutex
	replayed, decided := map[uint64]bool{}, map[byte]bool{}
	openJob(t, h, Config{Name: "j", Replay: func(o *protocol.Outcomes) {
		mu.Lock()
		defer mu.Unlock()
		for i := range o.List {
			replayed[o.List[i].ID] = true
		}
	}, Decided: func(d *protocol.Decisions) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range d.List {
			decided[x.Key[0]] = true
		}
	}})
	mu.Lock()
	defer mu.Unlock()
	if len(replayed) != 7 || !decided[7] || !decided[8] {
		t.Errorf("the next driver finds %v and %v", replayed, decided)
	}
}

// TestPowerCutOfAnUnnamedJob: nothing that comes in the place of what is gone is let go of before it is read.
func TestPowerCutOfAnUnnamedJob(t *testing.T) {
	h := startHead(t, protocol.Ages{Renew: 5 * time.Millisecond, Dead: time.Hour, Ask: time.Second})
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take})
	a := newAgent(t, h, c, "a")
	image := h.server.image()
	for id := range 50 {
		a.outcomes([]protocol.Task{taskOf(uint64(id+1), 1)})
	}
	s.until("those that will be gone", func() bool { return len(s.done) == 50 })
	h.server.stop()
	h.mu.Lock()
	h.renews = nil
	h.mu.Unlock()
	h.server.cutPower(image)
	a.outcomes([]protocol.Task{taskOf(99, 1)})
	s.until("one that comes in their place", func() bool { return s.done[99] == 1 })
	n.wait(t, "lost the end of the journal")
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.renews {
		if r.Read > 2 {
			t.Errorf("it says that it has read up to %d", r.Read)
		}
	}
}

func TestRecent(t *testing.T) {
	var r recent
	now := time.Now()
	r.add(1, make([]byte, 10), now.Add(-2*keepRecent))
	for seq := range uint64(5) {
		r.add(seq+2, []byte{byte(seq + 2)}, now)
	}
	if len(r.list) != 5 || r.bytes != 5 {
		t.Errorf("%d records of %d bytes", len(r.list), r.bytes)
	}
	lost := r.from(4)
	if len(lost) != 3 || lost[0][0] != 4 || len(r.list) != 2 || r.bytes != 2 {
		t.Errorf("%v are lost, %d stay", lost, len(r.list))
	}
	r.add(4, make([]byte, maxRecentSize), now)
	if len(r.list) != 1 {
		t.Errorf("%d records of %d bytes", len(r.list), r.bytes)
	}
	r.add(5, make([]byte, 2*maxRecentSize), now)
	if len(r.list) != 0 || r.bytes != 0 {
		t.Errorf("%d records of %d bytes", len(r.list), r.bytes)
	}
}
