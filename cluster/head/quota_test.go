package head

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// limited is the driver of a job whose user has a limit.
type limited struct {
	*member

	job  protocol.JobOpened
	news chan *nats.Msg
	kept *float64
	used float64
	want float64 // CPUs of the task that is ready
}

func (c *cluster) openLimited(m *member) *limited {
	job, j := c.open(m, "")
	l := &limited{member: j, job: job, news: j.hear(protocol.NewsSubject(job.Job))}
	l.keep(job.Quota)
	return l
}

func (l *limited) keep(q *protocol.Quota) {
	if l.kept = nil; q != nil && q.CPUs >= 0 {
		l.kept = &q.CPUs
	}
}

// renew says what the driver has, and takes over what the head says.
func (l *limited) renew() protocol.Quota {
	l.t.Helper()
	var answer protocol.JobRenewed
	l.ask(protocol.OpRenewJob, protocol.RenewJob{Job: l.job.Job, Epoch: l.job.Epoch, CPUs: l.used, Needs: l.want, Quota: l.kept}, &answer)
	l.keep(answer.Quota)
	if answer.Quota == nil {
		return protocol.Quota{CPUs: -1}
	}
	return *answer.Quota
}

func (l *limited) renews(what string, cpus float64, why ...string) {
	l.t.Helper()
	q := l.renew()
	if q.CPUs != cpus {
		l.t.Errorf("%s: a quota of %v, want %v: %+v", what, q.CPUs, cpus, q)
	}
	for _, text := range why {
		if !strings.Contains(q.Why, text) {
			l.t.Errorf("%s: why: %q, want %q", what, q.Why, text)
		}
	}
}

// A user's limit is divided among the user's jobs. What one gives up is another's once its driver has said that it has
// less, so that they never have more together.
func TestQuotas(t *testing.T) {
	c := start(t, Config{})
	admin, ann, bob := c.connect(c.Admin()), c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "bob")
	admin.ask(protocol.OpPutUser, protocol.UserShare{Name: "ann", Limits: protocol.Limits{CPUs: 8}}, nil)
	free := c.openLimited(bob)
	if free.job.Quota != nil {
		t.Errorf("a user without a limit has %+v", free.job.Quota)
	}
	a := c.openLimited(ann)
	if q := a.job.Quota; q == nil || q.CPUs != 8 || q.Limit != 8 || q.Why != "user ann is limited to 8 CPUs (muster user)" {
		t.Fatalf("the first job has %+v", q)
	}
	a.used, a.want = 8, 1
	a.renews("one that has all", 8)
	b := c.openLimited(ann)
	if q := b.job.Quota; q.CPUs != 0 || !strings.Contains(q.Why, a.job.Job+" may have 8") {
		t.Errorf("the second job begins with %+v", q)
	}
	b.want = 1
	b.renews("the second job, before the first knows", 0)
	<-a.news
	a.renews("the first job is told to have less", 4)
	b.renews("its tasks still run", 0)
	a.used = 6
	a.renews("two have ended", 4)
	b.renews("that is what there is", 2, "of which job "+a.job.Job+" may have 6")
	a.used, b.used = 4, 2
	a.renews("it is where it was to be", 4)
	b.renews("and so is the other", 4)
	b.used, b.want = 4, 8
	a.renews("one that waits for a large task", 4)
	a.used, a.want = 0, 0
	a.renews("one that has nothing to do, beside a large task", 0)
	b.renews("the other gets it once that is heard", 4)
	a.renews("now it is", 0)
	b.renews("the other has all", 8)
	a.want = 1
	a.renews("until the first has something again", 0)
	<-b.news
	half := 2.0
	ann.ask(protocol.OpShareJob, protocol.ShareJob{Job: b.job.Job, ChangeLimits: protocol.ChangeLimits{CPUs: &half}}, nil)
	b.used, b.want = 2, 1
	b.renews("a job with a limit of its own", 2, "is limited to 2 CPUs (muster job share)")
	b.renews("says that it keeps to it", 2)
	a.renews("the other has what is left", 6)
	admin.ask(protocol.OpPutUser, protocol.UserShare{Name: "ann"}, nil)
	a.renews("no limit any more", -1)
	b.renews("but its own", 2)
}

// TestQuotasAfterARestart: a head that has just begun gives nobody more until it has heard what each of the user's drivers
// was told before. (internal/sim)
func TestQuotasAfterARestart(t *testing.T) {
	four := 4.0
	limit := protocol.UserShare{Name: "ann", Limits: protocol.Limits{CPUs: 8}}
	table := &jobs{all: map[string]*job{}}
	for _, id := range []string{"a", "b"} {
		table.all[id] = &job{info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
	}
	renews := func(id string, used float64, kept *float64, want float64) {
		t.Helper()
		table.renewed(&protocol.RenewJob{Job: id, Epoch: 1, CPUs: used, Needs: 1, Quota: kept}, time.Now(), func(_, _ *protocol.RenewJob) {})
		table.allot(limit)
		if q := table.quota(id); q == nil || q.CPUs != want {
			t.Errorf("%s has %+v, want %v", id, q, want)
		}
	}
	renews("a", 4, &four, 4)
	table.all["c"] = &job{info: protocol.JobInfo{Job: "c", Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
	renews("c", 0, nil, 0)
	renews("b", 4, &four, 3)
	table.all["c"].info.State = protocol.JobDone
	table.all["b"].info.State = protocol.JobDone
	renews("a", 4, &four, 8)
}

// TestQuotasOfOthers: memory, GPUs and named resources are divided as CPUs are, and a task gets all that it needs of them.
func TestQuotasOfOthers(t *testing.T) {
	const gpu, memory, seat, gib = protocol.NameGPU, protocol.NameMemory, "seat", 1 << 30
	table := &jobs{all: map[string]*job{}}
	limit := protocol.UserShare{Name: "ann", Limits: protocol.Limits{GPUs: 2, Memory: 64 * gib, Named: map[string]int64{seat: 3 * unit}}}
	for _, id := range []string{"a", "b"} {
		table.all[id] = &job{info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
	}
	table.all["b"].info.Share.Memory = 16 * gib
	kept := map[string]byName{}
	renews := func(id string, has, wants byName, want byName) {
		t.Helper()
		in := protocol.RenewJob{Job: id, Epoch: 1, CPUs: 3, Needs: 1, Has: has, Wants: wants, Kept: kept[id]}
		table.renewed(&in, time.Now(), func(_, _ *protocol.RenewJob) {})
		table.allot(limit)
		q := table.quota(id)
		if q == nil || q.CPUs != -1 {
			t.Fatalf("%s has %+v", id, q)
		}
		got := byName{}
		for name, part := range q.Others {
			got[name] = part.N
		}
		if kept[id] = got; !maps.Equal(got, want) {
			t.Errorf("%s may have %v, want %v", id, got, want)
		}
	}
	why := func(id, name, want string) {
		t.Helper()
		if got := table.quota(id).Others[name].Why; got != want {
			t.Errorf("%s of %s: %q, want %q", name, id, got, want)
		}
	}
	training, nothing := byName{gpu: 2 * unit, memory: 40 * gib}, byName{}
	// A head that doesn't know what b was told gives nothing away.
	renews("a", nothing, training, byName{gpu: 0, memory: 0, seat: 0})
	renews("b", byName{memory: 8 * gib}, byName{memory: 8 * gib}, byName{gpu: 0, memory: 16 * gib, seat: 2 * unit})
	why("b", memory, "job b is limited to 16 GiB of memory (muster job share)")
	renews("a", nothing, training, byName{gpu: 2 * unit, memory: 48 * gib, seat: unit})
	why("a", gpu, "user ann is limited to 2 GPUs (muster user)")
	why("a", seat, "user ann is limited to 3 of seat (muster user), of which job b may have 2")
	renews("a", training, nothing, byName{gpu: 2 * unit, memory: 48 * gib, seat: unit})
	renews("b", nothing, byName{gpu: unit}, byName{gpu: 0, memory: 16 * gib, seat: 2 * unit})
	why("b", gpu, "user ann is limited to 2 GPUs (muster user), of which job a may have 2")
	renews("a", training, nothing, byName{gpu: unit, memory: 48 * gib, seat: unit})
	renews("b", nothing, byName{gpu: unit}, byName{gpu: 0, memory: 16 * gib, seat: 2 * unit}) // a's task runs still
	renews("a", nothing, nothing, byName{gpu: 0, memory: 48 * gib, seat: unit})
	renews("b", nothing, byName{gpu: unit}, byName{gpu: unit, memory: 16 * gib, seat: 2 * unit})
	limit.Limits = protocol.Limits{}
	renews("b", nothing, byName{gpu: unit}, byName{memory: 16 * gib})
	renews("a", nothing, byName{gpu: unit}, byName{})
}

// TestQuotasOfHopelessJobs: a job whose task needs more than a limit takes nothing from others by that, and its other tasks
// have their turns.
func TestQuotasOfHopelessJobs(t *testing.T) {
	const gpu = protocol.NameGPU
	for _, x := range []struct {
		limits, own protocol.Limits
		wants       byName // of the hopeless job
	}{
		{protocol.Limits{GPUs: 2}, protocol.Limits{GPUs: 1}, byName{gpu: 2 * unit}},
		{protocol.Limits{CPUs: 1, GPUs: 2}, protocol.Limits{GPUs: 1}, byName{gpu: 2 * unit}},
		{protocol.Limits{CPUs: 1, GPUs: 2}, protocol.Limits{}, byName{gpu: 3 * unit}},
	} {
		table := &jobs{all: map[string]*job{}}
		ids := []string{"hopeless", "other", "third"}
		for _, id := range ids {
			table.all[id] = &job{heard: true, info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
		}
		table.all["hopeless"].info.Share.Limits = x.own
		wants := map[string]byName{"hopeless": x.wants, "other": {gpu: 2 * unit}, "third": {gpu: 2 * unit}}
		kept, enough := map[string]*protocol.Quota{}, map[string]int{}
		for range 60 {
			for _, id := range ids {
				in := protocol.RenewJob{Job: id, Epoch: 1, Needs: 1, Wants: wants[id]}
				if q := kept[id]; q != nil {
					in.Kept = byName{gpu: q.Others[gpu].N}
					if q.CPUs >= 0 {
						in.Quota = &q.CPUs
					}
				}
				table.renewed(&in, time.Now(), func(_, _ *protocol.RenewJob) {})
				table.allot(protocol.UserShare{Name: "ann", Limits: x.limits})
				q := table.quota(id)
				if kept[id] = q; (q.CPUs < 0 || q.CPUs == 1) && (id == "hopeless" || q.Others[gpu].N == 2*unit) {
					enough[id]++
				}
			}
		}
		for _, id := range ids {
			if enough[id] < 5 {
				t.Errorf("limits of %+v and %+v: of 60 times jobs have enough %v", x.limits, x.own, enough)
			}
		}
	}
}

// TestBounded: what a driver says of resources is kept only as far as a head has room for it.
func TestBounded(t *testing.T) {
	long, many := strings.Repeat("x", maxName+1), byName{}
	for i := range maxNodeFields + 1 {
		many[strconv.Itoa(i)] = 1
	}
	if got := bounded(byName{"seat": 1, long: 2}); !maps.Equal(got, byName{"seat": 1}) || bounded(many) != nil || bounded(nil) != nil {
		t.Errorf("%d kept, of many %d", len(got), len(bounded(many)))
	}
}

// TestQuotasTakeTurns: jobs of which each needs all of a limit for its next task get it one after the other.
func TestQuotasTakeTurns(t *testing.T) {
	table := &jobs{all: map[string]*job{}}
	limit := protocol.UserShare{Name: "ann", Limits: protocol.Limits{CPUs: 1, GPUs: 1}}
	ids := []string{"a", "b", "c"}
	kept, ran := map[string]*protocol.Quota{}, map[string]int{}
	for _, id := range ids {
		table.all[id] = &job{heard: true, info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
	}
	for range 60 {
		for _, id := range ids {
			in := protocol.RenewJob{Job: id, Epoch: 1, Needs: 1, Wants: byName{protocol.NameGPU: unit}}
			if q := kept[id]; q != nil {
				in.Quota, in.Kept = &q.CPUs, byName{protocol.NameGPU: q.Others[protocol.NameGPU].N}
			}
			table.renewed(&in, time.Now(), func(_, _ *protocol.RenewJob) {})
			table.allot(limit)
			q := table.quota(id)
			if kept[id] = q; q.CPUs == 1 && q.Others[protocol.NameGPU].N == unit {
				ran[id]++
			}
		}
	}
	for _, id := range ids {
		if ran[id] < 5 {
			t.Errorf("of 60 times each job has all %v", ran)
		}
	}
}

// TestQuotaNews: a job is told at once of another quota, and of other words with its next renewal.
func TestQuotaNews(t *testing.T) {
	table := &jobs{all: map[string]*job{}}
	for _, id := range []string{"a", "b"} {
		table.all[id] = &job{heard: true, info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
	}
	limit := protocol.UserShare{Name: "ann", Limits: protocol.Limits{CPUs: 8}}
	if news := table.allot(limit); len(news) != 2 {
		t.Errorf("at first, news is %+v", news)
	}
	table.all["b"].allotment.has[protocol.NameCPU] = 5 * unit
	before := table.quota("a").Why
	if news := table.allot(limit); len(news) != 0 || table.quota("a").Why == before {
		t.Errorf("of words, news is %+v: %s", news, table.quota("a").Why)
	}
	limit.CPUs = 4
	if news := table.allot(limit); len(news) != 2 {
		t.Errorf("of a lower limit, news is %+v", news)
	}
}

// BenchmarkAllot is what each renewal costs a head whose one user has a limit and many jobs.
func BenchmarkAllot(b *testing.B) {
	for _, n := range []int{50, 500} {
		table := &jobs{all: map[string]*job{}}
		for i := range n {
			id := "j" + strconv.Itoa(i)
			table.all[id] = &job{heard: true, info: protocol.JobInfo{Job: id, Owner: "ann", Epoch: 1, State: protocol.JobRunning}}
			table.all[id].info.Load = protocol.RenewJob{CPUs: 1, Needs: 1}
		}
		user := protocol.UserShare{Name: "ann", Limits: protocol.Limits{CPUs: float64(n), Memory: 1 << 40}}
		b.Run("jobs="+strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				table.allot(user)
			}
		})
	}
}
