// Package daemon starts and stops the processes that stay on a machine behind the command line: each has a name, a lock
// that says that it runs, a record that says what it is, and a log.
//
// A service runs exactly if its lock is held. The kernel drops that with the process, however it ends, so nothing is
// believed of a record alone, and no process is signalled that isn't the service.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Folder is where a machine's services keep their state.
type Folder string

// Default is MUSTER_STATE, else muster in the user's folder for state.
func Default() (Folder, error) {
	if dir := os.Getenv("MUSTER_STATE"); dir != "" {
		return Folder(dir), nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return Folder(filepath.Join(dir, "muster")), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for state; set MUSTER_STATE: %w", err)
	}
	return Folder(filepath.Join(home, ".local", "state", "muster")), nil
}

func (f Folder) lockFile(name string) string { return filepath.Join(string(f), "run", name+".lock") }
func (f Folder) record(name string) string   { return filepath.Join(string(f), "run", name+".json") }

// LogFile is where a service in the background writes its log. An older part of it has the suffix .1.
func (f Folder) LogFile(name string) string { return filepath.Join(string(f), name+".log") }

// Record is what a service says about itself.
type Record struct {
	PID        int               `json:"pid"`
	Started    time.Time         `json:"started"`
	Foreground bool              `json:"foreground,omitempty"`
	About      map[string]string `json:"about,omitempty"` // addresses and the like
}

// ErrRunning is in the error of Hold for a service that runs already.
var ErrRunning = errors.New("it runs already")

// retry is how often a lock is tried while somebody may be looking whether it is held.
const retry = 5 * time.Millisecond

// Hold makes this process the service of that name, until it ends: there is no way to give it up before.
func (f Folder) Hold(ctx context.Context, name string) error {
	if err := os.MkdirAll(filepath.Dir(f.lockFile(name)), 0o700); err != nil {
		return fmt.Errorf("hold the %s of %s: %w", name, f, err)
	}
	lock := flock.New(f.lockFile(name), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, 100*retry)
	defer cancel()
	held, err := lock.TryLockContext(ctx, retry)
	switch {
	case held:
		holding.Store(name, lock)
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		r, _, _ := f.read(name) // only for the text
		return fmt.Errorf("the %s of %s: %w, as process %d", name, f, ErrRunning, r.PID)
	default:
		return fmt.Errorf("hold the %s of %s: %w", name, f, err)
	}
}

// Alone waits until no other command starts or stops services of the folder, within bounds that, and keeps others from it
// until release is called or this process ends.
func (f Folder) Alone(ctx context.Context, within time.Duration) (release func(), err error) {
	path := f.lockFile("command")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("wait for other commands on %s: %w", f, err)
	}
	lock := flock.New(path, flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 10*retry); err != nil {
		return nil, fmt.Errorf("another muster up, join or down is at work on %s: try again when it is done: %w", f, err)
	}
	return func() { _ = lock.Close() }, nil // the process's end would do it too
}

// holding keeps the locks from the garbage collector, which would close their files.
var holding sync.Map

// Tell writes the record of a service that this process holds.
func (f Folder) Tell(name string, foreground bool, about map[string]string) error {
	data, err := json.MarshalIndent(Record{os.Getpid(), time.Now(), foreground, about}, "", "  ")
	if err == nil {
		err = writeFile(f.record(name), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the record of the %s: %w", name, err)
	}
	return nil
}

func (f Folder) read(name string) (r Record, ok bool, err error) {
	data, err := os.ReadFile(f.record(name))
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, false, fmt.Errorf("read the record of the %s: %w", name, err)
	}
	return r, true, nil
}

// Last is what a service said about itself when it last ran, whether it still does or not.
func (f Folder) Last(name string) (Record, bool, error) { return f.read(name) }

// Running reports whether a service runs, and what it says about itself.
func (f Folder) Running(name string) (r Record, running bool, err error) {
	lock := flock.New(f.lockFile(name), flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, false, nil
	case err != nil:
		return r, false, fmt.Errorf("see whether the %s of %s runs: %w", name, f, err)
	case free:
		return r, false, lock.Close()
	}
	_ = lock.Close() // nothing was locked
	r, ok, err := f.read(name)
	if err == nil && !ok {
		err = fmt.Errorf("the %s of %s is just being started: try again in a moment", name, f)
	}
	return r, true, err
}

// writeFile replaces a file at once: a reader sees the old content or the new.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is of no use
	}
	return err
}
