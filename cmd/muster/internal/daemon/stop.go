package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// killed is how long a process may take to be gone that was killed.
const killed = 5 * time.Second

// Stop ends a service and waits until its process is gone: it is asked to end, and killed after grace. It reports
// whether the service ran.
func (f Folder) Stop(ctx context.Context, name string, grace time.Duration) (ran bool, err error) {
	r, running, err := f.Running(name)
	if err != nil || !running {
		return running, err
	}
	p, err := os.FindProcess(r.PID)
	if err == nil {
		err = terminate(p)
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return true, fmt.Errorf("stop the %s, process %d: %w", name, r.PID, err)
	}
	if f.gone(ctx, name, grace) {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return true, fmt.Errorf("stop the %s, process %d: %w", name, r.PID, err)
	}
	_ = p.Kill() // it may be gone by now; that is what is looked at next
	if f.gone(ctx, name, killed) {
		return true, nil
	}
	return true, fmt.Errorf("stop the %s: process %d was killed and isn't gone after %v; does its disk hang?", name, r.PID, killed)
}

// gone waits until a service's lock is free.
func (f Folder) gone(ctx context.Context, name string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	lock := flock.New(f.lockFile(name), flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLockContext(ctx, retry)
	_ = lock.Close() // it was held to see that nobody else does
	return free && err == nil
}
