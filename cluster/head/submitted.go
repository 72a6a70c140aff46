package head

import (
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// What concerns jobs concerns the submissions whose jobs they are: they are listed, cancelled and removed together. A
// submission that has no job yet stands in its place, by its own id.

func (c caller) ownsDriver(s *submission) bool {
	return c.role == join.RoleAdmin || c.role == join.RoleUser && c.name == s.Owner
}

// submittedAs is the submission that a job's or its own id, or a name of the caller's, stands for.
func (h *Head) submittedAs(c caller, name string) (submission, bool) {
	s, ok := h.drivers.get(name)
	if !ok {
		s, ok = h.drivers.find(c.name, name)
	}
	if j, is := h.jobs.get(name); !ok && is && j.named() {
		s, ok = h.drivers.find(j.info.Owner, j.info.Name)
	}
	return s, ok && c.ownsDriver(&s)
}

// jobID is in, or the job of the submission whose id it is, if that has one.
func (h *Head) jobID(s *submission, in *protocol.JobID) {
	if in.Job == s.ID {
		if j, ok := h.jobs.find(s.Owner, s.Name); ok {
			in.Job = j.info.Job
		}
	}
}

// cancelDriver ends a live submission for good, before its job is: it would be started again. If it is one, in names its
// job from then on.
func (h *Head) cancelDriver(c caller, in *protocol.JobID) (was bool, err error) {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.submittedAs(c, in.Job)
	if !ok {
		return false, nil
	}
	h.jobID(&s, in)
	if !s.State.Live() {
		return false, nil
	}
	return true, h.driverEnded(&s, func() { s.cancel(c.name, h.cfg.Now()) })
}

// cancelDriversOf ends all of a user's.
func (h *Head) cancelDriversOf(owner, by string) error {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	for _, s := range h.drivers.list() {
		if s.Owner != owner || !s.State.Live() {
			continue
		}
		if err := h.driverEnded(&s, func() { s.cancel(by, h.cfg.Now()) }); err != nil {
			return err
		}
	}
	return nil
}

// forgetDriver removes a submission that has ended.
func (h *Head) forgetDriver(c caller, in *protocol.JobID) (was bool, err error) {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.submittedAs(c, in.Job)
	if !ok {
		return false, nil
	}
	h.jobID(&s, in)
	if s.State.Live() {
		return false, refuse(protocol.CodeHeld, "%q is submitted, and %s: cancel it first, with muster cancel %s", s.Name, s.State, s.Name)
	}
	return true, h.drivers.remove(s.ID)
}

// withSubmissions adds the submissions that one may see to a list of jobs: to their own, or as jobs that aren't open yet.
// If which isn't "", only what is called that is listed, with what it wrote last: of all that would be too much.
func (h *Head) withSubmissions(c caller, which string, list []protocol.JobInfo) []protocol.JobInfo {
	at := map[[2]string]int{}
	for i := range list {
		if list[i].Name != "" {
			at[[2]string{list[i].Owner, list[i].Name}] = i
		}
	}
	for _, s := range h.drivers.list() {
		i, has := at[[2]string{s.Owner, s.Name}]
		if which == "" {
			s.Tail = ""
		}
		switch {
		case !c.ownsDriver(&s):
		case has:
			list[i].Submitted = &s.Submission
		case which == "" || which == s.ID || which == s.Name:
			list = append(list, s.asJob())
		}
	}
	return list
}

// asJob is what is listed of a submission without a job.
func (s *submission) asJob() protocol.JobInfo {
	info := protocol.JobInfo{
		OpenJob: protocol.OpenJob{
			Name: s.Name, Program: s.Program, Args: s.Args, Binaries: s.Spec.Binaries, Files: s.Spec.Files,
		},
		Job: s.ID, Owner: s.Owner, State: protocol.JobWaiting, Opened: s.At, Ended: s.Ended, Submitted: &s.Submission,
	}
	switch s.State {
	case protocol.DriverDone:
		info.State = protocol.JobDone
	case protocol.DriverFailed, protocol.DriverCanceled:
		info.State, info.Error = protocol.JobFailed, s.Reason
	case protocol.DriverWaiting, protocol.DriverStarting, protocol.DriverRunning:
	}
	return info
}

// mayOpen keeps a submission's job for its own driver, unless it is taken over. One that has ended gives way: what is
// recorded of the job from now on isn't its.
func (h *Head) mayOpen(c caller, in *protocol.OpenJob) error {
	if in.Name == "" {
		return nil
	}
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.drivers.find(c.name, in.Name)
	switch {
	case !ok || s.ID == c.as:
		return nil
	case !s.State.Live():
		return h.drivers.remove(s.ID)
	case in.TakeOver:
		return nil
	}
	return refuse(protocol.CodeHeld,
		"job %q is submitted, and %s: muster attach %s follows it, muster cancel %s ends it, and --take-over takes it",
		s.Name, s.State, s.Name, s.Name)
}

// whyNoDriver says of a live submission what it waits for, unless its driver has its job open.
func (h *Head) whyNoDriver(c caller, name string) string {
	s, ok := h.submittedAs(c, name)
	if !ok || !s.State.Live() {
		return ""
	}
	if j, ok := h.jobs.find(s.Owner, s.Name); ok && j.live() && s.State == protocol.DriverRunning {
		return ""
	}
	return s.why(h.cfg.Now())
}
