//go:build unix

package agent

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// What the head had confirmed and lost with its power is in the journal again once it is back, though the coordinator
// has never read it.
func TestServerLosesItsEnd(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	first := k.task("echo", "x")
	k.give(first)
	k.outcome(first)
	k.mu.Lock()
	k.deaf = true
	k.mu.Unlock()
	older := t.TempDir()
	c.stopServer()
	k.mu.Lock()
	k.parked = nil // nobody waits for an answer to it any more
	k.mu.Unlock()
	if err := os.CopyFS(older, os.DirFS(c.store)); err != nil {
		t.Fatal(err)
	}
	c.startServer()
	k.until("an offer", func() bool { return len(k.parked) > 0 })
	var gone []protocol.Task
	for range 3 {
		task := k.task("echo", "x")
		k.give(task)
		gone = append(gone, task)
	}
	a.mu.Lock()
	j := a.jobs["j1"]
	a.mu.Unlock()
	within(t, "all are confirmed", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		j.journal.mu.Lock()
		defer j.journal.mu.Unlock()
		return j.main != nil && j.main.done == 4 && j.journal.open.Count()+len(j.journal.cut)+len(j.journal.flying) == 0
	})
	c.stopServer()
	if err := errors.Join(os.RemoveAll(c.store), os.CopyFS(c.store, os.DirFS(older))); err != nil {
		t.Fatal(err)
	}
	c.startServer()
	k.readAgain()
	for _, task := range gone {
		k.outcome(task)
	}
	within(t, "an empty outbox", func() bool { return j.journal.empty() && a.outbox.Load() == 0 })
}

func TestKept(t *testing.T) {
	var k kept
	now := time.Now()
	k.add([]byte{1}, now)
	k.add([]byte{2, 3}, now.Add(keepConfirmed/2))
	k.trim(now.Add(keepConfirmed + 1))
	if k.size != 2 || len(k.list) != 1 {
		t.Errorf("%d bytes in %d messages", k.size, len(k.list))
	}
	k.add(make([]byte, maxKept), now.Add(keepConfirmed))
	if all := k.take(); len(all) != 1 || k.size != 0 || k.list != nil {
		t.Errorf("%d messages, %d bytes left", len(all), k.size)
	}
}
