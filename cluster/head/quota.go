package head

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/protocol"
)

// Limits are kept by drivers: each gives nodes tasks for no more than its quota. The head divides a user's limits among the
// user's jobs. One that is to have less is told first, and others get that only once its driver has said that it keeps to it
// and that its tasks have ended: so a limit holds at each moment, without an agent that counts what others give out. Agents
// look at limits too, for drivers that don't keep to theirs.

// byName is so much of resources, by their names. What isn't there is none of it, or has no limit.
type byName = map[string]int64

// allotment is what a job has of limits.
type allotment struct {
	told  *protocol.Quota // nil while it has no limit
	quota byName          // that it was told last, by this head or the one before; nil for nothing
	has   byName          // what it may have: it was told so, or its tasks have it still
	last  int64           // when it kept to as much as its next task needed, counted in divisions
}

// heard takes from a renewal what the job keeps to and has. A job has had its turn once it keeps to enough for its next task,
// and not when it is told: another's turn would come before it has begun anything.
func (a *allotment) heard(in *protocol.RenewJob, now int64) {
	a.has = claimed(in.Has, in.CPUs)
	kept := claimed(in.Kept, 0)
	if delete(kept, protocol.NameCPU); in.Quota != nil {
		kept[protocol.NameCPU] = cpuUnits(*in.Quota)
	}
	if a.quota == nil && len(kept) > 0 { // the head that told it is gone
		a.quota = kept
	}
	for name, n := range a.quota { // if it doesn't keep to any, it doesn't know yet
		a.has[name] = max(a.has[name], n, kept[name])
	}
	for name, n := range claimed(in.Wants, in.Needs) {
		if _, limited := a.quota[name]; limited && kept[name] < n && !a.hopeless(name, n) {
			return
		}
	}
	a.last = now
}

// hopeless reports whether a task that needs so much of a resource can't start, whatever others have. It has no turn: it
// would never be over.
func (a *allotment) hopeless(name string, n int64) bool {
	if a.told == nil {
		return false
	}
	limit := a.told.ByName()[name].Limit
	return limit > 0 && n > limit
}

// maxName is how long the name of a resource that has a limit may be, in bytes.
const maxName = 1 << 10

// bounded is what a driver says of resources by name if that is as much as one can have to say, and else nothing.
func bounded(said byName) byName {
	if len(said) > maxNodeFields {
		return nil
	}
	maps.DeleteFunc(said, func(name string, _ int64) bool { return len(name) > maxName })
	return said
}

// mostClaimed is what a driver can say that it has of something: all of a user's together are within an int64.
const mostClaimed = 1 << 53

// claimed is what a driver says, kept to what can be.
func claimed(others byName, cpus float64) byName {
	out := byName{protocol.NameCPU: cpuUnits(cpus)}
	for name, n := range others {
		if len(out) < maxNodeFields && name != protocol.NameCPU {
			out[name] = max(0, min(n, mostClaimed))
		}
	}
	return out
}

func cpuUnits(cpus float64) int64 {
	if !(cpus > 0) {
		return 0
	}
	return int64(min(cpus, 1e9) * unit)
}

// limitsOf are limits by name.
func limitsOf(l *protocol.Limits) byName {
	out := byName{}
	for name, n := range l.Named {
		out[name] = n
	}
	for name, n := range (byName{protocol.NameCPU: cpuUnits(l.CPUs), protocol.NameMemory: l.Memory, protocol.NameGPU: cpuUnits(l.GPUs)}) {
		if delete(out, name); n > 0 {
			out[name] = n
		}
	}
	return out
}

// allot divides a user's limit anew, and tells the jobs of which the quota changes that there is news.
func (h *Head) allot(owner string) {
	limit := h.users.get(owner)
	for _, news := range h.jobs.allot(limit) {
		if err := h.publish(protocol.NewsSubject(news.Job), news); err != nil {
			h.log.Warn("tell a job of its quota", "job", news.Job, "error", err) // its next renewal tells it
		}
	}
}

// allotAll does it for all users with jobs.
func (h *Head) allotAll() {
	for _, owner := range h.jobs.owners() {
		h.allot(owner)
	}
}

func (t *jobs) owners() (list []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.all {
		if j.live() && !slices.Contains(list, j.info.Owner) {
			list = append(list, j.info.Owner)
		}
	}
	return list
}

// allot gives the news for those jobs whose quota has changed.
func (t *jobs) allot(user protocol.UserShare) (news []protocol.JobDigest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.divisions++
	d := division{user: user.Name, limits: limitsOf(&user.Limits)}
	for _, j := range t.all {
		if j.live() && j.info.Owner == user.Name {
			d.add(j)
		}
	}
	if len(d.names) == 0 && !slices.ContainsFunc(d.jobs, func(j *job) bool { return j.allotment.quota != nil }) {
		return nil
	}
	slices.SortFunc(d.jobs, func(a, b *job) int { return strings.Compare(a.info.Job, b.info.Job) })
	d.divide()
	for i, j := range d.jobs {
		if !j.heard {
			continue
		}
		q, grants := d.quota(i)
		a := &j.allotment
		if a.told == nil || !maps.Equal(a.quota, grants) { // the words alone, which each change of another's alters, can wait
			news = append(news, protocol.JobDigest{Job: j.info.Job, Epoch: j.info.Epoch, Quota: true})
		}
		a.told, a.quota = &q, grants
		for name, n := range grants {
			a.has[name] = max(a.has[name], n)
		}
	}
	return news
}

// division is how a user's limits are divided.
type division struct {
	user   string
	limits byName
	names  []string // of what is limited, for the user or for a job
	jobs   []*job
	grants []fair.Amounts // of the jobs, in the order of the names
	some   [][]int        // which jobs may have some, by name
}

func (d *division) add(j *job) {
	if d.jobs = append(d.jobs, j); j.allotment.has == nil {
		j.allotment.has = byName{}
	}
	for _, limits := range []byName{d.limits, limitsOf(&j.info.Share.Limits)} {
		for name := range limits {
			if !slices.Contains(d.names, name) {
				d.names = append(d.names, name)
			}
		}
	}
	slices.Sort(d.names)
}

func (d *division) vector(of byName) fair.Amounts {
	v := make(fair.Amounts, len(d.names))
	for i, name := range d.names {
		v[i] = of[name]
	}
	return v
}

func (d *division) divide() {
	limits, units := d.vector(d.limits), make(fair.Amounts, len(d.names))
	for i, name := range d.names {
		if units[i] = unit; name == protocol.NameMemory {
			units[i] = 1
		}
	}
	claims := make([]fair.Claim, len(d.jobs))
	for i, j := range d.jobs {
		load, share := &j.info.Load, &j.info.Share
		c := fair.Claim{
			Weight: share.Weight, Most: d.vector(limitsOf(&share.Limits)), Has: d.vector(j.allotment.has),
			Least: d.vector(claimed(load.Wants, load.Needs)), Want: d.vector(claimed(load.Has, load.CPUs)), Last: j.allotment.last,
		}
		for k, n := range c.Least {
			if most := lower(limits[k], c.Most[k]); most > 0 && n > most {
				c.Least[k] = 0 // such a task can't start: what it needs would only be kept from others
			} else if n > 0 {
				c.Want[k] = max(limits[k], c.Most[k])
			}
		}
		claims[i] = c
	}
	d.grants = fair.Divide(limits, units, claims)
	d.keepToOld()
	d.some = make([][]int, len(d.names))
	for i := range d.jobs {
		for k := range d.names {
			if d.mayHave(i, k) > 0 {
				d.some[k] = append(d.some[k], i)
			}
		}
	}
}

// mayHave is what a job has of a resource, or was granted.
func (d *division) mayHave(i, k int) int64 {
	return max(d.grants[i][k], d.jobs[i].allotment.has[d.names[k]])
}

// lower is the lower one of two limits, of which 0 is none.
func lower(a, b int64) int64 {
	if a <= 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}

// keepToOld gives nobody more while one of the user's drivers wasn't heard by this head: what that one has, a head before
// told it. A driver that doesn't come back is waited for until its job is orphaned.
func (d *division) keepToOld() {
	if !slices.ContainsFunc(d.jobs, func(j *job) bool { return !j.heard }) {
		return
	}
	for i, j := range d.jobs {
		for k, old := range d.vector(j.allotment.quota) {
			d.grants[i][k] = min(d.grants[i][k], old)
		}
	}
}

// quota is one job's quota with the rules that it is by, and its amounts by name.
func (d *division) quota(i int) (protocol.Quota, byName) {
	q, grants := protocol.Quota{CPUs: -1}, byName{}
	own := limitsOf(&d.jobs[i].info.Share.Limits)
	for k, name := range d.names {
		limit, n := d.limits[name], d.grants[i][k]
		if limit <= 0 && own[name] <= 0 {
			continue
		}
		part := protocol.QuotaOf{N: n, Limit: lower(limit, own[name]), Why: d.why(i, k, own[name])}
		if grants[name] = n; name == protocol.NameCPU {
			q.CPUs, q.Limit, q.Why = float64(n)/unit, float64(part.Limit)/unit, part.Why
			continue
		}
		if q.Others == nil {
			q.Others = map[string]protocol.QuotaOf{}
		}
		q.Others[name] = part
	}
	return q, grants
}

// why is the rule by which one job has its quota of a resource; own is the job's own limit.
func (d *division) why(i, k int, own int64) string {
	name := d.names[k]
	if own > 0 && d.grants[i][k] == own {
		return fmt.Sprintf("job %s is limited to %s (muster job share)", label(d.jobs[i].info), protocol.AmountText(name, own))
	}
	text := fmt.Sprintf("user %s is limited to %s (muster user)", d.user, protocol.AmountText(name, d.limits[name]))
	var others []string
	more := 0
	for _, x := range d.some[k] {
		switch {
		case x == i:
		case len(others) < 3:
			others = append(others, label(d.jobs[x].info)+" may have "+protocol.NumberText(name, d.mayHave(x, k)))
		default:
			more++
		}
	}
	if more > 0 {
		others = append(others, fmt.Sprintf("%d more have some", more))
	}
	if len(others) > 0 {
		text += ", of which job " + strings.Join(others, ", ")
	}
	return text
}

// quota is what a job was told last.
func (t *jobs) quota(id string) *protocol.Quota {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.all[id]; j != nil {
		return j.allotment.told
	}
	return nil
}
