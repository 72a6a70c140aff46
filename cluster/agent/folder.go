package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/musterrun/muster/internal/child"
)

// folder is the agent's: bin/ with executables, jobs/ with a folder and a log for each job, workers/ with a file for each
// worker that runs, and the lock of who has it.
type folder struct {
	path   string
	shared bool // workers run under other accounts
	lock   *flock.Flock
	log    *slog.Logger
}

// openFolder takes the folder, and ends what a predecessor left in it.
func openFolder(path string, shared bool, log *slog.Logger) (*folder, error) {
	f := &folder{path: path, shared: shared, log: log}
	for _, dir := range []string{path, f.jobs(), f.workers(), f.drivers()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open the agent's folder: %w", err)
		}
	}
	if err := errors.Join(f.open(path), f.open(f.jobs())); err != nil {
		return nil, err
	}
	f.lock = flock.New(filepath.Join(path, "lock"))
	switch ok, err := f.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the agent's folder %s: %w", path, err)
	case !ok:
		return nil, fmt.Errorf("another agent uses the folder %s: stop it, or give this one a folder of its own", path)
	}
	f.endLeft(f.workers())
	f.endLeft(f.drivers())
	f.sweepJobs()
	return f, nil
}

// Record is what agent.json in the agent's folder holds while the agent runs: for programs that look for it.
type Record struct {
	Node string `json:"node"`
	PID  int    `json:"pid"`
}

// note writes agent.json.
func (f *folder) note(node string) error {
	data, err := json.Marshal(Record{node, os.Getpid()})
	if err != nil {
		return err
	}
	return replace(f.record(), data)
}

// replace writes a file at once: whoever reads it sees what it had, or all of what it has now.
func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// drained is where it is written down that the node is to take no tasks: the node's id, so that what was said to the node
// of another cluster doesn't count.
func (f *folder) drained() string { return filepath.Join(f.path, "drained") }

// keepDrained writes down whether the node takes tasks, for who comes after this agent.
func (f *folder) keepDrained(node string, on bool) error {
	if on {
		return replace(f.drained(), []byte(node+"\n"))
	}
	err := os.Remove(f.drained())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// wasDrained reports whether the node was told to take no tasks.
func (f *folder) wasDrained(node string) bool {
	data, err := os.ReadFile(f.drained())
	return err == nil && strings.TrimSpace(string(data)) == node
}

func (f *folder) record() string { return filepath.Join(f.path, "agent.json") }

func (f *folder) close() {
	_ = os.Remove(f.record())
	_ = f.lock.Close()
}

func (f *folder) jobs() string         { return filepath.Join(f.path, "jobs") }
func (f *folder) workers() string      { return filepath.Join(f.path, "workers") }
func (f *folder) drivers() string      { return filepath.Join(f.path, "drivers") }
func (f *folder) job(id string) string { return filepath.Join(f.jobs(), id) }

func (f *folder) jobLog(id string) string { return f.job(id) + ".log" }

// open lets workers under other accounts pass through a folder, and not see what is in it.
func (f *folder) open(dir string) error {
	if !f.shared {
		return nil
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // folders below are their owners' alone
		return fmt.Errorf("open the agent's folder to workers: %w", err)
	}
	return nil
}

// reachable says whether one can get at executables and job folders.
func (f *folder) reachable() error {
	for _, dir := range []string{f.jobs(), filepath.Join(f.path, "bin")} {
		if _, err := os.Stat(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// makeJob makes a job's folder, which is the account's alone, unless it is there.
func (f *folder) makeJob(id string, acc *account) (dir string, err error) {
	dir = f.job(id)
	err = os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return dir, nil
	}
	if err == nil {
		err = acc.give(dir)
	}
	return dir, err
}

// removeJob removes a job's folder, as whose it is, and its log.
func (f *folder) removeJob(id string) {
	f.removeFolder(id)
	f.removeLog(f.jobLog(id))
}

// removeFolder removes the folder alone.
func (f *folder) removeFolder(id string) {
	dir := f.job(id)
	err := ownerOf(dir).do(func() error { return removeAll(dir) })
	if err != nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		f.log.Warn("a job's folder can't be removed; the next start tries again", "job", id, "error", err)
	}
}

func (f *folder) removeLog(path string) {
	if err := errors.Join(os.RemoveAll(path), os.RemoveAll(path+".old")); err != nil {
		f.log.Warn("a log can't be removed; the next start tries again", "path", path, "error", err)
	}
}

// removeAll is os.RemoveAll for a tree in which a program may have made folders that can't be written to.
func removeAll(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700) //nolint:gosec // its owner's alone
		}
		return nil
	})
	return os.RemoveAll(path)
}

// sweepJobs removes the folders that a predecessor left.
func (f *folder) sweepJobs() {
	entries, _ := os.ReadDir(f.jobs())
	for _, e := range entries {
		f.removeJob(e.Name())
	}
}

// noteWorker writes down that a worker runs, so that a successor can end it: its process, and when that began, since
// numbers of processes are used again.
func (f *folder) noteWorker(pid int) { f.noteProcess(f.workers(), pid) }

func (f *folder) forgetWorker(pid int) { _ = os.Remove(filepath.Join(f.workers(), strconv.Itoa(pid))) }

// noteDriver does the same for a driver.
func (f *folder) noteDriver(pid int) { f.noteProcess(f.drivers(), pid) }

func (f *folder) forgetDriver(pid int) { _ = os.Remove(filepath.Join(f.drivers(), strconv.Itoa(pid))) }

func (f *folder) noteProcess(dir string, pid int) {
	path := filepath.Join(dir, strconv.Itoa(pid))
	if err := os.WriteFile(path, []byte(processBirth(pid)), 0o600); err != nil {
		f.log.Warn("a process can't be noted: if this agent is killed, its successor won't know of it", "error", err)
	}
}

// endLeft kills the workers and drivers that a predecessor left, with all that they have started.
func (f *folder) endLeft(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		pid, err := strconv.Atoi(e.Name())
		birth, readErr := os.ReadFile(path)
		if err == nil && readErr == nil && pid > 1 && leftover(pid, strings.TrimSpace(string(birth))) {
			f.log.Info("a process that an earlier agent left is killed", "pid", pid)
			child.KillGroup(pid)
		}
		_ = os.Remove(path)
	}
}

// leftover reports whether the process group pid is the one that was noted. While a process of it is there, no other
// group can get its number; if its first process is gone, what is left of the group is the one that was noted.
func leftover(pid int, birth string) bool {
	now := processBirth(pid)
	return now == "" || birth != "" && now == birth
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
