package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The files of a job's folder.
const (
	fileName   = "journal"
	lockName   = "lock"
	holderName = "holder"
)

// HeldError says that another process has the job open.
type HeldError struct {
	Job    string
	Holder Run
}

func (e *HeldError) Error() string {
	h := e.Holder
	if h.PID == 0 {
		return fmt.Sprintf("job %s is open in another process: wait for it, or stop it", e.Job)
	}
	return fmt.Sprintf("job %s is open in process %d on %s, since %s (%s): wait for it, or stop it",
		e.Job, h.PID, h.Host, h.Started.Format(time.DateTime), strings.Join(h.Program, " "))
}

// holding is the lock of a job's folder. The kernel releases it when the process dies.
type holding struct{ lock *flock.Flock }

// patience is how long an opener waits for one who only looks at the job, or is just ending.
const patience = 200 * time.Millisecond

func hold(dir, name string, run Run) (*holding, error) {
	h := &holding{flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ok, err := h.lock.TryLockContext(ctx, patience/20)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("open job %s: lock: %w", name, err)
	}
	if !ok {
		held := &HeldError{Job: name}
		if data, err := os.ReadFile(filepath.Join(dir, holderName)); err == nil {
			_ = json.Unmarshal(data, &held.Holder) // without it the error is less exact
		}
		return nil, held
	}
	data, err := json.Marshal(run)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, holderName), data, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open job %s: %w", name, err), h.release())
	}
	return h, nil
}

func (h *holding) release() error { return h.lock.Unlock() }

// CheckName says what is wrong with a job's name: it is a folder's, too.
func CheckName(name string) error {
	ok := name != "" && len(name) <= 100 && name[0] != '.' && name[0] != '-'
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c))
	}
	if !ok {
		return fmt.Errorf("job %q: a job's name is of up to 100 letters, digits, dots, dashes and underscores, and begins with a letter or digit", name)
	}
	return nil
}
