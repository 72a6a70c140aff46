package head

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// What was said of users is in the folder, and admins alone say it.
func TestUsers(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Config{StateDir: dir})
	admin, ann := c.connect(c.Admin()), c.join(join.RoleUser, "ann")
	atMost := func(l protocol.Limits) protocol.UserShare { return protocol.UserShare{Name: "x", Limits: l} }
	most := protocol.Limits{CPUs: 8, GPUs: 2, Memory: 1 << 36, Named: map[string]int64{"seat": 5}}
	bob := protocol.UserShare{Name: "bob", Weight: 2.5, Limits: most, Jobs: 3}
	admin.ask(protocol.OpPutUser, bob, nil)
	admin.ask(protocol.OpPutUser, protocol.UserShare{Name: "eve"}, nil)
	ann.refused(protocol.CodeForbidden, protocol.OpPutUser, protocol.UserShare{Name: "ann", Weight: 9})
	ann.refused(protocol.CodeForbidden, protocol.OpDropUser, protocol.IdentityName{Name: "bob"})
	for _, u := range []protocol.UserShare{
		{Name: "head"}, {Name: newID("n")}, {}, {Name: "x", Weight: -1}, {Name: "x", Weight: 1e9},
		atMost(protocol.Limits{CPUs: -1}), atMost(protocol.Limits{Memory: -1}), atMost(protocol.Limits{Memory: math.MaxInt64}),
		atMost(protocol.Limits{Named: map[string]int64{strings.Repeat("x", maxName+1): 1}}),
		atMost(protocol.Limits{GPUs: 1e9}), atMost(protocol.Limits{Named: map[string]int64{"seat": -1}}),
		atMost(protocol.Limits{Named: map[string]int64{"memory": 1}}), {Name: "x", Jobs: -1},
	} {
		admin.refused(protocol.CodeMalformed, protocol.OpPutUser, u)
	}
	admin.ask(protocol.OpDropUser, protocol.IdentityName{Name: "eve"}, nil)
	admin.refused(protocol.CodeUnknown, protocol.OpDropUser, protocol.IdentityName{Name: "eve"})
	admin.refused(protocol.CodeForbidden, protocol.OpDropUser, protocol.IdentityName{Name: "admin"})

	c.Stop()
	c = start(t, Config{StateDir: dir})
	admin = c.connect(c.Admin())
	var all []protocol.UserInfo
	admin.ask(protocol.OpListUsers, nil, &all)
	if len(all) != 3 || all[0].Role != join.RoleAdmin || all[1].Name != "ann" || all[1].Role != join.RoleUser ||
		!reflect.DeepEqual(all[2].UserShare, bob) {
		t.Errorf("after a restart: %+v", all)
	}
	admin.ask(protocol.OpDropUser, protocol.IdentityName{Name: "ann"}, nil)
	admin.ask(protocol.OpListUsers, nil, &all)
	if len(all) != 2 || all[1].Name != "bob" {
		t.Errorf("after ann was removed: %+v", all)
	}
}

// The digest says what each job has on all nodes that live, and by what its owner shares them.
func TestDigestOfShares(t *testing.T) {
	c := start(t, Config{Ages: protocol.Ages{Renew: 100 * time.Millisecond, Dead: time.Minute, Ask: time.Second}}) // digests come often
	admin, ann, bob := c.connect(c.Admin()), c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "bob")
	n1, n2, gone := c.join(join.RoleAgent, ""), c.join(join.RoleAgent, ""), c.join(join.RoleAgent, "")
	digests := n1.hear(protocol.JobsDigest)
	admin.ask(protocol.OpPutUser, protocol.UserShare{Name: "ann", Weight: 2}, nil)
	admin.ask(protocol.OpPutUser, protocol.UserShare{Name: "eve", Weight: 3}, nil) // without a job
	opened, _ := c.open(ann, "")
	other, _ := c.open(bob, "")
	weight, cpus, memory := 4.0, 1.5, int64(1<<30)
	var share protocol.JobShare
	ann.ask(protocol.OpShareJob, protocol.ShareJob{Job: opened.Job, Weight: &weight}, nil)
	limit := func(c protocol.ChangeLimits) protocol.ShareJob {
		return protocol.ShareJob{Job: opened.Job, ChangeLimits: c}
	}
	ann.ask(protocol.OpShareJob, limit(protocol.ChangeLimits{CPUs: &cpus, Named: map[string]int64{"seat": 5, "dongle": 0}}), nil)
	ann.ask(protocol.OpShareJob, limit(protocol.ChangeLimits{Memory: &memory, Named: map[string]int64{"dongle": 2}}), &share)
	want := protocol.Limits{CPUs: 1.5, Memory: 1 << 30, Named: map[string]int64{"seat": 5, "dongle": 2}}
	if !reflect.DeepEqual(share, protocol.JobShare{Weight: 4, Limits: want}) {
		t.Errorf("the job's share is %+v", share)
	}
	bob.refused(protocol.CodeForbidden, protocol.OpShareJob, protocol.ShareJob{Job: opened.Job, Weight: &weight})
	bad := -1.0
	ann.refused(protocol.CodeMalformed, protocol.OpShareJob, limit(protocol.ChangeLimits{CPUs: &bad}))

	n1.refused(protocol.CodeUnknown, protocol.OpReportLoad, protocol.NodeLoad{})
	report := protocol.NodeInfo{CPUs: 4, Memory: 100, Named: map[string]int64{"seat": 10}}
	use := protocol.NodeLoad{Jobs: map[string]protocol.Amounts{opened.Job: {CPU: 15_000, Named: map[string]int64{"seat": 2}}}}
	gone.ask(protocol.OpReportNode, report, nil)
	gone.ask(protocol.OpReportLoad, use, nil)
	report.Stopped = true
	gone.ask(protocol.OpReportNode, report, nil)
	report.Stopped = false
	var d protocol.ClusterDigest
	await(t, digests, func(m *nats.Msg) bool {
		for _, n := range []*member{n1, n2} {
			n.ask(protocol.OpReportNode, report, nil)
			n.ask(protocol.OpReportLoad, use, nil)
		}
		d = protocol.ClusterDigest{}
		if err := json.Unmarshal(m.Data, &d); err != nil {
			t.Error(err)
		}
		return d.Total != nil && d.Total.CPU == 80_000
	})
	if d.Total.Memory != 200 || d.Total.Named["seat"] != 20 || len(d.Users) != 1 || d.Users[0].Weight != 2 {
		t.Errorf("the digest says %+v, of all %+v", d, d.Total)
	}
	for _, j := range d.Jobs {
		switch {
		case j.Job == other.Job && (j.Used != nil || j.Weight != 0):
			t.Errorf("a job that has nothing: %+v", j)
		case j.Job == opened.Job && (j.Used == nil || j.Used.CPU != 30_000 || j.Used.Named["seat"] != 4 || j.Weight != 4):
			t.Errorf("a job that has something: %+v", j)
		}
	}
	var all []protocol.UserInfo
	ann.ask(protocol.OpListUsers, nil, &all)
	if len(all) != 1 || all[0].Name != "ann" || all[0].Live != 1 || all[0].Used.CPU != 30_000 || all[0].Share != 0.375 {
		t.Errorf("ann sees %+v", all)
	}
	var nodes []protocol.NodeInfo
	ann.ask(protocol.OpListNodes, nil, &nodes)
	if text, _ := json.Marshal(nodes); len(nodes) != 3 || strings.Contains(string(text), opened.Job) {
		t.Errorf("nodes tell users which jobs they have: %s", text)
	}
}
