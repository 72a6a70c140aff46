package head

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// maxReason is how long the reason may be for which a driver has ended, in bytes.
const maxReason = 300

// submit notes a driver that the cluster is to run, and has it started.
func (h *Head) submit(_ context.Context, c caller, in *protocol.Submit) (any, error) {
	if err := checkSubmit(in); err != nil {
		return nil, err
	}
	if err := h.hasBlobsOf(in); err != nil {
		return nil, err
	}
	if err := h.nameIsFree(c, in.Name); err != nil {
		return nil, err
	}
	if err := h.servesDrivers(c.name); err != nil {
		return nil, err
	}
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	former, known := h.drivers.find(c.name, in.Name)
	if known && former.State.Live() { // since then
		return nil, submittedAlready(&former)
	}
	if err := h.roomForADriver(c.name); err != nil {
		return nil, err
	}
	if err := h.disk.room(0); err != nil {
		return nil, err
	}
	s := submission{Spec: *in, Submission: protocol.Submission{
		ID: newDriverID(), Name: in.Name, Owner: c.name, Program: in.Program, Args: in.Args,
		State: protocol.DriverWaiting, At: h.cfg.Now(),
	}}
	if err := h.drivers.store(&s); err != nil {
		return nil, err
	}
	if known {
		if err := h.drivers.remove(former.ID); err != nil {
			return nil, err
		}
	}
	h.event("driver.submitted", s.ID, "", s.label()+" is submitted")
	h.drivers.look()
	return s.Submission, nil
}

// hasBlobsOf refuses what names executables or files that weren't uploaded.
func (h *Head) hasBlobsOf(in *protocol.Submit) error {
	for _, b := range in.Binaries {
		if have, err := h.blobs.has(b.Hash, h.cfg.Now()); err != nil || !have.Complete {
			return refuse(protocol.CodeUnknown, "the head doesn't have the executable for %s/%s: upload it first", b.OS, b.Arch)
		}
	}
	for _, f := range in.Files {
		if have, err := h.blobs.has(f.Hash, h.cfg.Now()); err != nil || !have.Complete {
			return refuse(protocol.CodeUnknown, "the head doesn't have the file %s: upload it first", short(f.Path))
		}
	}
	return nil
}

// newDriverID is an id that no user, node or job can have: their names begin with small letters.
func newDriverID() string { return newID("D") }

func submittedAlready(s *submission) error {
	return refuse(protocol.CodeHeld,
		"%q is submitted already, and %s: muster attach %s follows it, muster cancel %s ends it", s.Name, s.State, s.Name, s.Name)
}

// nameIsFree refuses the name of what lives. It may ask the driver of a job of that name, so no lock is held.
func (h *Head) nameIsFree(c caller, name string) error {
	if s, ok := h.drivers.find(c.name, name); ok && s.State.Live() {
		return submittedAlready(&s)
	}
	if j, ok := h.jobs.find(c.name, name); ok {
		if held := j.held(time.Now(), h.cfg.Ages.Dead, h.server.connected); held != nil {
			return refuse(protocol.CodeHeld, "job %q is run by process %d on %s: wait for it, muster cancel it, or choose another name",
				name, j.info.PID, short(j.info.Host))
		}
	}
	return nil
}

// servesDrivers refuses a user whose drivers none of the nodes that are there would run. Without any, one may come.
func (h *Head) servesDrivers(owner string) error {
	reasons := map[string]int{}
	for _, n := range h.trusted(h.nodes.list(time.Now(), owner), owner) {
		switch {
		case !n.Alive:
		case n.Refusal == "":
			return nil
		default:
			reasons[n.Refusal]++
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return refuse(protocol.CodeForbidden, "no node runs the drivers of user %s (of one: %s): run the program with muster run, "+
		"or have a node joined by an admin or by %s", owner, slices.Sorted(maps.Keys(reasons))[0], owner)
}

// mostPerFree is how many drivers one user may have for each place that is left.
const mostPerFree = 3

// roomForADriver refuses one more than are kept; and to a user who has three for each place that is left, so that one alone
// never has all of them. The change lock is held.
func (h *Head) roomForADriver(owner string) error {
	live, own := 0, 0
	for _, s := range h.drivers.list() {
		if s.State.Live() {
			live++
		}
		if s.State.Live() && s.Owner == owner {
			own++
		}
	}
	if left := h.cfg.Limits.LiveJobs - live; left > 0 && own >= mostPerFree*left {
		return refuse(protocol.CodeFull, "user %s has submitted %d drivers, and the cluster has room for %d more, which are for others: "+
			"try again when some have ended", owner, own, left)
	}
	if live >= h.cfg.Limits.LiveJobs {
		return refuse(protocol.CodeFull, "%d drivers are submitted, which is as many as this cluster takes: try again when some have ended", live)
	}
	return nil
}

// checkSubmit refuses what can't be submitted.
func checkSubmit(in *protocol.Submit) error {
	if in.Name == "" || len(in.Name) > 100 || len(in.Binaries) == 0 {
		return refuse(protocol.CodeMalformed, "a submission needs a name of at most 100 letters, and an executable")
	}
	for _, f := range in.Files {
		if first, _, _ := strings.Cut(f.Path, "/"); strings.EqualFold(first, protocol.DriverIdentity) {
			return refuse(protocol.CodeMalformed, "a driver has its identity in a file %s: give the file %s another name",
				protocol.DriverIdentity, short(f.Path))
		}
	}
	if len(in.Labels) > maxNodeFields {
		return refuse(protocol.CodeMalformed, "a submission names at most %d labels", maxNodeFields)
	}
	for _, e := range in.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return refuse(protocol.CodeMalformed, "the variable %q must be NAME=value", short(e))
		}
	}
	return checkOpen(&protocol.OpenJob{
		Major: in.Major, Minor: in.Minor, Name: in.Name, Program: in.Program, Binaries: in.Binaries, Args: in.Args, Env: in.Env,
		Files: in.Files,
	})
}

// takeDriver gives a node what it needs to start a driver that it was asked to start.
func (h *Head) takeDriver(_ context.Context, c caller, in *protocol.TakeDriver) (any, error) {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.drivers.get(in.ID)
	if !ok || !s.taken(c.name, in) {
		return nil, refuse(protocol.CodeSuperseded, "driver %s isn't node %s's to start", short(in.ID), c.name)
	}
	if n, _, known := h.nodes.get(c.name); !known || !n.Started.Equal(in.Life) {
		return nil, refuse(protocol.CodeHeld, "node %s hasn't reported since its agent was started: ask again once it has", c.name)
	}
	if who := h.whose(in.PublicKey); who != "" && who != s.ID {
		return nil, refuse(protocol.CodeMalformed, "a driver needs a new user key")
	}
	token, _, err := h.keys.sign(in.PublicKey, s.ID, join.RoleUser, 0)
	if err != nil {
		return nil, err
	}
	if s.State != protocol.DriverRunning {
		s.take(in)
		if err := h.drivers.store(&s); err != nil {
			return nil, err
		}
		h.event("driver.started", s.ID, c.name, fmt.Sprintf("the driver of %s is started on node %s, attempt %d", s.label(), c.name, s.Attempt))
	}
	id, err := json.Marshal(h.welcome(protocol.IdentityInfo{Name: s.ID, Role: join.RoleUser}, token))
	return protocol.DriverTaken{Submit: s.Spec, Owner: s.Owner, Identity: id, Again: s.Attempt > 1}, err
}

// reason is the first line of what a node says, with what one is to do about it, which stands at its end.
func reason(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.ToValidUTF8(line[:min(len(line), maxReason)], "")
}

// endDriver takes a node's word for how an attempt has ended. An attempt that isn't the last is no news.
func (h *Head) endDriver(_ context.Context, c caller, in *protocol.DriverEnd) (any, error) {
	h.drivers.change.Lock()
	defer h.drivers.change.Unlock()
	s, ok := h.drivers.get(in.ID)
	if !ok || s.Node != c.name || s.Attempt != in.Attempt {
		return nil, nil //nolint:nilnil // an empty answer
	}
	in.Tail = strings.ToValidUTF8(in.Tail[max(0, len(in.Tail)-protocol.MaxTail):], "")
	in.Reason = reason(in.Reason)
	switch s.State {
	case protocol.DriverCanceled:
		s.Tail = in.Tail
		return nil, h.drivers.store(&s)
	case protocol.DriverRunning:
	case protocol.DriverWaiting, protocol.DriverStarting, protocol.DriverDone, protocol.DriverFailed:
		return nil, nil //nolint:nilnil // an empty answer
	}
	return nil, h.driverEnded(&s, func() { s.end(in, h.cfg.Now()) })
}
