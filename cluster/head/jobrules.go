package head

import (
	"path"
	"strings"
	"time"

	"github.com/musterrun/muster/protocol"
)

// held says who has a job, if its driver may be alive: it was heard of lately, and its connection isn't known to be
// closed. connected is asked only if the answer depends on it.
func (j *job) held(now time.Time, dead time.Duration, connected func(public string) bool) *protocol.Refusal {
	age := now.Sub(j.seen)
	if !j.live() || age > dead || j.heard && !connected(j.info.PublicKey) {
		return nil
	}
	return refuse(protocol.CodeHeld,
		"job %q is run by process %d on %s, last heard of %v ago: wait for it, muster cancel it, or take it over by muster run --take-over",
		j.info.Name, j.info.PID, j.info.Host, age.Round(time.Second))
}

// superseded says that a driver's epoch isn't the job's any more.
func (j *job) superseded(epoch uint32) *protocol.Refusal {
	switch {
	case epoch > j.info.Epoch:
		return refuse(protocol.CodeMalformed, "job %s is at epoch %d, not yet at %d", j.info.Job, j.info.Epoch, epoch)
	case epoch < j.info.Epoch:
		return refuse(protocol.CodeSuperseded,
			"job %s was taken over by process %d on %s", label(j.info), j.info.PID, j.info.Host)
	}
	return nil
}

// silent reports whether a running job's driver is to be counted as gone.
func (j *job) silent(now, start time.Time, dead time.Duration) bool {
	return j.live() && now.Sub(j.seen) > dead && now.Sub(start) > dead
}

// adoptFor is how long nodes go on with what they run of a job with a name whose driver is gone: one that is started
// again takes it over.
const adoptFor = 10 * time.Minute

// mayBeAdopted reports whether an orphan's tasks go on.
func (j *job) mayBeAdopted(now time.Time) bool {
	return j.info.State == protocol.JobOrphaned && j.named() && now.Sub(j.endedAt) < adoptFor
}

// expired reports whether a job that isn't running has been kept for long enough. A week is measured by the clock, since
// heads are started again meanwhile.
func (j *job) expired(now, clock time.Time, c *Config) bool {
	if j.live() {
		return false
	}
	if j.named() {
		return !j.info.Ended.IsZero() && clock.Sub(j.info.Ended) > c.KeepNamed
	}
	return now.Sub(j.endedAt) > c.KeepOrphan
}

const (
	maxFunctions = 100_000
	maxFiles     = 10_000
	maxText      = 64 << 10
)

// checkOpen refuses what can't be opened. Nothing of it is trusted later.
func checkOpen(in *protocol.OpenJob) error {
	if err := protocol.CheckVersion(programOf(in), protocol.Own("the head")); err != nil {
		return err
	}
	texts := append([]string{in.Name, in.Program, in.Host, in.Driver}, in.Args...)
	texts = append(append(texts, in.Env...), in.Functions...)
	for _, s := range texts {
		if len(s) > maxText || strings.ContainsRune(s, 0) {
			return refuse(protocol.CodeMalformed,
				"a name, argument or variable of the job is longer than %d bytes or has a zero byte", maxText)
		}
	}
	if len(in.Functions) > maxFunctions || len(in.Files) > maxFiles || len(in.Binaries) > maxFiles {
		return refuse(protocol.CodeMalformed, "a job has at most %d functions, and %d files", maxFunctions, maxFiles)
	}
	for _, b := range in.Binaries {
		if !isHash(b.Hash) || b.Size < 0 {
			return refuse(protocol.CodeMalformed,
				"the binary for %s/%s must have a blake3 hash and a size", short(b.OS), short(b.Arch))
		}
	}
	for _, f := range in.Files {
		if !isHash(f.Hash) || f.Size < 0 || !isLocal(f.Path) {
			return refuse(protocol.CodeMalformed,
				"file %q must have a relative path within the job's folder, a blake3 hash and a size", short(f.Path))
		}
	}
	return nil
}

// foreign says why a live job can't go on: its program was understood by a head before this one.
func (j *job) foreign() error {
	if !j.live() {
		return nil
	}
	return protocol.CheckVersion(programOf(&j.info.OpenJob), protocol.Own("the head"))
}

// programOf is the job's side, as its user sees it.
func programOf(in *protocol.OpenJob) protocol.Side {
	return protocol.Side{Name: "this program", Major: in.Major, Minor: in.Minor}
}

// isLocal reports whether a path stays in the folder it is relative to.
func isLocal(p string) bool {
	return p != "" && p != "." && !path.IsAbs(p) && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../") &&
		!strings.ContainsAny(p, "\\:\x00")
}

func isHash(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
