package journal

import (
	"cmp"
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
	Size    int64 // of its folder, in bytes
	Used    time.Time
	Open    bool // a process has it open
	Runs    []Run
	Counts  []Count // by function, the most first
	Damaged int
}

// List describes the jobs below dir, the one used last first. A folder that can't be read is left out; its error is
// among those joined.
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
		if !e.IsDir() || CheckName(e.Name()) != nil {
			continue
		}
		j, err := Describe(dir, e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		jobs = append(jobs, j)
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
	dir = filepath.Join(dir, name)
	f, err := os.Open(filepath.Join(dir, fileName))
	if err != nil {
		return j, fmt.Errorf("job %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return j, fmt.Errorf("job %s: %w", name, err)
	}
	x := newIndex()
	if _, j.Damaged, err = scan(f, info.Size(), x); err != nil {
		return j, fmt.Errorf("job %s: %w", name, err)
	}
	j.Size, j.Used, j.Runs = info.Size(), info.ModTime(), x.runs
	for _, c := range x.counts {
		j.Counts = append(j.Counts, *c)
	}
	slices.SortFunc(j.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Done+b.Failed, a.Done+a.Failed), cmp.Compare(a.Func, b.Func))
	})
	j.Open = held(dir)
	return j, nil
}

func held(dir string) bool {
	l := flock.New(filepath.Join(dir, lockName))
	ok, err := l.TryRLock()
	if err != nil || !ok {
		return !ok && err == nil
	}
	_ = l.Unlock() // nothing depends on it
	return false
}

// Remove deletes a job and all that it has recorded. One that a process has open is a *HeldError.
func Remove(dir, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	folder := filepath.Join(dir, name)
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("job %s: %w", name, err)
	}
	h, err := hold(folder, name, Run{})
	if err != nil {
		return err
	}
	err = os.RemoveAll(folder)
	if err = errors.Join(err, h.release()); err != nil {
		return fmt.Errorf("remove job %s: %w", name, err)
	}
	return nil
}
