package head

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

// keepEnded is how many jobs are remembered after their records are gone, in memory only.
const keepEnded = 200

// jobs is the table of jobs. Each has a file, written before anybody learns of a change; what a driver reports about
// its load is in memory only. Whether a driver lives is judged by monotonic time, and by what this head has heard
// itself: one that was away knows of nobody's silence.
type jobs struct {
	dir   string
	dead  time.Duration
	start time.Time

	change sync.Mutex // held by who opens, closes or removes a job, over its I/O

	mu    sync.Mutex
	all   map[string]*job
	ended []endedJob // those whose records are gone, oldest first

	divisions int64 // of users' limits, so far
}

// endedJob is remembered for its driver and its events. Whose user wants it gone, it isn't listed any more.
type endedJob struct {
	protocol.JobInfo

	hidden bool
}

type job struct {
	info      protocol.JobInfo // what the file has; and the load
	seen      time.Time        // when its driver was last heard of, or else when the head started
	heard     bool             // by this head
	endedAt   time.Time        // when this head found it orphaned or closed, or else started; monotonic
	allotment allotment
	purged    uint64 // the journal is gone up to there
}

func (j *job) live() bool  { return j.info.State == protocol.JobRunning }
func (j *job) named() bool { return j.info.Name != "" }

func openJobs(dir string, dead time.Duration, start time.Time) (*jobs, error) {
	t := &jobs{dir: dir, dead: dead, start: start, all: map[string]*job{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the jobs' records: %w", err)
	}
	for _, e := range entries {
		j := &job{seen: start, endedAt: start}
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		if info, err := e.Info(); err == nil && info.Size() == 0 {
			continue // a power cut took it, so it has no name: its journal is nobody's
		}
		if err := readJSON(filepath.Join(dir, e.Name()), &j.info); err != nil {
			return nil, err
		}
		if j.info.Job != id {
			return nil, fmt.Errorf("%s is the record of another job, %q: put it back, or remove it",
				filepath.Join(dir, e.Name()), j.info.Job)
		}
		t.all[id] = j
	}
	return t, nil
}

func (t *jobs) path(id string) string { return filepath.Join(t.dir, id+".json") }

// store writes a record, and then changes the table. The change lock is held.
func (t *jobs) store(info protocol.JobInfo, change func(*job)) error {
	write := writeFile
	if info.Name == "" { // a power cut ends it anyway
		write = writeLoosely
	}
	if err := encode(t.path(info.Job), info, write); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.all[info.Job]
	if j == nil {
		j = &job{}
		t.all[info.Job] = j
	}
	info.Load = j.info.Load
	j.info = info
	change(j)
	return nil
}

// remove forgets a job; one with a name isn't listed any more, as it would look as if it could be run again. The change
// lock is held, and its journal is gone.
func (t *jobs) remove(info protocol.JobInfo) error {
	if err := os.Remove(t.path(info.Job)); err != nil {
		return fmt.Errorf("remove the record of job %s: %w", info.Job, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, info.Job)
	t.ended = append(t.ended, endedJob{slim(info), info.Name != ""})
	if len(t.ended) > keepEnded {
		owners := make([]string, len(t.ended))
		for i := range t.ended {
			owners[i] = t.ended[i].Owner
		}
		i := surplus(owners, keepEnded)[0]
		t.ended = slices.Delete(t.ended, i, i+1)
	}
	return nil
}

// maxArgs is how many bytes of an ended job's arguments are remembered.
const maxArgs = 1 << 10

// slim is what is remembered of a job whose record is gone: what may be long stays out.
func slim(info protocol.JobInfo) protocol.JobInfo {
	info.Functions, info.Env, info.Files, info.Binaries, info.Load.Progress = nil, nil, nil, nil, nil
	size := 0
	for i, arg := range info.Args {
		if size += len(arg); size > maxArgs {
			info.Args = append(slices.Clone(info.Args[:i]), "...")
			break
		}
	}
	return info
}

// get is a copy of a job in the table.
func (t *jobs) get(id string) (job, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.all[id]; j != nil {
		return *j, true
	}
	return job{}, false
}

// find is the job of that owner with that name.
func (t *jobs) find(owner, name string) (job, bool) {
	return t.first(func(j *job) bool { return name != "" && j.info.Owner == owner && j.info.Name == name })
}

// byDriver is the running job that a driver's process has opened with a key.
func (t *jobs) byDriver(owner, driver, public string) (job, bool) {
	return t.first(func(j *job) bool {
		return j.live() && driver != "" && j.info.Owner == owner && j.info.Driver == driver && j.info.PublicKey == public
	})
}

// byKey is the running or orphaned job that a key may connect as.
func (t *jobs) byKey(public string) (job, bool) {
	return t.first(func(j *job) bool {
		return j.info.PublicKey == public && (j.live() || j.info.State == protocol.JobOrphaned)
	})
}

func (t *jobs) first(is func(*job) bool) (job, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.all {
		if is(j) {
			return *j, true
		}
	}
	return job{}, false
}

// hide has an ended job not listed any more, if that one was and may is true of it.
func (t *jobs) hide(id string, may func(protocol.JobInfo) bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.ended {
		if j := &t.ended[i]; j.Job == id && !j.hidden && may(j.JobInfo) {
			j.hidden = true
			return true
		}
	}
	return false
}

// over is how a job ended whose record is gone, if that is remembered.
func (t *jobs) over(id string) (protocol.JobInfo, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range slices.Backward(t.ended) {
		if j.Job == id {
			return j.JobInfo, true
		}
	}
	return protocol.JobInfo{}, false
}

// running counts the open jobs by owner.
func (t *jobs) running() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := map[string]int{}
	for _, j := range t.all {
		if j.live() {
			n[j.info.Owner]++
		}
	}
	return n
}

// list is the jobs' records that may be seen, oldest first.
func (t *jobs) list(may func(protocol.JobInfo) bool) []protocol.JobInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []protocol.JobInfo
	for _, j := range t.ended {
		if !j.hidden && may(j.JobInfo) {
			out = append(out, j.JobInfo)
		}
	}
	for _, j := range t.all {
		if may(j.info) {
			out = append(out, j.info)
		}
	}
	slices.SortFunc(out, func(a, b protocol.JobInfo) int { return a.Opened.Compare(b.Opened) })
	return out
}

// digest is the jobs that have work, with what they have of the nodes, and whose they are.
func (t *jobs) digest(now time.Time, used map[string]protocol.Amounts) (out []protocol.JobDigest, owners map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, owners = []protocol.JobDigest{}, map[string]bool{}
	for id, j := range t.all {
		if j.live() || j.mayBeAdopted(now) {
			d := protocol.JobDigest{Job: id, Epoch: j.info.Epoch, Weight: j.info.Share.Weight}
			if u, ok := used[id]; ok && !u.IsZero() {
				d.Used = &u
			}
			out = append(out, d)
			owners[j.info.Owner] = true
		}
	}
	slices.SortFunc(out, func(a, b protocol.JobDigest) int { return strings.Compare(a.Job, b.Job) })
	return out, owners
}
