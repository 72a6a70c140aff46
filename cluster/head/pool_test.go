package head

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// What waits for a node, a driver or JetStream is kept from the renewals and reports by which drivers and nodes live.
func TestWhoCarriesOut(t *testing.T) {
	pool := func() chan *nats.Msg { return make(chan *nats.Msg) }
	c := &control{quick: pool(), relays: pool(), changes: pool(), blobs: pool(), past: pool()}
	for _, tt := range []struct {
		op   string
		body string
		want chan *nats.Msg
	}{
		{protocol.OpRenewJob, ``, c.quick},
		{protocol.OpReportNode, ``, c.quick},
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
