package head

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// finish opens a job, and closes it.
func (c *cluster) finish(m *member, name, failure string) string {
	c.t.Helper()
	opened, j := c.open(m, name)
	j.ask(protocol.OpCloseJob, protocol.CloseJob{Job: opened.Job, Epoch: opened.Epoch, Error: failure}, nil)
	j.Conn.Close()
	return opened.Job
}

// Nothing of jobs without a name stays, but for a line of the last; of those with one the last are kept, and those first
// that may be resumed.
func TestJobsDontPileUp(t *testing.T) {
	c := start(t, Config{Ages: shortAges, Limits: Limits{KeptJobs: 2}})
	admin := c.connect(c.Admin())
	streams := func() (n int) {
		for range c.js.StreamNames(t.Context()).Name() {
			n++
		}
		return n
	}
	identities := len(c.identities.list())
	for range 20 {
		c.finish(admin, "", "")
	}
	listed := len(c.jobs.list(func(protocol.JobInfo) bool { return true }))
	if n := streams(); n != 0 || len(c.identities.list()) != identities || listed != 20 {
		t.Errorf("20 jobs have ended: %d are listed, and there are %d journals", listed, n)
	}
	var ids []string
	for i, failure := range []string{"", "no luck", "", ""} {
		ids = append(ids, c.finish(admin, fmt.Sprint("job", i), failure))
	}
	_, err := c.js.PushConsumer(t.Context(), protocol.StreamName(ids[3]), protocol.ConsumerName(ids[3], 1))
	if err == nil {
		t.Error("a job that is done has a consumer still")
	}
	c.log.await(t, ids[2], "and its journal are removed")
	for i, want := range []bool{false, true, false, true} {
		_, kept := c.jobs.get(ids[i])
		if _, err := c.js.Stream(t.Context(), protocol.StreamName(ids[i])); kept != want || (err == nil) != want {
			t.Errorf("job%d is kept: %v; its journal: %v", i, kept, err)
		}
	}
	opened, _ := c.open(admin, "job1")
	if opened.Job != ids[1] || opened.Epoch != 2 {
		t.Errorf("it doesn't resume: %+v", opened)
	}
}

// What is remembered of jobs whose records are gone is small, and of the last alone.
func TestEndedJobsAreSlim(t *testing.T) {
	table, err := openJobs(t.TempDir(), time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range keepEnded + 50 {
		info := protocol.JobInfo{Job: newID("j"), Owner: "ann", State: protocol.JobDone, OpenJob: protocol.OpenJob{
			Functions: make([]string, 1000), Env: make([]string, 1000), Files: make([]protocol.File, 1000),
			Args: []string{"--seed", strings.Repeat("7", maxArgs), "more"},
		}}
		if err := table.store(info, func(*job) {}); err != nil {
			t.Fatal(err)
		}
		if err := table.remove(info); err != nil {
			t.Fatal(err)
		}
	}
	if len(table.all) != 0 || len(table.ended) != keepEnded {
		t.Errorf("%d jobs, and %d that have ended", len(table.all), len(table.ended))
	}
	if j := table.ended[0]; len(j.Functions)+len(j.Env)+len(j.Files) > 0 || strings.Join(j.Args, " ") != "--seed ..." || j.Owner != "ann" {
		t.Errorf("%+v", j)
	}
}

// A job without a name loses what its driver has read, and one with a name keeps all, up to a limit that is its journal's.
func TestJournalsAreBounded(t *testing.T) {
	c := start(t, Config{Ages: shortAges, Limits: Limits{NamedBytes: 3 << 20, UnnamedBytes: 2 << 20}})
	admin := c.connect(c.Admin())
	for name, want := range map[string]struct {
		size int64
		left uint64
	}{"": {2 << 20, 1}, "nightly": {3 << 20, 3}} {
		opened, j := c.open(admin, name)
		for range 3 {
			if _, err := c.js.Publish(t.Context(), protocol.OutcomeSubject(opened.Job, "n1"), []byte("outcome")); err != nil {
				t.Fatal(err)
			}
		}
		j.ask(protocol.OpRenewJob, protocol.RenewJob{Job: opened.Job, Epoch: 1, Read: 2}, nil)
		if name == "" {
			c.awaitTrimmed(opened.Job, 2)
		}
		stream, err := c.js.Stream(t.Context(), protocol.StreamName(opened.Job))
		if err != nil {
			t.Fatal(err)
		}
		info := stream.CachedInfo()
		if info.Config.MaxBytes != want.size || info.Config.Discard != jetstream.DiscardNew || info.State.Msgs != want.left {
			t.Errorf("job %q: at most %d bytes, %d messages left", name, info.Config.MaxBytes, info.State.Msgs)
		}
	}
}

// A job isn't removed whose driver is to be started again, however many have ended since.
func TestSurplusKeepsWhatIsSubmitted(t *testing.T) {
	table, now := &jobs{all: map[string]*job{}}, time.Now()
	for i, name := range []string{"a", "nightly", "b"} {
		info := protocol.JobInfo{
			OpenJob: protocol.OpenJob{Name: name}, Job: fmt.Sprint("j", i), Owner: "ann", State: protocol.JobFailed,
			Ended: now.Add(time.Duration(i) * time.Second),
		}
		table.all[info.Job] = &job{info: info}
	}
	waiting := submitted() // ann's nightly
	waiting.lost("its node is lost", now)
	submissions := &drivers{all: map[string]submission{waiting.ID: *waiting}}
	if ids := table.surplus(1, submissions.liveNames()); !slices.Equal(ids, []string{"j0"}) {
		t.Errorf("%v go", ids)
	}
	waiting.cancel("ann", now)
	submissions.all[waiting.ID] = *waiting
	if ids := table.surplus(1, submissions.liveNames()); !slices.Equal(ids, []string{"j0", "j1"}) {
		t.Errorf("%v go once it is cancelled", ids)
	}
}
