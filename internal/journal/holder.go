package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/gofrs/flock"
)

// The files of a job's folder.
const (
	fileName   = "journal"
	lockName   = "lock"
	holderName = "holder" // who has the lock: on Windows a locked file can't be read
)

// Run is one time that the job was open.
type Run struct {
	Epoch   int
	Started time.Time
	Host    string
	PID     int
	Program []string // the executable and its arguments, up to 4 KiB
}

// programLimit bounds a run's program: it is for people, and a command may have a million file names.
const programLimit = 4 << 10

func (r Run) clipped() Run {
	size := 0
	for i, arg := range r.Program {
		if size += len(arg) + 1; size > programLimit {
			r.Program = append(r.Program[:i:i], "...")
			break
		}
	}
	r.Host = r.Host[:min(len(r.Host), 256)]
	return r
}

// HeldError says that another process has the job open. The holder is unknown, and its PID 0, for a moment after it has
// opened the job.
type HeldError struct {
	Job    string
	Holder Run
}

func (e *HeldError) Error() string {
	h := e.Holder
	if h.PID == 0 {
		return fmt.Sprintf("job %s is open in another process: wait for it, or stop it", e.Job)
	}
	program := strings.Join(h.Program, " ")
	if len(program) > 200 {
		program = strings.ToValidUTF8(program[:200], "") + "..."
	}
	return fmt.Sprintf("job %s is open in process %d on %s, since %s (%s): wait for it, or stop it",
		e.Job, h.PID, h.Host, h.Started.Format(time.DateTime), program)
}

// holding is the lock of a job's folder. The kernel releases it when the process dies.
type holding struct {
	dir  string // the folder
	lock *flock.Flock
}

// patience is how long an opener waits for one who only looks at the job, or is just ending.
const patience = 200 * time.Millisecond

// hold locks the folder of a job below dir. Without create it must be there.
func hold(dir, name string, create bool) (*holding, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := &holding{dir: filepath.Join(dir, folderOf(name))}
	for {
		if create {
			if err := os.MkdirAll(h.dir, 0o700); err != nil {
				return nil, fmt.Errorf("open job %s: %w", name, err)
			}
		}
		h.lock = flock.New(filepath.Join(h.dir, lockName))
		ok, err := h.lock.TryLockContext(ctx, patience/20)
		switch {
		case ok && h.current():
			return h, nil
		case ok: // Remove was faster, and this is the lock of a job that is gone
			_ = h.lock.Unlock()
		case ctx.Err() != nil:
			return nil, h.held(name)
		case !create || !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("open job %s: lock: %w", name, err)
		}
	}
}

// current reports whether the file that is locked is the one that others will lock.
func (h *holding) current() bool {
	ours, err := h.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(h.lock.Path())
	return err == nil && os.SameFile(ours, there)
}

func (h *holding) held(name string) error {
	held := &HeldError{Job: name}
	if data, err := os.ReadFile(filepath.Join(h.dir, holderName)); err == nil {
		_ = json.Unmarshal(data, &held.Holder) // without it the error is less exact
	}
	return held
}

// tell lets others know who holds the lock. On a full disk they won't.
func (h *holding) tell(run Run) {
	if data, err := json.Marshal(run); err == nil {
		_ = os.WriteFile(filepath.Join(h.dir, holderName), data, 0o600)
	}
}

func (h *holding) release() error {
	_ = os.Remove(filepath.Join(h.dir, holderName)) // one that is left misleads for a moment at most
	return h.lock.Unlock()
}

// folderOf is the name of a job's folder: a capital is written as the small letter behind "=", so that names that differ
// by case are two jobs where the file system doesn't tell them apart.
func folderOf(name string) string {
	var b strings.Builder
	for _, c := range name {
		if lower := unicode.ToLower(c); lower != c {
			b.WriteByte('=')
			c = lower
		}
		b.WriteRune(c)
	}
	return b.String()
}

// nameOf is the reverse; false for a folder that is no job's.
func nameOf(folder string) (string, bool) {
	parts := strings.Split(folder, "=")
	for i, p := range parts[1:] {
		if p == "" {
			return "", false
		}
		parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
	}
	name := strings.Join(parts, "")
	return name, CheckName(name) == nil && folderOf(name) == folder
}

// CheckName says what is wrong with a job's name: it is a folder's, too, on any system.
func CheckName(name string) error {
	alnum := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
	ok := name != "" && len(name) <= 100 && alnum(name[0]) && name[len(name)-1] != '.' && filepath.IsLocal(name)
	for i := range len(name) {
		ok = ok && (alnum(name[i]) || strings.IndexByte("._-", name[i]) >= 0)
	}
	if !ok {
		return fmt.Errorf("job %q: a job's name is of up to 100 letters, digits, dots, dashes and underscores, "+
			"begins with a letter or digit and doesn't end with a dot", name)
	}
	return nil
}
