package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// Job is what is known of a job from outside.
type Job struct {
	Name    string
	Size    int64 // of its file, in bytes
	Used    time.Time
	Open    bool // a process has it open
	Runs    []Run
	Counts  []Count // by function, the most first
	Damaged int     // as in Opened
}

// List describes the jobs below dir, the one used last first. A job that can't be read is left out; its error is among
// those joined. What else is in dir is passed over.
func List(dir string) ([]Job, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	var jobs []Job
	var errs []error
	for _, e := range entries {
		name, ok := nameOf(e.Name())
		if !e.IsDir() || !ok {
			continue
		}
		switch j, err := Describe(dir, name); {
		case err == nil:
			jobs = append(jobs, j)
		case !errors.Is(err, fs.ErrNotExist): // a folder without a journal is no job
			errs = append(errs, err)
		}
	}
	slices.SortFunc(jobs, func(a, b Job) int { return b.Used.Compare(a.Used) })
	return jobs, errors.Join(errs...)
}

// Describe reads a job, which may be open. One that isn't there is an error that is fs.ErrNotExist.
func Describe(dir, name string) (Job, error) {
	j := Job{Name: name}
	if err := CheckName(name); err != nil {
		return j, err
	}
	folder := filepath.Join(dir, folderOf(name))
	f, err := os.Open(filepath.Join(folder, fileName))
	if err != nil {
		return j, fmt.Errorf("job %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return j, fmt.Errorf("job %s: %w", name, err)
	}
	x := newIndex()
	found, err := scan(f, info.Size(), x)
	if err != nil {
		return j, fmt.Errorf("job %s: %s: %w", name, f.Name(), err)
	}
	j.Size, j.Used, j.Runs, j.Damaged, j.Counts = info.Size(), info.ModTime(), x.runs, found.damaged, x.counted()
	j.Open = held(folder)
	return j, nil
}

// held tries the lock without making one.
func held(folder string) bool {
	l := flock.New(filepath.Join(folder, lockName), flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if ok {
		_ = l.Unlock() // nothing depends on it
	}
	return !ok && err == nil
}

// Remove deletes a job and all that it has recorded, and its folder unless there are files of others in it. A job that a
// process has open is a *HeldError, and one that isn't there an error that is fs.ErrNotExist.
func Remove(dir, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	folder := filepath.Join(dir, folderOf(name))
	_, err := os.Stat(filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrNotExist) { // an opening that failed leaves the lock
		_, err = os.Stat(filepath.Join(folder, lockName))
	}
	if err != nil {
		return fmt.Errorf("remove job %s: %w", name, err)
	}
	h, err := hold(dir, name, false)
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(folder, fileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("remove job %s: %w", name, err), h.release())
	}
	return h.removeLock()
}

// removeLock removes the lock while it is held, so that nobody can lock it behind. Windows doesn't remove a file that is
// open: neither this one, nor that of one who has been quick enough to open the job anew.
func (h *holding) removeLock() error {
	_ = os.Remove(filepath.Join(h.dir, holderName))
	removed := os.Remove(h.lock.Path())
	err := h.lock.Unlock()
	if removed != nil {
		_ = os.Remove(h.lock.Path())
	}
	_ = os.Remove(h.dir)
	return err
}
