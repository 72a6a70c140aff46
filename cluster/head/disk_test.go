package head

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// On a disk that is about to be full nothing new is kept, what is there stays, and journals go on when there is room.
func TestDiskGetsFull(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	dir := t.TempDir()
	config := Config{StateDir: dir, Ages: protocol.Ages{Renew: shortAges.Renew}, free: func(string) (int64, error) { return free.Load(), nil }}
	c := start(t, config)
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	job, j := c.open(u, "nightly")
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	publish := func() error {
		_, err := js.Publish(t.Context(), protocol.OutcomeSubject(job.Job, n.Who), []byte("outcome"))
		return err
	}
	if err := publish(); err != nil {
		t.Fatal(err)
	}
	free.Store(1 << 20)
	c.log.await(t, "event=disk.full")
	if err := publish(); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("an outcome on a full disk: %v", err)
	}
	readJournal(t, j, job, 1)
	in, _ := opening(t, "")
	if text := u.refused(protocol.CodeFull, protocol.OpOpenJob, in); !strings.Contains(text, dir) {
		t.Error(text)
	}
	oneLine(t, u.PutBlob(t.Context(), join.HashBlob([]byte("x")), 1, strings.NewReader("x")), "disk is full")
	free.Store(1 << 40)
	c.log.await(t, "event=disk.free")
	if err := publish(); err != nil {
		t.Error(err)
	}
	u.ask(protocol.OpOpenJob, in, nil)
	c.Stop()
	c = start(t, config)
	s, err := c.js.Stream(t.Context(), protocol.StreamName(job.Job))
	if err != nil || s.CachedInfo().State.Msgs != 2 {
		t.Errorf("the journal isn't whole: %v", err)
	}
}

// Blobs have a limit of their own.
func TestBlobLimit(t *testing.T) {
	c := start(t, Config{Limits: Limits{BlobBytes: 3 << 20}})
	u := c.join(join.RoleUser, "ann")
	two := bytes.Repeat([]byte("two "), 1<<19)
	if err := u.PutBlob(t.Context(), join.HashBlob(two), int64(len(two)), bytes.NewReader(two)); err != nil {
		t.Fatal(err)
	}
	more := bytes.Repeat([]byte("more"), 1<<19)
	err := u.PutBlob(t.Context(), join.HashBlob(more), int64(len(more)), bytes.NewReader(more))
	oneLine(t, err, "at most 3 MiB")
	if err := u.PutBlob(t.Context(), join.HashBlob(two), int64(len(two)), bytes.NewReader(two)); err != nil {
		t.Error(err)
	}
}
