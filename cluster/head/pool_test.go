package head

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// What waits for a node, a driver or JetStream is kept from the renewals and reports by which drivers and nodes live.
func TestWhoCarriesOut(t *testing.T) {
	pool := func() chan request { return make(chan request) }
	c := &control{vital: pool(), quick: pool(), relays: pool(), changes: pool(), blobs: pool(), past: pool()}
	for _, tt := range []struct {
		op   string
		body string
		want chan request
	}{
		{protocol.OpRenewJob, ``, c.vital},
		{protocol.OpReportNode, ``, c.vital},
		{protocol.OpListJobs, ``, c.quick},
		{protocol.OpListNodes, ``, c.quick},
		{protocol.OpListNodes, `{"fresh":"n1"}`, c.relays},
		{protocol.OpListNodes, `{"major":1}`, c.quick},
		{protocol.OpDrainNode, ``, c.relays},
		{protocol.OpUndrain, ``, c.relays},
		{protocol.OpReadLog, ``, c.relays},
		{protocol.OpListTasks, ``, c.relays},
		{protocol.OpOpenJob, ``, c.changes},
		{protocol.OpDropUser, ``, c.changes},
		{protocol.OpShareJob, ``, c.changes},
		{protocol.OpGetBlob, ``, c.blobs},
		{protocol.OpHistory, ``, c.past},
	} {
		if c.whose(tt.op, []byte(tt.body)) != tt.want {
			t.Errorf("%s with %q goes to others", tt.op, tt.body)
		}
	}
}

// What has waited for so long that who asked has gone isn't carried out.
func TestNobodyWaitsForIt(t *testing.T) {
	log := &lines{}
	c := &control{head: &Head{log: slog.New(slog.NewTextHandler(log, nil))}}
	c.answer(request{&nats.Msg{Subject: "m.c.n1.job.list"}, time.Now()}, time.Now().Add(maxWait+1)) // else it would need all of a head
	log.await(t, "it has waited for too long")
	if !c.head.attentive().IsZero() {
		t.Error("a question that waited makes the head deaf")
	}
}

// Who hears late that drivers and nodes live says of nobody that he is silent.
func TestHeadThatIsBehind(t *testing.T) {
	h := &Head{log: slog.New(slog.DiscardHandler), started: time.Now()}
	c := &control{head: h}
	now := h.started.Add(time.Hour)
	c.answer(request{&nats.Msg{Subject: "m.c.n1." + protocol.OpReportNode}, now.Add(-maxWait - 1)}, now)
	dead := 15 * time.Second
	j := &job{info: protocol.JobInfo{State: protocol.JobRunning}, seen: now.Add(-time.Minute)}
	if j.silent(now.Add(dead), h.attentive(), dead) || !j.silent(now.Add(dead+1), h.attentive(), dead) {
		t.Error("a job counts as silent before its driver could have been heard")
	}
}

// A list of jobs isn't kept waiting by who changes one, which may ask JetStream for long.
func TestListWhileJobsChange(t *testing.T) {
	h := &Head{jobs: &jobs{}, users: &users{}, drivers: &drivers{}}
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	answer, err := h.listJobs(t.Context(), caller{name: "ann", role: user}, &protocol.JobID{})
	if list, ok := answer.([]protocol.JobInfo); !ok || len(list) != 0 || err != nil {
		t.Errorf("%v, %v", answer, err)
	}
}

// The journal of a job that has ended meanwhile isn't trimmed, and nobody is told of it.
func TestTrimOfAJobThatHasEnded(t *testing.T) {
	log := &lines{}
	c := startLogging(t, Config{}, log)
	c.trim(t.Context(), "jgone", 7)
	if said, _ := log.with("trim a job's journal"); len(said) > 0 {
		t.Error(said)
	}
}
