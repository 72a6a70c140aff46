package head

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// carrier is a node that is asked to run drivers. It reports as often as it should, until the test says otherwise.
type carrier struct {
	*member

	life  time.Time
	asked chan *nats.Msg
	mute  context.CancelFunc

	mu  sync.Mutex
	has map[string]protocol.DriverID // those that it has taken
}

// carry joins a node whose owner is ann.
func (c *cluster) carry() *carrier {
	c.t.Helper()
	token, _, err := c.NewToken(protocol.NewToken{Role: join.RoleAgent, User: "ann"})
	if err != nil {
		c.t.Fatal(err)
	}
	id, err := join.Join(c.t.Context(), token)
	if err != nil {
		c.t.Fatal(err)
	}
	n := &carrier{member: c.connect(id), life: time.Now().Round(0)}
	n.asked = n.hear(protocol.NodeSubject(n.Who, ">"))
	n.report()
	return n
}

func (n *carrier) info() protocol.NodeInfo {
	n.mu.Lock()
	defer n.mu.Unlock()
	return protocol.NodeInfo{
		Node: n.Who, OS: "linux", Arch: "amd64", CPUs: 2, Started: n.life, Users: protocol.UsersAll,
		Drivers: slices.Collect(maps.Values(n.has)),
	}
}

// keeps has the node list a driver from now on, or none if it is nil.
func (n *carrier) keeps(d *protocol.DriverID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.has = nil
	if d != nil {
		n.has = map[string]protocol.DriverID{d.ID: *d}
	}
}

// report reports until mute is called.
func (n *carrier) report() {
	ctx, cancel := context.WithCancel(n.t.Context())
	n.mute = cancel
	n.ask(protocol.OpReportNode, n.info(), nil)
	go func() {
		tick := time.NewTicker(shortAges.Renew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = n.Ask(ctx, protocol.OpReportNode, n.info(), nil) // the head may be away
			}
		}
	}()
}

// heard is the next driver that the node is asked for something about.
func (n *carrier) heard(operation string, not ...protocol.DriverID) protocol.DriverID {
	n.t.Helper()
	var d protocol.DriverID
	await(n.t, n.asked, func(m *nats.Msg) bool {
		return m.Subject == protocol.NodeSubject(n.Who, operation) && json.Unmarshal(m.Data, &d) == nil && !slices.Contains(not, d)
	})
	return d
}

// take starts a driver, as whom it gives an identity.
func (n *carrier) take(d protocol.DriverID) (protocol.DriverTaken, join.Identity) {
	n.t.Helper()
	seed, public, err := join.NewKey()
	if err != nil {
		n.t.Fatal(err)
	}
	var got protocol.DriverTaken
	ctx, cancel := context.WithTimeout(n.t.Context(), watchdog)
	defer cancel()
	for refused := (*protocol.Refusal)(nil); ; { // until it has reported, to a head that was started again
		err := n.Ask(ctx, protocol.OpTakeDriver, protocol.TakeDriver{DriverID: d, Life: n.life, PublicKey: public}, &got)
		if err == nil {
			break
		}
		if errors.As(err, &refused) && refused.Code != protocol.CodeHeld || ctx.Err() != nil {
			n.t.Fatal(err)
		}
		_ = n.Ask(ctx, protocol.OpReportNode, n.info(), nil)
	}
	n.keeps(&d)
	var as join.JoinAnswer
	if err := json.Unmarshal(got.Identity, &as); err != nil || as.Name != d.ID {
		n.t.Fatal(as, err)
	}
	return got, join.Identity{
		Cluster: as.Cluster, Name: as.Name, Role: as.Role, URLs: n.id.URLs, Join: as.Join, CA: as.CA, JWT: as.JWT, Seed: seed,
	}
}

// submission is a request, whose executable the head has.
func (m *member) submission(name string) protocol.Submit {
	m.t.Helper()
	data := []byte("#!/bin/sh")
	hash := join.HashBlob(data)
	if err := m.PutBlob(m.t.Context(), hash, int64(len(data)), bytes.NewReader(data)); err != nil {
		m.t.Fatal(err)
	}
	return protocol.Submit{
		Major: protocol.Major, Minor: protocol.Minor, Name: name, Program: "test", Args: []string{"x"},
		Binaries: []protocol.Binary{{OS: "linux", Arch: "amd64", Hash: hash, Size: int64(len(data))}},
	}
}

func (m *member) submit(name string) protocol.Submission {
	m.t.Helper()
	var s protocol.Submission
	m.ask(protocol.OpSubmit, m.submission(name), &s)
	return s
}

// listed is what is listed under a name.
func (m *member) listed(name string) protocol.JobInfo {
	m.t.Helper()
	var list []protocol.JobInfo
	m.ask(protocol.OpListJobs, protocol.JobID{Job: name}, &list)
	if len(list) != 1 {
		m.t.Fatalf("%s: %d are listed: %+v", name, len(list), list)
	}
	return list[0]
}

// A driver that is submitted is taken by a node, opens its job as its owner's, and ends with its exit code; its identity
// ends with it. Nobody else sees it or has its name.
func TestSubmit(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, eve := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve")
	eve.submit("nightly") // hers is another, and ann's node, which comes, isn't trusted with it
	n := c.carry()
	s := ann.submit("nightly")
	if s.State != protocol.DriverWaiting || s.Owner != "ann" || s.Name != "nightly" {
		t.Errorf("%+v", s)
	}
	ann.refused(protocol.CodeHeld, protocol.OpSubmit, ann.submission("nightly"))
	eve.refused(protocol.CodeForbidden, protocol.OpSubmit, eve.submission("weekly")) // by now it's known that none would run it
	d := n.heard(protocol.NodeDrive)
	other := c.join(join.RoleAgent, "")
	other.refused(protocol.CodeSuperseded, protocol.OpTakeDriver, protocol.TakeDriver{DriverID: d})
	n.refused(protocol.CodeHeld, protocol.OpTakeDriver, protocol.TakeDriver{DriverID: d, Life: n.life.Add(1), PublicKey: "x"})
	got, id := n.take(d)
	if d.ID != s.ID || d.Attempt != 1 || got.Owner != "ann" || got.Again || got.Args[0] != "x" {
		t.Errorf("%+v %+v", d, got)
	}
	in, _ := opening(t, "nightly")
	ann.refused(protocol.CodeHeld, protocol.OpOpenJob, in)
	driver := c.connect(id)
	job, _ := c.open(driver, "nightly")
	j := ann.listed("nightly")
	if j.Job != job.Job || j.Owner != "ann" || j.Submitted == nil || j.Submitted.State != protocol.DriverRunning || j.Submitted.Node != n.Who {
		t.Errorf("%+v", j)
	}
	if j := eve.listed("nightly"); j.Owner != "eve" || j.State != protocol.JobWaiting || j.Job != j.Submitted.ID {
		t.Errorf("eve sees %+v", j)
	}
	driver.refused(protocol.CodeForbidden, protocol.OpNewToken, protocol.NewToken{Role: join.RoleAdmin})
	driver.refused(protocol.CodeForbidden, protocol.OpJoinNode, join.JoinRequest{})
	gone := driver.Conn.StatusChanged(nats.RECONNECTING)
	end := protocol.DriverEnd{DriverID: d, Code: 3, Tail: "oh no"}
	n.ask(protocol.OpEndDriver, end, nil)
	n.ask(protocol.OpEndDriver, end, nil)
	await(t, gone, func(nats.Status) bool { return true })
	if s := ann.listed("nightly").Submitted; s.State != protocol.DriverFailed || s.ExitCode != 3 || s.Tail != "oh no" {
		t.Errorf("%+v", s)
	}
	if s, ok := c.drivers.find("eve", "nightly"); !ok || s.Attempt != 0 || s.State != protocol.DriverWaiting {
		t.Errorf("%+v", s)
	}
	if _, err := join.Renew(t.Context(), id); err == nil {
		t.Error("its identity is renewed after its end")
	}
	ann.ask(protocol.OpCancelJob, protocol.JobID{Job: job.Job}, nil)
	ann.ask(protocol.OpRemoveJob, protocol.JobID{Job: "nightly"}, nil)
	ann.refused(protocol.CodeUnknown, protocol.OpRemoveJob, protocol.JobID{Job: "nightly"})
}

// A driver whose node is lost is started on another, with another identity, and what the former says doesn't count.
func TestLostNodeOfADriver(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, first := c.join(join.RoleUser, "ann"), c.carry()
	ann.submit("nightly")
	d := first.heard(protocol.NodeDrive)
	_, id := first.take(d)
	former := c.connect(id)
	c.open(former, "nightly")
	gone := former.Conn.StatusChanged(nats.RECONNECTING)
	second := c.carry()
	first.mute()
	again := second.heard(protocol.NodeDrive)
	if again.ID != d.ID || again.Attempt != 2 {
		t.Errorf("%+v", again)
	}
	await(t, gone, func(nats.Status) bool { return true })
	if ended := first.heard(protocol.NodeEndDrive); ended != d {
		t.Errorf("the first node is to end %+v", ended)
	}
	got, id := second.take(again)
	if !got.Again {
		t.Error("the second attempt doesn't know that it is")
	}
	next := c.connect(id)
	in, _ := opening(t, "nightly")
	in.TakeOver = true
	var opened protocol.JobOpened
	next.ask(protocol.OpOpenJob, in, &opened)
	if opened.Epoch != 2 {
		t.Errorf("%+v", opened)
	}
	first.report()
	first.ask(protocol.OpEndDriver, protocol.DriverEnd{DriverID: d, Code: 0}, nil)
	first.ask(protocol.OpReportNode, protocol.NodeInfo{Started: first.life, Users: "ann", Drivers: []protocol.DriverID{d}}, nil)
	first.heard(protocol.NodeEndDrive) // still has it
	s := ann.listed("nightly").Submitted
	if s.State != protocol.DriverRunning || s.Attempt != 2 || s.Node != second.Who || s.Reason == "" {
		t.Errorf("%+v", s)
	}
	second.ask(protocol.OpEndDriver, protocol.DriverEnd{DriverID: again, Code: 0}, nil)
	if s := ann.listed("nightly").Submitted; s.State != protocol.DriverDone || s.ExitCode != 0 {
		t.Errorf("%+v", s)
	}
}

// An agent that was started again has no driver of its predecessor's any more.
func TestDriverOfAnAgentBefore(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, n := c.join(join.RoleUser, "ann"), c.carry()
	ann.submit("nightly")
	d := n.heard(protocol.NodeDrive)
	n.take(d)
	n.mute()
	n.life = n.life.Add(time.Second)
	n.report()
	again := n.heard(protocol.NodeDrive, d)
	if again.Attempt != 2 {
		t.Errorf("%+v", again)
	}
	n.take(again)
}

// Submissions and what was decided about them outlive the head.
func TestSubmissionsOutliveTheHead(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Config{Ages: shortAges, StateDir: dir})
	ann, n := c.join(join.RoleUser, "ann"), c.carry()
	ann.submit("nightly")
	d := n.heard(protocol.NodeDrive)
	_, id := n.take(d)
	ann.submit("other")
	taken := n.heard(protocol.NodeDrive, d)
	c.Stop()
	c = start(t, Config{Ages: shortAges, StateDir: dir})
	driver := c.connect(id) // its identity is good still
	n.heard(protocol.NodeDrive, d)
	n.take(taken)
	var opened protocol.JobOpened
	in, _ := opening(t, "nightly")
	driver.ask(protocol.OpOpenJob, in, &opened)
	for _, of := range []protocol.DriverID{d, taken} {
		askAgain(t, n.member, protocol.OpEndDriver, protocol.DriverEnd{DriverID: of, Code: 0})
	}
	ann = c.connect(ann.id)
	for _, name := range []string{"nightly", "other"} {
		if s := ann.listed(name).Submitted; s.State != protocol.DriverDone || s.Attempt != 1 {
			t.Errorf("%+v", s)
		}
	}
}

// askAgain asks until the head answers, since a connection takes a moment to come back.
func askAgain(t *testing.T, m *member, op string, in any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	for {
		err := m.Ask(ctx, op, in, nil)
		if err == nil {
			return
		}
		if errors.As(err, new(*protocol.Refusal)) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// What is cancelled isn't started again: not while it waits, and not when it runs.
func TestCancelSubmission(t *testing.T) {
	c := start(t, Config{Ages: shortAges})
	ann, eve := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "eve")
	s := ann.submit("waits")
	weight := 2.0
	share := protocol.ShareJob{Job: s.ID, Weight: &weight}
	if text := ann.refused(protocol.CodeUnknown, protocol.OpShareJob, share); !strings.Contains(text, `job "waits" isn't open yet`) {
		t.Error(text)
	}
	eve.refused(protocol.CodeUnknown, protocol.OpShareJob, share)
	eve.refused(protocol.CodeUnknown, protocol.OpCancelJob, protocol.JobID{Job: s.ID})
	ann.refused(protocol.CodeHeld, protocol.OpRemoveJob, protocol.JobID{Job: "waits"})
	ann.ask(protocol.OpCancelJob, protocol.JobID{Job: s.ID}, nil)
	if text := ann.refused(protocol.CodeSuperseded, protocol.OpShareJob, share); !strings.Contains(text, "cancelled by ann") {
		t.Error(text)
	}
	n := c.carry()
	ann.submit("runs")
	d := n.heard(protocol.NodeDrive)
	_, id := n.take(d)
	job, _ := c.open(c.connect(id), "runs")
	ann.ask(protocol.OpCancelJob, protocol.JobID{Job: "runs"}, nil)
	if ended := n.heard(protocol.NodeEndDrive); ended != d {
		t.Errorf("%+v is to end", ended)
	}
	n.ask(protocol.OpEndDriver, protocol.DriverEnd{DriverID: d, Code: -1}, nil)
	for _, name := range []string{"waits", "runs"} {
		j := ann.listed(name)
		if j.Submitted.State != protocol.DriverCanceled || j.State != protocol.JobFailed || j.Submitted.Reason != "it was cancelled by ann" {
			t.Errorf("%+v", j)
		}
	}
	if j := ann.listed("runs"); j.Job != job.Job {
		t.Errorf("%+v", j)
	}
	ann.submit("runs") // the name is free
	if again := n.heard(protocol.NodeDrive, d); again.ID == d.ID {
		t.Errorf("%+v", again)
	}
	c.revoke("ann")
}

// revoke ends a user, whose submissions go along.
func (c *cluster) revoke(user string) {
	c.t.Helper()
	admin := c.connect(c.Admin())
	admin.ask(protocol.OpDropIdentity, protocol.IdentityName{Name: user}, nil)
	for _, s := range c.drivers.list() {
		if s.Owner == user && s.State.Live() {
			c.t.Errorf("%+v is live", s.Submission)
		}
	}
}
