package head

import (
	"context"
	"fmt"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// mine is a running or orphaned job that the caller may act for: its driver's key, its owner, or an admin.
func (h *Head) mine(c caller, id string) (job, error) {
	j, ok := h.jobs.get(id)
	if !ok {
		if info, over := h.jobs.over(id); over && c.owns(info) {
			return j, refuse(protocol.CodeSuperseded, "job %s is over: %s", label(info), or(info.Error, "it was closed"))
		}
		if s, is := h.drivers.get(id); is && c.ownsDriver(&s) {
			return j, s.noJob(h.cfg.Now())
		}
		return j, refuse(protocol.CodeUnknown, "there is no job %q; muster jobs lists them", short(id))
	}
	if !c.owns(j.info) {
		return j, refuse(protocol.CodeForbidden, "job %s isn't yours", id)
	}
	return j, nil
}

func (c caller) owns(info protocol.JobInfo) bool {
	return c.role == join.RoleAdmin || c.role == join.RoleJob && c.name == info.Job || c.role == join.RoleUser && c.name == info.Owner
}

// renewJob keeps a driver counted as alive. One that was orphaned is running again.
func (h *Head) renewJob(_ context.Context, c caller, in *protocol.RenewJob) (any, error) {
	j, err := h.mine(c, in.Job)
	if err != nil {
		return nil, err
	}
	if r := j.superseded(in.Epoch); r != nil {
		return nil, r
	}
	if !j.live() {
		if err := h.revive(in); err != nil {
			return nil, err
		}
	}
	in.Has, in.Wants, in.Kept = bounded(in.Has), bounded(in.Wants), bounded(in.Kept) // they are kept with the job
	h.historian.renewed(in)
	if h.jobs.renewed(in, h.cfg.Now(), h.counters.ended) {
		h.trims.want(in.Job, in.Read)
	}
	h.allot(j.info.Owner)
	return protocol.JobRenewed{Quota: h.jobs.quota(in.Job)}, nil
}

// renewed notes a renewal, which count hears of beside the one before, and says whether the journal is to be purged up to
// what was read.
func (t *jobs) renewed(in *protocol.RenewJob, clock time.Time, count func(last, now *protocol.RenewJob)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.all[in.Job]
	if j == nil || j.info.Epoch != in.Epoch {
		return false // it ended meanwhile
	}
	count(&j.info.Load, in)
	j.seen, j.heard, j.info.Load, j.info.Renewed = time.Now(), true, *in, clock
	j.allotment.heard(in, t.divisions)
	return !j.named() && in.Read > j.purged
}

// revive makes an orphaned job a running one, since its driver is back.
func (h *Head) revive(in *protocol.RenewJob) error {
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	j, ok := h.jobs.get(in.Job)
	switch {
	case ok && j.live() && j.info.Epoch == in.Epoch:
		return nil // another of its renewals came first: they come together when it was cut off
	case !ok || j.info.State != protocol.JobOrphaned || j.info.Epoch != in.Epoch:
		return refuse(protocol.CodeSuperseded, "job %s is over: %s", or(label(j.info), in.Job), or(j.info.Error, "it was closed"))
	}
	info := j.info
	info.State, info.Ended, info.Error = protocol.JobRunning, time.Time{}, ""
	if err := h.jobs.store(info, func(j *job) { j.seen, j.heard = time.Now(), true }); err != nil {
		return err
	}
	h.news(info.Job, info.Epoch, false)
	h.historian.job(&info, info.Opened)
	h.event("job.revived", info.Job, "", "the driver of job "+label(info)+" is back")
	return nil
}

// closeJob ends a job for its driver. To ask again changes nothing.
func (h *Head) closeJob(ctx context.Context, c caller, in *protocol.CloseJob) (any, error) {
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	if info, over := h.jobs.over(in.Job); over && c.owns(info) && info.Epoch == in.Epoch {
		return nil, nil //nolint:nilnil // an empty answer
	}
	j, err := h.mine(c, in.Job)
	if err != nil {
		return nil, err
	}
	if r := j.superseded(in.Epoch); r != nil {
		return nil, r
	}
	if j.info.State == protocol.JobDone || j.info.State == protocol.JobFailed {
		return nil, nil //nolint:nilnil // an empty answer
	}
	state, text := protocol.JobDone, "is done"
	if in.Error != "" {
		state, text = protocol.JobFailed, "has failed: "+firstLine(in.Error)
	}
	return nil, h.end(ctx, j, state, in.Error, text)
}

// cancelJob ends a job for its owner, and refuses its driver's key. The driver learns that from the news, or asks.
func (h *Head) cancelJob(ctx context.Context, c caller, in *protocol.JobID) (any, error) {
	submitted, err := h.cancelDriver(c, in)
	if err != nil {
		return nil, err
	}
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	if h.cancelWaiting(c, in.Job) {
		return nil, nil //nolint:nilnil // an empty answer
	}
	j, err := h.named(c, in.Job)
	switch {
	case err != nil && submitted:
		return nil, nil //nolint:nilnil // it hadn't opened its job
	case err != nil:
		return nil, err
	}
	if j.info.State == protocol.JobDone || j.info.State == protocol.JobFailed {
		if submitted {
			return nil, nil //nolint:nilnil // an empty answer
		}
		return nil, refuse(protocol.CodeUnknown, "job %s has ended already", label(j.info))
	}
	why := "it was cancelled by " + c.name
	if err := h.end(ctx, j, protocol.JobFailed, why, "is over: "+why); err != nil {
		return nil, err
	}
	return nil, h.refuseKey(j.info.PublicKey)
}

// forgetJob removes a job that isn't running, with its journal, so that nothing of it is listed.
func (h *Head) forgetJob(ctx context.Context, c caller, in *protocol.JobID) (any, error) {
	removed, err := h.forgetDriver(c, in)
	if err != nil {
		return nil, err
	}
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	if h.jobs.hide(in.Job, c.owns) {
		return nil, nil //nolint:nilnil // an empty answer
	}
	j, err := h.named(c, in.Job)
	switch {
	case err != nil && removed:
		return nil, nil //nolint:nilnil // it had no job
	case err != nil:
		return nil, err
	}
	if j.live() {
		return nil, refuse(protocol.CodeHeld, "job %s is running: cancel it first, with muster cancel %s", label(j.info), j.info.Job)
	}
	return nil, h.removeJob(ctx, j.info)
}

// named is a job by its name or its id.
func (h *Head) named(c caller, name string) (job, error) {
	if j, ok := h.jobs.find(c.name, name); ok {
		return j, nil
	}
	return h.mine(c, name)
}

// end ends a job: its record and journal go, unless it has a name. The change lock is held.
func (h *Head) end(ctx context.Context, j job, state protocol.JobState, cause, text string) error {
	info := j.info
	info.State, info.Error, info.Ended = state, cause, h.cfg.Now()
	err := h.jobs.store(info, func(j *job) { j.endedAt = time.Now() })
	if err != nil {
		return err
	}
	if !j.named() || state != protocol.JobOrphaned { // else what runs may go on for a while: see digest
		h.news(info.Job, info.Epoch, true)
	}
	h.historian.job(&info, info.Opened)
	h.event("job.closed", info.Job, "", "job "+label(info)+" "+text)
	if state == protocol.JobOrphaned {
		return nil // its driver may come back
	}
	err = within(ctx, dropTime, func(ctx context.Context) error {
		if j.named() {
			return h.dropConsumer(ctx, &info)
		}
		return h.removeJob(ctx, info)
	})
	if err != nil {
		h.log.Warn("remove what a job has left later", "job", info.Job, "error", err) // once it has expired
	}
	return nil
}

// removeJob removes a job's journal and then its record, so that a journal without a record is nobody's.
func (h *Head) removeJob(ctx context.Context, info protocol.JobInfo) error {
	if err := h.dropJournal(ctx, info.Job); err != nil {
		return err
	}
	if err := h.jobs.remove(info); err != nil {
		return err
	}
	if info.Name != "" {
		h.event("job.removed", info.Job, "", fmt.Sprintf("job %s and its journal are removed", label(info)))
	}
	return nil
}
