//go:build unix

package agent

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// What a job with a name has done gets into its journal though the job has ended meanwhile.
func TestEndedJobIsRecorded(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", func(i *protocol.JobInfo) { i.Name = "nightly" })
	first := k.task("echo", "x")
	k.give(first)
	k.outcome(first)
	js, err := jetstream.New(k.conn)
	if err != nil {
		t.Fatal(err)
	}
	bounds := func(size int64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := js.UpdateStream(ctx, jetstream.StreamConfig{
			Name: protocol.StreamName("j1"), Subjects: protocol.StreamSubjects("j1"), Storage: jetstream.FileStorage,
			Discard: jetstream.DiscardNew, MaxBytes: size,
		}); err != nil {
			t.Fatal(err)
		}
	}
	bounds(1) // it is full
	late := k.task("echo", "y")
	k.give(late)
	a.mu.Lock()
	j := a.jobs["j1"]
	a.mu.Unlock()
	within(t, "an outcome that waits", func() bool { return !j.journal.empty() })
	c.news(protocol.JobDigest{Job: "j1", Epoch: 1, Ended: true})
	within(t, "the end", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs["j1"] == nil
	})
	bounds(1 << 20)
	k.outcome(late)
	within(t, "nothing is left of it", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.recording) == 0 && a.outbox.Load() == 0
	})
}

// Of jobs that have ended an agent keeps nothing: no record, no worker, no folder, no room.
func TestEndedJobsLeaveNothing(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	for i := range 8 {
		id := "j" + strconv.Itoa(i)
		k := c.open(id, func(info *protocol.JobInfo) { info.Name = []string{"", "nightly"}[i%2] })
		task := k.task("echo", "x")
		k.give(task)
		k.outcome(task)
		c.mu.Lock()
		c.jobs = nil
		c.mu.Unlock()
		c.news(protocol.JobDigest{Job: id, Epoch: 1, Ended: true})
	}
	within(t, "nothing is left", func() bool {
		folders, err := os.ReadDir(a.folder.jobs())
		if err != nil {
			t.Fatal(err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.bins.mu.Lock()
		defer a.bins.mu.Unlock()
		return len(a.jobs)+len(a.recording)+len(a.leaves)+len(a.resume)+len(a.bins.using)+len(folders) == 0 && a.outbox.Load() == 0
	})
	allFree(t, a)
}
