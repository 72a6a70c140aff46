package agent

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// shares is what the agent knows of how the cluster is shared. Until the head has said what there is, the machine is all.
type shares struct {
	total fair.Amounts // of the cluster, in the order of protocol.Amounts.Vector
	own   fair.Amounts // of this machine
	named []string
	users map[string]protocol.UserShare // of whom something was said
	limit map[string]fair.Amounts       // of those users who have limits; 0 for none
	told  map[string]protocol.Amounts   // what the head heard last of jobs here
	heard time.Time                     // when
	drift drifting
	sum   fair.Amounts // scratch
	list  []*job       // scratch
	used  fair.Amounts // scratch
	jobs  []fair.Job   // scratch
	ranks []fair.Rank  // scratch
}

// quota is what the head has said of a job.
type quota struct {
	weight float64
	used   fair.Amounts // on all nodes, without what this one has had of it, as if all had had the same
	others fair.Amounts // on other nodes
	rank   fair.Rank    // by the last ranking
}

// uses notes that an attempt of the job has something of the machine, or with a sign of -1 that it hasn't any more.
func (j *job) uses(c *ledger.Charge, sign int64) { j.used.Count(c, sign) }

// lend makes an attempt's CPUs free while it waits: they aren't its job's meanwhile. The mutex is held.
func (a *Agent) lend(j *job, c *ledger.Charge) {
	if !c.Lent {
		j.used.CPU -= c.CPU
		j.lends++
	}
	a.ledger.Lend(c)
}

// regain charges them again, if they are free. The mutex is held.
func (a *Agent) regain(j *job, c *ledger.Charge) bool {
	lent := c.Lent
	if !a.ledger.Regain(c) {
		return false
	}
	if lent {
		j.used.CPU += c.CPU
		j.lends--
	}
	return true
}

// learnShares takes from the digest what jobs have on all nodes, and whose share is how large. The mutex is held.
func (a *Agent) learnShares(d *protocol.ClusterDigest) {
	s := &a.shares
	own := a.ledger.Total.Amounts()
	total := &own
	if d.Total != nil {
		total = d.Total
	}
	s.named = slices.Sorted(maps.Keys(total.Named))
	s.total, s.own = total.Vector(s.named), own.Vector(s.named)
	s.users, s.limit = map[string]protocol.UserShare{}, map[string]fair.Amounts{}
	for _, u := range d.Users {
		s.users[u.Name] = u
		if limits := u.Amounts(); !limits.IsZero() {
			s.limit[u.Name] = limits.Vector(s.named)
		}
	}
	for _, j := range a.jobs {
		j.quota = quota{rank: j.quota.rank}
	}
	for i := range d.Jobs {
		listed := &d.Jobs[i]
		j := a.jobs[listed.Job]
		if j == nil {
			continue
		}
		q := &j.quota
		if q.weight = listed.Weight; listed.Used == nil {
			continue
		}
		told := s.told[j.id]
		q.used, q.others = listed.Used.Vector(s.named), listed.Used.Vector(s.named)
		for i, n := range told.Vector(s.named) {
			q.used[i] -= s.asIfAll(i, n)
			q.others[i] = max(0, q.others[i]-n)
		}
	}
}

// asIfAll is what all nodes have of something if each has as much of its own as this one. Between two digests an agent
// assumes that others do as it does: else all of them would give what becomes free in a second to the same job.
func (s *shares) asIfAll(i int, n int64) int64 {
	if s.own[i] <= 0 {
		return 0
	}
	return int64(float64(n) * float64(s.total[i]) / float64(s.own[i]))
}

// usedBy is what a job has on all nodes, if the others did with it since the last digest as this one did. It is valid until
// the next ranking.
func (s *shares) usedBy(j *job) fair.Amounts {
	at := len(s.used)
	s.used = append(s.used, j.used.CPU, j.used.Memory, j.used.GPUs)
	for _, name := range s.named {
		n := int64(0)
		if have := j.used.Find(name); have != nil {
			n = have.N
		}
		s.used = append(s.used, n)
	}
	used := s.used[at:len(s.used):len(s.used)]
	for i, n := range used {
		used[i] = s.asIfAll(i, n)
		if i < len(j.quota.used) {
			used[i] = max(0, used[i]+j.quota.used[i])
		}
	}
	return used
}

// rank finds the place of each job among those that share the cluster. The mutex is held, as for the others below.
func (a *Agent) rank() {
	list := a.shares.list[:0]
	for _, j := range a.jobs {
		if j.info != nil {
			list = append(list, j)
		}
	}
	a.rankOf(list)
	clear(list)
	a.shares.list = list
}

// rankAmong finds the places of some jobs, as they are to each other. What others of a user's have counts for all of them
// alike, so it is looked at only if they are several users', or if a hold asks for the places of all.
func (a *Agent) rankAmong(list []*job) {
	for _, j := range list {
		if a.hold != nil || j.info.Owner != list[0].info.Owner {
			a.rank()
			return
		}
	}
	a.rankOf(list)
}

func (a *Agent) rankOf(list []*job) {
	s := &a.shares
	if s.total == nil {
		a.learnShares(&protocol.ClusterDigest{})
	}
	s.jobs, s.used = s.jobs[:0], s.used[:0]
	var owner struct { // of the job before: one has many as a rule
		name   string
		weight float64
		drift  float64
	}
	for _, j := range list {
		if name := j.info.Owner; name != owner.name {
			owner.name, owner.weight, owner.drift = name, s.users[name].Weight, a.asPart(s.drift.users[name])
		}
		s.jobs = append(s.jobs, fair.Job{
			ID: j.id, User: j.info.Owner, UserWeight: owner.weight, Weight: j.quota.weight, Used: s.usedBy(j),
			UserDrift: owner.drift, Drift: a.asPart(j.drift.value),
			Last: int64(j.offer.gave.Sub(a.started)),
		})
	}
	s.ranks = fair.Ranks(s.ranks[:0], s.total, s.jobs)
	for i, j := range list {
		j.quota.rank = s.ranks[i]
	}
}

// part is how much of the free CPUs a job is offered first, while others may want some too: those that haven't had their
// turn to say so. The mutex is held.
func (a *Agent) part(j *job, now time.Time) int64 {
	s := &a.shares
	s.jobs = s.jobs[:0]
	mine := 0
	for _, other := range a.jobs {
		o := &other.offer
		switch {
		case other == j:
			mine = len(s.jobs)
		case other.refusal != "" || now.Before(o.rest) || o.asked() && !other.hasTurn(now):
			continue // it gets nothing here, or has nothing that it could give
		}
		x := fair.Job{ID: other.id, User: other.id, Weight: other.quota.weight, Used: fair.Amounts{other.used.CPU}}
		if other.info != nil {
			x.User, x.UserWeight = other.info.Owner, s.users[other.info.Owner].Weight
		}
		s.jobs = append(s.jobs, x)
	}
	if len(s.jobs) == 1 || a.hold != nil && a.hold.job == j {
		return a.ledger.Free.CPU
	}
	return fair.Part(a.ledger.Free.CPU, unit, s.jobs, mine)
}

// keepLimit takes out of what is free what a job's user has as much of as may be, as far as is known here, for the ledger's
// GiveUp. Drivers keep to limits by themselves: this is for those that don't. The mutex is held.
func (a *Agent) keepLimit(j *job) (kept ledger.Room) {
	s := &a.shares
	if len(s.limit) == 0 || j.info == nil || s.limit[j.info.Owner] == nil { // most clusters have none: it's asked of each job
		return kept
	}
	sum := append(s.sum[:0], s.total...)
	s.sum = sum
	clear(sum)
	for _, other := range a.jobs {
		if other.info == nil || other.info.Owner != j.info.Owner {
			continue
		}
		sum[0], sum[1], sum[2] = sum[0]+other.used.CPU, sum[1]+other.used.Memory, sum[2]+other.used.GPUs
		for _, n := range other.used.Named {
			if i, found := slices.BinarySearch(s.named, n.Name); found {
				sum[3+i] += n.N
			}
		}
		for d, n := range other.quota.others {
			sum[d] += n
		}
	}
	full := func(d int, free int64) int64 {
		if limit := s.limit[j.info.Owner][d]; limit > 0 && sum[d] >= limit {
			return free
		}
		return 0
	}
	free := &a.ledger.Free
	all := ledger.Room{CPU: full(0, free.CPU), Memory: full(1, free.Memory), GPUs: full(2, free.GPUs)}
	for i, name := range s.named {
		all.Named = append(all.Named, protocol.Amount{Name: name, N: full(3+i, math.MaxInt64)})
	}
	return a.ledger.Keep(&all)
}

// loads is what the jobs have of the machine, if that is to be said: it is new, or wasn't said for long.
func (a *Agent) loads(now time.Time) (l protocol.NodeLoad, news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l.Jobs = map[string]protocol.Amounts{}
	for _, j := range a.jobs {
		if u := j.used.Amounts(); !u.IsZero() {
			l.Jobs[j.id] = u
		}
	}
	s := &a.shares
	same := maps.EqualFunc(l.Jobs, s.told, func(x, y protocol.Amounts) bool {
		return x.CPU == y.CPU && x.Memory == y.Memory && x.GPUs == y.GPUs && maps.Equal(x.Named, y.Named)
	})
	return l, !same || len(l.Jobs) > 0 && now.Sub(s.heard) > a.cfg.Ages.Renew
}

// tellLoad tells the head what jobs have of the machine, whenever that has changed.
func (a *Agent) tellLoad() {
	for sleep(a.ctx, min(time.Second, a.cfg.Ages.Renew)) {
		now := time.Now()
		l, news := a.loads(now)
		if !news || a.cfg.Control.Ask(a.ctx, protocol.OpReportLoad, l, nil) != nil {
			continue // it says it again in a second, and that it isn't heard, its report
		}
		a.mu.Lock()
		a.shares.told, a.shares.heard = l.Jobs, now
		a.mu.Unlock()
	}
}
