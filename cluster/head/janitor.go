package head

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/musterrun/muster/protocol"
)

const (
	sweepEvery = 10 * time.Minute
)

// keepHouse publishes the digest and finds what has died or is to go, until the head stops.
func (h *Head) keepHouse(ctx context.Context) {
	ticker := time.NewTicker(min(time.Second, h.cfg.Ages.Renew))
	defer ticker.Stop()
	swept := h.started
	for number := uint64(1); ; number++ {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.digest(number, now)
			h.allotAll()
			h.mourn(now)
			if !h.stalled.Load() {
				h.endSilent(ctx, now)
			}
			h.watchDisk()
			if now.Sub(swept) > sweepEvery {
				swept = now
				h.sweep()
			}
		}
	}
}

// digest tells everybody which nodes there are, and nodes which jobs.
func (h *Head) digest(number uint64, now time.Time) {
	up := now.Sub(h.started).Seconds()
	jobs := protocol.ClusterDigest{Number: number, Up: up}
	h.shares(&jobs, now)
	err := errors.Join(
		h.publish(protocol.Digest, protocol.ClusterDigest{Number: number, Up: up, Nodes: h.nodes.digest(now)}),
		h.publish(protocol.JobsDigest, jobs),
	)
	if err != nil {
		h.log.Warn("publish the digest", "error", err)
	}
}

// shares puts into a digest the jobs, and by what they share the nodes.
func (h *Head) shares(d *protocol.ClusterDigest, now time.Time) {
	total, used := h.nodes.load(now)
	jobs, owners := h.jobs.digest(now, used)
	d.Jobs = jobs
	for i := range jobs {
		if jobs[i].Used != nil {
			d.Total = &total
		}
	}
	for _, u := range h.users.list() {
		if owners[u.Name] {
			d.Users = append(d.Users, u)
		}
	}
}

func (h *Head) publish(subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return h.conn.Publish(subject, data)
}

// news tells nodes and the job's driver at once that it has begun or ended.
func (h *Head) news(job string, epoch uint32, ended bool) {
	err := h.publish(protocol.NewsSubject(job), protocol.JobDigest{Job: job, Epoch: epoch, Ended: ended})
	if err != nil {
		h.log.Warn("publish news of a job", "job", job, "error", err) // the digest says the same
	}
}

func (h *Head) mourn(now time.Time) {
	for _, n := range h.nodes.lost(now, now.Sub(h.attentive())) {
		h.historian.node(&n, nodeLost, true)
		h.event("node.lost", "", n.Node, fmt.Sprintf("node %s (%s) hasn't reported for %v", short(n.Name), n.Node, h.cfg.Ages.Dead))
	}
}

// endSilent makes running jobs without a driver orphans, and removes what has been kept for long enough.
func (h *Head) endSilent(ctx context.Context, now time.Time) {
	for _, id := range h.jobs.due(func(j *job) bool {
		return j.silent(now, h.attentive(), h.cfg.Ages.Dead) || j.foreign() != nil || j.expired(now, h.cfg.Now(), &h.cfg)
	}) {
		if err := h.endOne(ctx, id, now); err != nil && ctx.Err() == nil {
			h.log.Error("end a job without a driver", "job", id, "error", err)
		}
	}
	if err := h.dropSurplus(ctx); err != nil && ctx.Err() == nil {
		h.log.Error("remove a job that has ended", "error", err)
	}
}

// dropSurplus removes jobs with a name that have ended, if there are more than are kept: those that are done first, since
// the others may be resumed, and of these the oldest. Those whose drivers are to be started again stay.
func (h *Head) dropSurplus(ctx context.Context) error {
	for _, id := range h.jobs.surplus(h.cfg.Limits.KeptJobs, h.drivers.liveNames()) {
		if err := h.dropIfEnded(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (h *Head) dropIfEnded(ctx context.Context, id string) error {
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	j, ok := h.jobs.get(id)
	if !ok || j.live() {
		return nil // it was opened again, or removed
	}
	return h.removeJob(ctx, j.info)
}

// surplus is the ids of the named jobs that have ended and are too many, of the users who have the most, the first to go
// first, without those that are needed still, by owner and name.
func (t *jobs) surplus(most int, needed map[[2]string]bool) (ids []string) {
	var kept []protocol.JobInfo
	t.mu.Lock()
	for _, j := range t.all {
		if j.named() && !j.live() && !needed[[2]string{j.info.Owner, j.info.Name}] {
			kept = append(kept, j.info)
		}
	}
	t.mu.Unlock()
	if len(kept) <= most {
		return nil
	}
	rank := func(info *protocol.JobInfo) int {
		if info.State == protocol.JobDone {
			return 0
		}
		return 1
	}
	slices.SortFunc(kept, func(a, b protocol.JobInfo) int {
		return cmp.Or(rank(&a)-rank(&b), a.Ended.Compare(b.Ended), strings.Compare(a.Job, b.Job))
	})
	owners := make([]string, len(kept))
	for i := range kept {
		owners[i] = kept[i].Owner
	}
	for _, i := range surplus(owners, most) {
		ids = append(ids, kept[i].Job)
	}
	return ids
}

// endOne looks again under the lock, since the driver may have come back.
func (h *Head) endOne(ctx context.Context, id string, now time.Time) error {
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	j, ok := h.jobs.get(id)
	switch {
	case ok && j.silent(now, h.attentive(), h.cfg.Ages.Dead):
		text := fmt.Sprintf("has lost its driver (process %d on %s): nothing heard for %v", j.info.PID, j.info.Host, h.cfg.Ages.Dead)
		return h.end(ctx, j, protocol.JobOrphaned, "its driver is gone", text)
	case ok && j.foreign() != nil:
		why := j.foreign().Error()
		return h.end(ctx, j, protocol.JobFailed, why, "is over: "+why)
	case ok && j.expired(now, h.cfg.Now(), &h.cfg):
		return h.removeJob(ctx, j.info)
	}
	return nil
}

// due is the ids of jobs for which something is to be done.
func (t *jobs) due(is func(*job) bool) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for id, j := range t.all {
		if is(j) {
			out = append(out, id)
		}
	}
	return out
}

// watchDisk stops journals from growing before the disk is full, since the server gives up all of them when a write
// fails: agents then keep their outcomes, and take no more work, until there is room again.
func (h *Head) watchDisk() {
	low, changed := h.disk.turned()
	if !changed {
		return
	}
	if err := h.enforce(); err != nil {
		h.log.Error("stop journals from growing", "error", err)
	}
	if low {
		h.event("disk.full", "", "", h.disk.room(0).Error())
	} else {
		h.event("disk.free", "", "", "the head's disk has room again")
	}
}

// sweep removes blobs that nobody needs.
func (h *Head) sweep() {
	named, first := h.jobs.blobs()
	h.drivers.blobs(named)
	if err := h.blobs.sweep(h.cfg.Now(), first, named); err != nil {
		h.log.Error("remove old blobs", "error", err)
	}
}

// blobs are those that the jobs' records name, and when the first of these jobs was opened.
func (t *jobs) blobs() (named map[string]bool, first time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	named = map[string]bool{}
	for _, j := range t.all {
		for _, b := range j.info.Binaries {
			named[b.Hash] = true
		}
		for _, f := range j.info.Files {
			named[f.Hash] = true
		}
		if first.IsZero() || j.info.Opened.Before(first) {
			first = j.info.Opened
		}
	}
	return named, first
}
