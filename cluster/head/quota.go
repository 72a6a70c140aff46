package head

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/protocol"
)

// A limit of CPUs is kept by drivers: each gives nodes tasks for no more than its quota. The head divides a user's limit
// among the user's jobs. One that is to have less is told first, and others get that only once its driver has said that it
// keeps to it and that its tasks have ended: so the limit holds at each moment, without an agent that counts what others
// give out. Agents look at limits too, for drivers that don't keep to theirs.

// allotment is what a job has of a limit.
type allotment struct {
	quota *protocol.Quota // what it was told last; nil while it has no limit
	has   int64           // CPU that it may have: it was told so, or its tasks have it still
}

// heard takes from a renewal what the job keeps to and has.
func (a *allotment) heard(in *protocol.RenewJob) {
	a.has = cpuUnits(in.CPUs)
	switch {
	case a.quota == nil && in.Quota != nil: // the head that told it is gone
		a.quota = &protocol.Quota{CPUs: *in.Quota}
		a.has = max(a.has, cpuUnits(*in.Quota))
	case a.quota == nil || a.quota.CPUs < 0:
	case in.Quota == nil: // it doesn't know yet
		a.has = max(a.has, cpuUnits(a.quota.CPUs))
	default:
		a.has = max(a.has, cpuUnits(*in.Quota), cpuUnits(a.quota.CPUs))
	}
}

func cpuUnits(cpus float64) int64 {
	if !(cpus > 0) {
		return 0
	}
	return int64(min(cpus, 1e9) * unit)
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
func (t *jobs) allot(limit protocol.UserShare) (news []protocol.JobDigest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*job
	limited := limit.CPUs > 0
	for _, j := range t.all {
		if j.live() && j.info.Owner == limit.Name {
			list = append(list, j)
			limited = limited || j.info.Share.CPUs > 0 || j.allotment.quota != nil
		}
	}
	if !limited {
		return nil
	}
	slices.SortFunc(list, func(a, b *job) int { return strings.Compare(a.info.Job, b.info.Job) })
	grants := divide(limit, list)
	keepToOld(list, grants)
	for i, j := range list {
		if !j.heard {
			continue
		}
		q := quotaOf(limit, list, grants, i)
		a := &j.allotment
		if a.quota == nil || *a.quota != q {
			news = append(news, protocol.JobDigest{Job: j.info.Job, Epoch: j.info.Epoch, Quota: true})
		}
		a.quota, a.has = &q, max(a.has, grants[i])
	}
	return news
}

// keepToOld gives nobody more while one of the user's drivers wasn't heard by this head: what that one has, a head before
// told it. A driver that doesn't come back is waited for until its job is orphaned.
func keepToOld(list []*job, grants []int64) {
	if !slices.ContainsFunc(list, func(j *job) bool { return !j.heard }) {
		return
	}
	for i, j := range list {
		old := int64(0)
		if q := j.allotment.quota; q != nil {
			old = cpuUnits(q.CPUs)
		}
		grants[i] = min(grants[i], old)
	}
}

func divide(limit protocol.UserShare, list []*job) []int64 {
	claims := make([]fair.Claim, len(list))
	for i, j := range list {
		load, share := &j.info.Load, &j.info.Share
		claims[i] = fair.Claim{
			Weight: share.Weight, Most: cpuUnits(share.CPUs), Has: j.allotment.has, Least: cpuUnits(load.Needs), Want: cpuUnits(load.CPUs),
		}
		if load.Needs > 0 {
			claims[i].Want = max(cpuUnits(limit.CPUs), cpuUnits(share.CPUs))
		}
	}
	return fair.Divide(cpuUnits(limit.CPUs), unit, claims)
}

// quotaOf is one job's quota, and the rule that it is by.
func quotaOf(limit protocol.UserShare, list []*job, grants []int64, i int) protocol.Quota {
	own := list[i].info.Share.CPUs
	if limit.CPUs <= 0 && own <= 0 {
		return protocol.Quota{CPUs: -1}
	}
	q := protocol.Quota{CPUs: float64(grants[i]) / unit, Limit: limit.CPUs}
	if own > 0 && (limit.CPUs <= 0 || own < limit.CPUs) {
		q.Limit = own
	}
	if own > 0 && q.CPUs == own {
		q.Why = fmt.Sprintf("job %s is limited to %s CPUs (muster job share)", label(list[i].info), cpuText(cpuUnits(own)))
		return q
	}
	q.Why = fmt.Sprintf("user %s is limited to %s CPUs (muster user)", limit.Name, cpuText(cpuUnits(limit.CPUs)))
	var others []string
	for k, j := range list {
		if k != i && max(grants[k], j.allotment.has) > 0 {
			others = append(others, label(j.info)+" may have "+cpuText(max(grants[k], j.allotment.has)))
		}
	}
	if n := len(others); n > 3 {
		others = append(others[:3], fmt.Sprintf("%d more have some", n-3))
	}
	if len(others) > 0 {
		q.Why += ", of which job " + strings.Join(others, ", ")
	}
	return q
}

func cpuText(n int64) string { return strconv.FormatFloat(float64(n)/unit, 'g', 6, 64) }

// quota is what a job was told last.
func (t *jobs) quota(id string) *protocol.Quota {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.all[id]; j != nil {
		return j.allotment.quota
	}
	return nil
}
