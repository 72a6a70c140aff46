package head

import (
	"context"
	"fmt"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// openJob gives a job to a driver: a new one, or the next epoch of one with a name. To ask again changes nothing, as
// long as it is the same process with the same key.
func (h *Head) openJob(ctx context.Context, c caller, in *protocol.OpenJob) (any, error) {
	if err := checkOpen(in); err != nil {
		return nil, err
	}
	if _, _, err := h.keys.sign(in.PublicKey, "opening", join.RoleJob, 0); err != nil { // before anything is changed
		return nil, err
	}
	if err := h.mayOpen(c, in); err != nil {
		return nil, err
	}
	h.jobs.change.Lock()
	defer h.jobs.change.Unlock()
	info, former, err := h.nextEpoch(c, in)
	if err != nil {
		return nil, err
	}
	if same := former == nil && info.Epoch > 1; same {
		err = h.openJournal(ctx, &info) // it may have failed the first time
	} else {
		err = h.begin(ctx, info, former)
	}
	if err != nil {
		return nil, err
	}
	last, err := h.journalEnd(ctx, info.Job)
	if err != nil {
		return nil, err
	}
	token, _, err := h.keys.sign(in.PublicKey, info.Job, join.RoleJob, info.Epoch)
	if err != nil {
		return nil, err
	}
	h.allot(info.Owner)
	return protocol.JobOpened{
		Job: info.Job, Epoch: info.Epoch, JWT: token, Ages: h.cfg.Ages, Last: last, Quota: h.jobs.quota(info.Job),
	}, nil
}

// nextEpoch is the record that the job will have, and the one that it has if that is to be replaced.
func (h *Head) nextEpoch(c caller, in *protocol.OpenJob) (info protocol.JobInfo, former *job, err error) {
	if same, ok := h.jobs.byDriver(c.name, in.Driver, in.PublicKey); ok {
		return same.info, nil, nil
	}
	now := h.cfg.Now()
	info = protocol.JobInfo{
		OpenJob: *in, Job: newID("j"), Owner: c.name, Epoch: 1, State: protocol.JobRunning, Opened: now, Renewed: now,
	}
	info.TakeOver = false
	if j, ok := h.jobs.find(c.name, in.Name); ok {
		held := j.held(time.Now(), h.cfg.Ages.Dead, h.server.connected)
		if held != nil && !in.TakeOver {
			return info, nil, held
		}
		former = &j
		info.Job, info.Epoch, info.Opened, info.Share = j.info.Job, j.info.Epoch+1, j.info.Opened, j.info.Share
	}
	if former == nil || !former.live() {
		if err := h.place(&info); err != nil {
			return info, nil, err
		}
	}
	return info, former, h.disk.room(0)
}

// begin writes the record, makes the journal, ends the former driver and tells everybody.
func (h *Head) begin(ctx context.Context, info protocol.JobInfo, former *job) error {
	err := h.jobs.store(info, func(j *job) { j.seen, j.heard, j.info.Load = time.Now(), true, protocol.RenewJob{} })
	if err != nil {
		return err
	}
	if err := h.openJournal(ctx, &info); err != nil {
		return err
	}
	h.news(info.Job, info.Epoch, false)
	if former != nil && former.live() {
		h.historian.replaced(former.info, info.Renewed)
	}
	h.historian.job(&info, info.Renewed)
	text := fmt.Sprintf("job %s of %s is opened by process %d on %s, epoch %d",
		label(info), info.Owner, info.PID, info.Host, info.Epoch)
	h.event("job.opened", info.Job, "", text)
	if former == nil || former.info.PublicKey == info.PublicKey {
		return nil
	}
	// A former driver that doesn't know yet would go on talking to nodes, so its key goes.
	return h.refuseKey(former.info.PublicKey)
}

// label is what people call a job.
func label(info protocol.JobInfo) string {
	if info.Name != "" {
		return fmt.Sprintf("%q (%s)", info.Name, info.Job)
	}
	return info.Job
}
