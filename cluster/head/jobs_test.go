package head

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// reopen asks for a job's next epoch with another driver.
func (m *member) reopen(name string, takeOver bool) (protocol.JobOpened, string, error) {
	m.t.Helper()
	in, seed := opening(m.t, name)
	in.TakeOver, in.PID, in.Host = takeOver, 43, "there"
	var out protocol.JobOpened
	return out, seed, m.Ask(m.t.Context(), protocol.OpOpenJob, in, &out)
}

// A named job has one driver at a time. The next one gets its journal from the start, and the former is shut out.
func TestNamedJob(t *testing.T) {
	c := start(t, Config{})
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	news := n.hear(protocol.AllNews)
	job, j := c.open(u, "nightly")
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := js.Publish(t.Context(), protocol.OutcomeSubject(job.Job, n.Who), []byte("outcome")); err != nil {
			t.Fatal(err)
		}
	}
	readJournal(t, j, job, 5)
	j.ask(protocol.OpRenewJob, protocol.RenewJob{Job: job.Job, Epoch: 1, Read: 5}, nil)

	in, _ := opening(t, "nightly")
	text := u.refused(protocol.CodeHeld, protocol.OpOpenJob, in)
	for _, words := range []string{"nightly", "process 42 on here", "0s ago", "--take-over"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q doesn't say %q", text, words)
		}
	}
	other := c.join(join.RoleUser, "eve") // has a job of the same name
	if others, _ := c.open(other, "nightly"); others.Job == job.Job || others.Epoch != 1 {
		t.Errorf("eve has %+v", others)
	}

	gone := j.Conn.StatusChanged(nats.RECONNECTING)
	heard := j.hear(protocol.NewsSubject(job.Job))
	in.TakeOver, in.Host, in.PID = true, "there", 43
	var second protocol.JobOpened
	u.ask(protocol.OpOpenJob, in, &second)
	if second.Job != job.Job || second.Epoch != 2 || second.Last != 5 {
		t.Errorf("the second epoch is %+v", second)
	}
	await(t, news, func(m *nats.Msg) bool { return string(m.Data) == `{"job":"`+job.Job+`","epoch":2}` })
	await(t, heard, func(m *nats.Msg) bool { return strings.Contains(string(m.Data), `"epoch":2`) })
	await(t, gone, func(nats.Status) bool { return true })
	text = u.refused(protocol.CodeSuperseded, protocol.OpRenewJob, protocol.RenewJob{Job: job.Job, Epoch: 1})
	if !strings.Contains(text, "process 43 on there") {
		t.Errorf("superseded: %q", text)
	}
	u.refused(protocol.CodeMalformed, protocol.OpRenewJob, protocol.RenewJob{Job: job.Job, Epoch: 3})
	u.ask(protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 2, Error: "no\nmore"}, nil)
	third, j := c.open(u, "nightly")
	if third.Epoch != 3 || third.Last != 5 {
		t.Errorf("the third epoch is %+v", third)
	}
	readJournal(t, j, third, 5)
}

// A driver that asks again, since it got no answer, gets the same job.
func TestOpenAgain(t *testing.T) {
	c := start(t, Config{})
	u := c.join(join.RoleUser, "ann")
	for _, name := range []string{"", "nightly"} {
		in, seed := opening(t, name)
		var first, second protocol.JobOpened
		u.ask(protocol.OpOpenJob, in, &first)
		u.ask(protocol.OpOpenJob, in, &second)
		if first.Job != second.Job || second.Epoch != 1 {
			t.Errorf("%+v and %+v", first, second)
		}
		c.connect(u.id.As(second.Job, join.RoleJob, second.JWT, seed)).ask(protocol.OpListNodes, nil, nil)
	}
	if n := len(c.jobs.all); n != 2 {
		t.Errorf("%d jobs", n)
	}
}

// A driver whose connection is closed doesn't hold its job, however lately it was heard of.
func TestDriverGone(t *testing.T) {
	c := start(t, Config{})
	u := c.join(join.RoleUser, "ann")
	_, j := c.open(u, "nightly")
	if _, _, err := u.reopen("nightly", false); err == nil {
		t.Error("the job isn't held")
	}
	j.Conn.Close()
	deadline := time.Now().Add(watchdog)
	for c.server.connected(publicOf(t, j)) && time.Now().Before(deadline) { // the server notices when it reads
		_ = u.Conn.Flush()
	}
	if out, _, err := u.reopen("nightly", false); err != nil || out.Epoch != 2 {
		t.Errorf("%+v, %v", out, err)
	}
}

// Jobs without a driver are orphans; those without a name go, and a driver that is back in time has its job again.
func TestOrphans(t *testing.T) {
	c := start(t, Config{Ages: shortAges, KeepOrphan: shortAges.Dead, KeepNamed: time.Hour})
	u := c.join(join.RoleUser, "ann")
	news := c.join(join.RoleAgent, "").hear(protocol.AllNews)
	short, _ := c.open(u, "")
	kept, k := c.open(u, "nightly")
	ended := func(job string, ended bool) {
		t.Helper()
		await(t, news, func(m *nats.Msg) bool {
			return strings.Contains(string(m.Data), job) && strings.Contains(string(m.Data), `"ended":true`) == ended
		})
	}
	deadline := time.Now().Add(watchdog)
	orphaned := func() { // of which there are no news, since what runs of it goes on
		t.Helper()
		for j, _ := c.jobs.get(kept.Job); j.info.State != protocol.JobOrphaned; j, _ = c.jobs.get(kept.Job) {
			if time.Now().After(deadline) {
				t.Fatal("the job isn't orphaned")
			}
			u.ask(protocol.OpListNodes, nil, nil)
		}
		j, _ := c.jobs.get(kept.Job)
		if !j.mayBeAdopted(time.Now()) || j.mayBeAdopted(time.Now().Add(adoptFor)) {
			t.Error("what runs of it doesn't go on for so long")
		}
	}
	ended(short.Job, true)
	orphaned()
	k.ask(protocol.OpRenewJob, protocol.RenewJob{Job: kept.Job, Epoch: 1}, nil)
	ended(kept.Job, false)
	orphaned()
	for {
		if _, there := c.jobs.get(short.Job); !there {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the orphan isn't removed")
		}
		u.ask(protocol.OpListNodes, nil, nil)
	}
	if _, err := c.js.Stream(t.Context(), protocol.StreamName(short.Job)); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the orphan's journal: %v", err)
	}
	text := u.refused(protocol.CodeSuperseded, protocol.OpRenewJob, protocol.RenewJob{Job: short.Job, Epoch: 1})
	if !strings.Contains(text, "driver is gone") {
		t.Error(text)
	}
	if out, _, err := u.reopen("nightly", false); err != nil || out.Epoch != 2 {
		t.Errorf("%+v, %v", out, err)
	}
}

// Who owns a job ends it; its driver learns why.
func TestCancel(t *testing.T) {
	c := start(t, Config{})
	u := c.join(join.RoleUser, "ann")
	job, j := c.open(u, "")
	named, k := c.open(u, "nightly")
	u.ask(protocol.OpCancelJob, protocol.JobID{Job: job.Job}, nil)
	c.connect(c.Admin()).ask(protocol.OpCancelJob, protocol.JobID{Job: named.Job}, nil)
	for m, who := range map[*member]string{j: "ann", k: "admin"} {
		gone := m.Conn.StatusChanged(nats.RECONNECTING)
		if m.Conn.IsConnected() {
			await(t, gone, func(nats.Status) bool { return true })
		}
		if _, err := join.Renew(t.Context(), m.id); err == nil {
			t.Error("the driver's key is still good")
		}
		text := u.refused(protocol.CodeSuperseded, protocol.OpRenewJob, protocol.RenewJob{Job: m.Who, Epoch: 1})
		if !strings.Contains(text, "cancelled by "+who) {
			t.Error(text)
		}
	}
	u.refused(protocol.CodeUnknown, protocol.OpCancelJob, protocol.JobID{Job: "nightly"})
	u.refused(protocol.CodeUnknown, protocol.OpCancelJob, protocol.JobID{Job: "nobody's"})
	u.ask(protocol.OpRemoveJob, protocol.JobID{Job: "nightly"}, nil)
	u.refused(protocol.CodeUnknown, protocol.OpRemoveJob, protocol.JobID{Job: "nightly"})
	u.ask(protocol.OpRemoveJob, protocol.JobID{Job: job.Job}, nil) // without a name, and only remembered
	u.refused(protocol.CodeSuperseded, protocol.OpRemoveJob, protocol.JobID{Job: job.Job})
	var left []protocol.JobInfo
	if u.ask(protocol.OpListJobs, nil, &left); len(left) != 0 {
		t.Errorf("removed, and listed: %+v", left)
	}
	again, _ := c.open(u, "nightly")
	if again.Epoch != 1 || again.Job == named.Job {
		t.Errorf("%+v", again)
	}
	u.refused(protocol.CodeHeld, protocol.OpRemoveJob, protocol.JobID{Job: again.Job})
}

// What can't be opened is refused, and leaves nothing.
func TestBadJobs(t *testing.T) {
	c := start(t, Config{Limits: Limits{LiveJobs: 1}})
	u := c.join(join.RoleUser, "ann")
	hash := join.HashBlob(nil)
	for _, r := range []struct {
		code   string
		change func(*protocol.OpenJob)
	}{
		{protocol.CodeVersion, func(in *protocol.OpenJob) { in.Major = 99 }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.PublicKey = "x" }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.PublicKey = c.keys.accountID }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Name = strings.Repeat("x", maxText+1) }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Env = []string{"A=\x00"} }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Binaries = []protocol.Binary{{Hash: "../x"}} }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Files = []protocol.File{{Hash: hash, Path: "../x"}} }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Files = []protocol.File{{Hash: hash, Path: "/x"}} }},
		{protocol.CodeMalformed, func(in *protocol.OpenJob) { in.Files = []protocol.File{{Hash: hash, Path: `a\..\x`}} }},
	} {
		in, _ := opening(t, "")
		r.change(&in)
		u.refused(r.code, protocol.OpOpenJob, in)
	}
	if len(c.jobs.all) > 0 {
		t.Errorf("%d jobs are there", len(c.jobs.all))
	}
	job, _ := c.open(u, "")
	in, _ := opening(t, "")
	u.refused(protocol.CodeQueued, protocol.OpOpenJob, in)
	u.ask(protocol.OpCloseJob, protocol.CloseJob{Job: job.Job, Epoch: 1}, nil)
	u.ask(protocol.OpOpenJob, in, nil)
}

// Who may see a job reads its log on a node; nobody else does.
func TestReadLog(t *testing.T) {
	s := newScene(t, start)
	requests := s.node.hear(protocol.NodeSubject(s.node.Who, ">"))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for i := range 2 {
			msg := <-requests
			answer := `{"body":{"text":"` + strings.ReplaceAll(string(msg.Data), `"`, "'") + `"}}`
			if i == 1 {
				answer = `{"error":{"code":"unknown","text":"no worker of the job runs here, or so"}}`
			}
			if err := msg.Respond([]byte(answer)); err != nil {
				t.Error(err)
			}
		}
	}()
	in := protocol.AskLog{Job: s.job, Node: s.node.Who, Offset: -10, Most: 10}
	var out struct{ Text string }
	s.ann.ask(protocol.OpReadLog, in, &out)
	if !strings.Contains(out.Text, s.job) || !strings.Contains(out.Text, "'offset':-10") {
		t.Errorf("asked for %s", out.Text)
	}
	s.ann.refused(protocol.CodeUnknown, protocol.OpReadLog, in)
	<-answered
	s.eve.refused(protocol.CodeForbidden, protocol.OpReadLog, in)
	in.Node = "nowhere"
	s.ann.refused(protocol.CodeUnknown, protocol.OpReadLog, in)
	in.Node = s.next.Who // doesn't listen
	s.ann.refused(protocol.CodeUnknown, protocol.OpReadLog, in)
}
