package head

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// A job from its opening to its end, as driver, agent and head see it.
func TestJob(t *testing.T) {
	c := start(t, Config{})
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	news := n.hear(protocol.AllNews)
	job, j := c.open(u, "")
	if job.Epoch != 1 || job.Last != 0 || job.Ages != c.cfg.Ages {
		t.Errorf("opened %+v", job)
	}
	began := await(t, news, func(*nats.Msg) bool { return true })
	if want := `{"job":"` + job.Job + `","epoch":1}`; string(began.Data) != want {
		t.Errorf("news %s, want %s", began.Data, want)
	}

	offers := j.hear(protocol.OfferSubject(job.Job))
	reply := protocol.AnswerSubject(n.Conn.NewInbox(), protocol.AnswerOffer, job.Job, "1")
	batches := n.hear(reply)
	if err := n.Conn.PublishRequest(protocol.OfferSubject(job.Job), reply, []byte("offer")); err != nil {
		t.Fatal(err)
	}
	if err := (<-offers).Respond([]byte("batch")); err != nil {
		t.Fatal(err)
	}
	await(t, batches, func(m *nats.Msg) bool { return string(m.Data) == "batch" })
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := js.Publish(t.Context(), protocol.OutcomeSubject(job.Job, n.Who), []byte("outcome")); err != nil {
			t.Fatal(err)
		}
	}
	readJournal(t, j, job, 3)
	j.ask(protocol.OpRenewJob, protocol.RenewJob{Job: job.Job, Epoch: 1, Read: 2, Running: 7}, nil)
	var all []protocol.JobInfo
	u.ask(protocol.OpListJobs, nil, &all)
	if len(all) != 1 || all[0].Load.Running != 7 || all[0].State != protocol.JobRunning || all[0].Owner != "ann" {
		t.Errorf("jobs %+v", all)
	}
	c.awaitTrimmed(job.Job, 2)
	s, err := c.js.Stream(t.Context(), protocol.StreamName(job.Job))
	if err != nil || s.CachedInfo().State.Msgs != 1 {
		t.Errorf("the journal isn't trimmed: %v", err)
	}
	j.ask(protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 1}, nil)
	j.ask(protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 1}, nil)
	await(t, news, func(m *nats.Msg) bool { return strings.Contains(string(m.Data), `"ended":true`) })
	if _, err := c.js.Stream(t.Context(), protocol.StreamName(job.Job)); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the journal is still there: %v", err)
	}
	u.ask(protocol.OpListJobs, nil, &all)
	if len(all) != 1 || all[0].State != protocol.JobDone {
		t.Errorf("jobs %+v", all)
	}
}

// readJournal reads so many messages by the job's consumer, and acknowledges them.
func readJournal(t *testing.T, j *member, job protocol.JobOpened, want int) {
	t.Helper()
	in := j.hear(protocol.JournalSubject(job.Job, job.Epoch))
	var last *nats.Msg
	for range want {
		last = await(t, in, func(m *nats.Msg) bool { return m.Header.Get("Status") == "" })
	}
	if err := last.Respond([]byte("+ACK")); err != nil {
		t.Fatal(err)
	}
}

// Nodes that report are in the digest, and those that have gone silent are dead in it.
func TestNodes(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	n, u := c.join(join.RoleAgent, ""), c.join(join.RoleUser, "ann")
	digests := u.hear(protocol.Digest)
	n.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "one", CPUs: 4}, nil)
	has := func(dead bool) func(*nats.Msg) bool {
		return func(m *nats.Msg) bool {
			var d protocol.ClusterDigest
			if err := json.Unmarshal(m.Data, &d); err != nil {
				t.Error(err)
			}
			return len(d.Nodes) == 1 && d.Nodes[0].Node == n.Who && d.Nodes[0].Dead == dead && d.Number > 0
		}
	}
	await(t, digests, has(false))
	var all []protocol.NodeInfo
	u.ask(protocol.OpListNodes, nil, &all)
	if len(all) != 1 || all[0].Node != n.Who || all[0].CPUs != 4 {
		t.Errorf("nodes %+v", all)
	}
	u.refused(protocol.CodeForbidden, protocol.OpListNodes, protocol.AskNodes{Fresh: n.Who})
	n.refused(protocol.CodeUnknown, protocol.OpListNodes, protocol.AskNodes{Fresh: n.Who}) // nothing answers there
	await(t, digests, has(true))
	n.ask(protocol.OpReportNode, protocol.NodeInfo{Node: n.Who}, nil)
	await(t, digests, has(false))
	var events []protocol.ClusterEvent
	u.ask(protocol.OpEvents, nil, &events)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "identity.joined identity.joined node.joined node.lost node.joined" {
		t.Errorf("events %s", got)
	}
}

// Blobs of all sizes go there and back, and there once only.
func TestBlobs(t *testing.T) {
	c := start(t, Config{})
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	for _, size := range []int{0, 1, 1 << 20, 1<<20 + 1, 21<<20 + 17} {
		data := make([]byte, size)
		for i := 0; i < size; i += 1 + rand.IntN(1000) {
			data[i] = byte(rand.Int())
		}
		hash := join.HashBlob(data)
		for range 2 {
			if err := u.PutBlob(t.Context(), hash, int64(size), bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
		}
		var got bytes.Buffer
		if err := n.GetBlob(t.Context(), hash, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%d bytes: got %d, %v", size, got.Len(), err)
		}
	}
	has, err := n.HasBlob(t.Context(), join.HashBlob([]byte("nobody has it")))
	if err != nil || has {
		t.Errorf("has %v, %v", has, err)
	}
	n.refused(protocol.CodeUnknown, protocol.OpGetBlob, protocol.GetBlob{Hash: join.HashBlob([]byte("x")), Most: 1})
	if len(c.blobs.uploads) != 0 {
		t.Errorf("%d uploads are left", len(c.blobs.uploads))
	}
}

// A head that is started again is the same one: its clients come back by themselves.
func TestStartAgain(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Config{StateDir: dir})
	n := c.join(join.RoleAgent, "")
	addr, at := c.Addr(), c.JoinAddr()
	c.Stop()
	c.Stop()
	c = start(t, Config{StateDir: dir})
	if c.Addr() != addr || c.JoinAddr() != at {
		t.Errorf("it is at %s, %s, not at %s, %s", c.Addr(), c.JoinAddr(), addr, at)
	}
	deadline := time.Now().Add(watchdog)
	for n.Ask(t.Context(), protocol.OpReportNode, protocol.NodeInfo{}, nil) != nil {
		if time.Now().After(deadline) {
			t.Fatal("the node doesn't come back")
		}
	}
}
