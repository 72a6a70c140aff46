package agent

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/musterrun/muster/internal/child"
)

// folder is the agent's: bin/ with executables, jobs/ with a folder for each job, workers/ with a file for each worker
// that runs, and the lock of who has it.
type folder struct {
	path string
	lock *flock.Flock
	log  *slog.Logger
}

// openFolder takes the folder, and ends what a predecessor left in it.
func openFolder(path string, log *slog.Logger) (*folder, error) {
	f := &folder{path: path, log: log}
	for _, dir := range []string{path, f.jobs(), f.workers()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open the agent's folder: %w", err)
		}
	}
	f.lock = flock.New(filepath.Join(path, "lock"))
	switch ok, err := f.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the agent's folder %s: %w", path, err)
	case !ok:
		return nil, fmt.Errorf("another agent uses the folder %s: stop it, or give this one a folder of its own", path)
	}
	f.endWorkers()
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
	path := f.record() + ".new"
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return os.Rename(path, f.record())
}

func (f *folder) record() string { return filepath.Join(f.path, "agent.json") }

func (f *folder) close() {
	_ = os.Remove(f.record())
	_ = f.lock.Close()
}

func (f *folder) jobs() string         { return filepath.Join(f.path, "jobs") }
func (f *folder) workers() string      { return filepath.Join(f.path, "workers") }
func (f *folder) job(id string) string { return filepath.Join(f.jobs(), id) }

// removeJob removes a job's folder.
func (f *folder) removeJob(id string) {
	if err := removeAll(f.job(id)); err != nil {
		f.log.Warn("a job's folder can't be removed; the next start tries again", "job", id, "error", err)
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
func (f *folder) noteWorker(pid int) {
	path := filepath.Join(f.workers(), strconv.Itoa(pid))
	if err := os.WriteFile(path, []byte(processBirth(pid)), 0o600); err != nil {
		f.log.Warn("a worker can't be noted: if this agent is killed, its successor won't know of it", "error", err)
	}
}

func (f *folder) forgetWorker(pid int) { _ = os.Remove(filepath.Join(f.workers(), strconv.Itoa(pid))) }

// endWorkers kills the workers that a predecessor left, with all that they have started.
func (f *folder) endWorkers() {
	entries, _ := os.ReadDir(f.workers())
	for _, e := range entries {
		path := filepath.Join(f.workers(), e.Name())
		pid, err := strconv.Atoi(e.Name())
		birth, readErr := os.ReadFile(path)
		if err == nil && readErr == nil && pid > 1 && leftover(pid, strings.TrimSpace(string(birth))) {
			f.log.Info("a worker that an earlier agent left is killed", "pid", pid)
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
