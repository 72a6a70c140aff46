//go:build unix

package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// sharing is an agent without a connection, with a machine of 4 CPUs and jobs whose ids begin with their owners' letter.
func sharing(jobs ...string) *Agent {
	a := &Agent{ledger: ledger.New(ledger.Room{CPU: 4 * unit, Memory: 100}), jobs: map[string]*job{}}
	for _, id := range jobs {
		a.jobs[id] = &job{id: id, info: &protocol.JobInfo{Owner: id[:1]}, binary: &protocol.Binary{}, up: &uplink{}}
	}
	return a
}

// order is the jobs by rank.
func (a *Agent) order() []string {
	a.rank()
	var list []*job
	for _, j := range a.jobs {
		list = append(list, j)
	}
	slices.SortFunc(list, func(x, y *job) int { return x.quota.rank.Compare(y.quota.rank) })
	var ids []string
	for _, j := range list {
		ids = append(ids, j.id)
	}
	return ids
}

func (a *Agent) wantOrder(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := a.order(); !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func listed(id string, cpu int64) protocol.JobDigest {
	return protocol.JobDigest{Job: id, Used: &protocol.Amounts{CPU: cpu * unit}}
}

// Who has least of the cluster comes first, not who has least of the machine.
func TestOrderOfJobs(t *testing.T) {
	a := sharing("a1", "a2", "b1")
	a.jobs["a1"].uses(&ledger.Charge{CPU: unit}, 1)
	a.jobs["b1"].uses(&ledger.Charge{CPU: 2 * unit}, 1)
	a.wantOrder(t, "without a word of the head's, the machine counts", "a2", "a1", "b1")

	d := protocol.ClusterDigest{Total: &protocol.Amounts{CPU: 8 * unit, Memory: 200, Named: map[string]int64{"seat": 10}}}
	d.Jobs = []protocol.JobDigest{listed("a1", 1), listed("a2", 3), listed("b1", 2)}
	a.shares.told = map[string]protocol.Amounts{"a1": {CPU: unit}, "b1": {CPU: 2 * unit}}
	a.learnShares(&d)
	a.wantOrder(t, "a has more elsewhere", "b1", "a1", "a2")

	d.Users = []protocol.UserShare{{Name: "a", Weight: 3}}
	a.learnShares(&d)
	a.wantOrder(t, "but a larger weight", "a1", "a2", "b1")

	d.Users, d.Jobs[1].Weight = nil, 10
	a.learnShares(&d)
	a.wantOrder(t, "a's second job has a larger weight", "b1", "a2", "a1")

	a.jobs["b1"].uses(&ledger.Charge{Named: []protocol.Amount{{Name: "seat", N: 9}}}, 1)
	a.wantOrder(t, "what the machine has none of isn't extrapolated", "b1", "a2", "a1")
	d.Jobs[2].Used.Named = map[string]int64{"seat": 9}
	a.learnShares(&d)
	a.wantOrder(t, "b has most of the seats", "a2", "a1", "b1")
}

// What an attempt lends while it waits isn't its job's.
func TestLentIsNotUsed(t *testing.T) {
	a := sharing("a1", "b1")
	j := a.jobs["a1"]
	h := &held{Charge: ledger.Charge{CPU: unit, Memory: 3}}
	a.ledger.Free.CPU, a.ledger.Free.Memory = a.ledger.Free.CPU-h.CPU, a.ledger.Free.Memory-h.Memory
	j.uses(&h.Charge, 1)
	p := &proc{job: j}
	a.note(p, protocol.Attempt{}, h, protocol.Block{Waits: true})
	a.note(p, protocol.Attempt{}, h, protocol.Block{Waits: true})
	if j.used.CPU != 0 || j.used.Memory != 3 {
		t.Errorf("while it waits, the job has %+v", j.used)
	}
	a.note(p, protocol.Attempt{}, h, protocol.Block{})
	if j.used.CPU != unit {
		t.Errorf("when it goes on, the job has %+v", j.used)
	}
	a.note(p, protocol.Attempt{}, h, protocol.Block{Waits: true})
	a.forget(j, h)
	if j.used.CPU != 0 || j.used.Memory != 0 || a.ledger.Free.CPU != 4*unit {
		t.Errorf("after its end, the job has %+v, and %d are free", j.used, a.ledger.Free.CPU)
	}
}

// Jobs of a user at a limit are offered nothing more of that, wherever the user has it.
func TestOverLimit(t *testing.T) {
	const gib = 1 << 30
	a := sharing("a1", "a2", "b1")
	a.cfg.offerAgain = time.Minute
	a.ledger = ledger.New(ledger.Room{CPU: 4 * unit, Memory: 8 * gib, GPUs: 2 * unit, Named: []protocol.Amount{{Name: "seat", N: 5}}})
	here := protocol.Amounts{CPU: unit, GPUs: unit, Memory: 3 * gib, Named: map[string]int64{"seat": 2}}
	a.jobs["a1"].uses(&ledger.Charge{CPU: unit, GPUs: unit, Memory: 3 * gib, Named: []protocol.Amount{{Name: "seat", N: 2}}}, 1)
	a.shares.told = map[string]protocol.Amounts{"a1": here}
	there := protocol.Amounts{CPU: 2 * unit, Memory: gib, Named: map[string]int64{"seat": 1}}
	d := protocol.ClusterDigest{
		Total: &protocol.Amounts{CPU: 8 * unit, Memory: 16 * gib, GPUs: 4 * unit, Named: map[string]int64{"seat": 9}},
		Jobs:  []protocol.JobDigest{{Job: "a1", Used: &here}, {Job: "a2", Used: &there}},
	}
	all := ledger.Room{CPU: 4 * unit, Memory: 8 * gib, GPUs: 2 * unit}
	for _, c := range []struct {
		name   string
		limits protocol.Limits
		kept   ledger.Room
		seats  int64
	}{
		{"none", protocol.Limits{}, ledger.Room{}, 0},
		{"what it has", protocol.Limits{CPUs: 3, GPUs: 1, Memory: 4 * gib, Named: map[string]int64{"seat": 3}}, all, 5},
		{"a little more", protocol.Limits{CPUs: 3.5, GPUs: 1.5, Memory: 5 * gib, Named: map[string]int64{"seat": 4}}, ledger.Room{}, 0},
		{"GPUs alone", protocol.Limits{GPUs: 1}, ledger.Room{GPUs: 2 * unit}, 0},
		{"CPUs alone", protocol.Limits{CPUs: 1}, ledger.Room{CPU: 4 * unit}, 0},
		{"another resource", protocol.Limits{Named: map[string]int64{"seat": 1, "dongle": 1}}, ledger.Room{}, 5},
	} {
		d.Users = []protocol.UserShare{{Name: "a", Limits: c.limits}}
		a.learnShares(&d)
		for _, j := range a.jobs {
			want, seats := c.kept, c.seats
			if j.id == "b1" {
				want, seats = ledger.Room{}, 0
			}
			kept := a.keepLimit(j)
			if kept.CPU != want.CPU || kept.Memory != want.Memory || kept.GPUs != want.GPUs {
				t.Errorf("with limits of %s, of job %s is kept %+v", c.name, j.id, kept)
			}
			if n := kept.Find("seat"); seats > 0 && (n == nil || n.N != seats) || seats == 0 && n != nil && n.N != 0 {
				t.Errorf("with limits of %s, of job %s is kept %+v", c.name, j.id, n)
			}
			a.ledger.GiveUp(&kept)
			if ok, _ := a.due(j, time.Now()); ok != (want.CPU == 0) {
				t.Errorf("with limits of %s, whether job %s is offered something: %v", c.name, j.id, ok)
			}
			a.makeOffer(j, time.Now())
			if room := &j.offer.room; room.CPU != 4*unit-want.CPU || room.GPUs != 2*unit-want.GPUs || room.Find("seat").N != 5-seats {
				t.Errorf("with limits of %s, job %s is offered %+v", c.name, j.id, room)
			}
			if again, _ := a.due(j, time.Now()); again {
				t.Errorf("with limits of %s, job %s is offered the same at once", c.name, j.id)
			}
			j.offer = offered{}
		}
	}
	if f := &a.ledger.Free; f.CPU != 4*unit || f.Memory != 8*gib || f.GPUs != 2*unit || f.Named[0].N != 5 {
		t.Errorf("%+v is free afterwards", f)
	}
}

// What jobs have is said when it changes, and again before a head that was started anew misses it.
func TestLoads(t *testing.T) {
	a := sharing("a1", "b1")
	a.cfg.Ages.Renew = time.Second
	now := time.Now()
	if l, news := a.loads(now); news || len(l.Jobs) != 0 {
		t.Errorf("nothing is used: %+v", l)
	}
	a.jobs["a1"].uses(&ledger.Charge{Memory: 5, Named: []protocol.Amount{{Name: "seat", N: 2}}}, 1)
	l, news := a.loads(now)
	if !news || len(l.Jobs) != 1 || l.Jobs["a1"].Memory != 5 || l.Jobs["a1"].Named["seat"] != 2 {
		t.Errorf("something is used: %+v, %v", l, news)
	}
	a.shares.told, a.shares.heard = l.Jobs, now
	if _, news := a.loads(now.Add(time.Second)); news {
		t.Error("it is said again at once")
	}
	if _, news := a.loads(now.Add(2 * time.Second)); !news {
		t.Error("it is never said again")
	}
	a.jobs["a1"].uses(&ledger.Charge{Memory: 5, Named: []protocol.Amount{{Name: "seat", N: 2}}}, -1)
	if l, news := a.loads(now); !news || len(l.Jobs) != 0 {
		t.Errorf("nothing is used any more: %+v, %v", l, news)
	}
}

// Some jobs have the same order as among all, also where others of their users' have something, or a hold asks for all.
func TestRankAmong(t *testing.T) {
	a := sharing("a1", "a2", "a3", "b1", "b2")
	for id, n := range map[string]int64{"a1": 1, "a3": 2, "b1": 1} {
		a.jobs[id].uses(&ledger.Charge{CPU: n * unit / 2, Memory: n}, 1)
	}
	all := a.order()
	for _, held := range []bool{false, true} {
		for _, some := range [][]string{{"a3", "a1"}, {"b1", "a3", "a1"}, {"b2", "a2"}, {"b1", "a1", "b2", "a2"}, {"a2"}} {
			var list []*job
			for _, id := range some {
				list = append(list, a.jobs[id])
			}
			for _, j := range a.jobs {
				j.quota.rank.User, j.quota.rank.Job = -1, -1 // of before
			}
			if a.hold = nil; held {
				a.hold = &hold{job: a.jobs["b1"]}
			}
			a.rankAmong(list)
			slices.SortFunc(list, func(x, y *job) int { return x.quota.rank.Compare(y.quota.rank) })
			var got []string
			for _, j := range list {
				got = append(got, j.id)
			}
			want := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !slices.Contains(some, id) })
			if !slices.Equal(got, want) {
				t.Errorf("%v, held %v: %v, want %v", some, held, got, want)
			}
			if held && a.jobs["a2"].quota.rank.User < 0 {
				t.Error("beside a hold not all jobs are ranked")
			}
		}
	}
}
