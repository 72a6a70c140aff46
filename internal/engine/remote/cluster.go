package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/object"
)

// User is a Cluster that is reached by an identity.
type User struct {
	join.Control
	id    join.Identity
	event func(string)
}

// Dial connects as a user. Event is told of the connection's losses and returns, a line each; nil for nobody. Files that are
// to be uploaded then may be named: while the head answers, they are copied to it if it is on this machine.
func Dial(ctx context.Context, id join.Identity, event func(string), files ...string) (*User, error) {
	if event != nil {
		event = withoutEchoes(event)
	}
	u := &User{id: id, event: event}
	var placing sync.WaitGroup
	defer placing.Wait() // before they are uploaded
	placing.Go(func() {
		for _, path := range files {
			u.placeAhead(path)
		}
	})
	conn, err := join.Connect(ctx, id, join.Options{Event: event})
	if err != nil {
		return nil, err
	}
	u.Control = join.Control{Conn: conn, Who: id.Name}
	return u, nil
}

// placeAhead places a file, and remembers its hash for the upload, which says what is wrong if anything is.
func (u *User) placeAhead(path string) {
	if u.id.Blobs == "" {
		return
	}
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return
	}
	state := stateOf(path, info)
	if hashes.get(state) != "" {
		return // then the head most likely has it
	}
	if hash := u.place(f, info.Size()); hash != "" {
		hashes.put(state, hash)
	}
}

// withoutEchoes drops a line that is the same as the one before: what befalls a head, both the user's connection and the
// job's tell of.
func withoutEchoes(event func(string)) func(string) {
	var mu sync.Mutex
	last := ""
	return func(line string) {
		mu.Lock()
		again := line == last
		last = line
		mu.Unlock()
		if !again {
			event(line)
		}
	}
}

// Connect connects as a job of the user's.
func (u *User) Connect(ctx context.Context, job, jwt, seed string) (*nats.Conn, Control, error) {
	conn, err := join.Connect(ctx, u.id.As(job, join.RoleJob, jwt, seed), join.Options{Event: u.event})
	if err != nil {
		return nil, nil, err
	}
	return conn, join.Control{Conn: conn, Who: job}, nil
}

// Close closes the user's connection. Jobs that were opened go on.
func (u *User) Close() { u.Conn.Close() }

// small is up to how many bytes a file is copied without a look whether the head has it, which costs its hash.
const small = 64 << 20

// place copies a file into the folder of the head's blobs, if that lies on this machine and this user may: to send it by
// message takes ten times as long. What it copies it hashes on the way, so what gets the hash as its name has it.
func (u *User) place(f *os.File, size int64) (hash string) {
	if u.id.Blobs == "" {
		return ""
	}
	if size > small {
		hash, err := hashOf(f, size)
		if err != nil {
			return "" // the hash is that of a part
		}
		if isThere(filepath.Join(u.id.Blobs, hash)) {
			return hash
		}
	}
	copied, hash := copyTo(u.id.Blobs, io.NewSectionReader(f, 0, size), size)
	if copied == "" {
		return ""
	}
	path := filepath.Join(u.id.Blobs, hash)
	if isThere(path) || os.Rename(copied, path) != nil {
		_ = os.Remove(copied)
	}
	return hash
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// copyTo copies into a new file of the folder, and gives its path and the hash of what is in it; "" if it can't.
func copyTo(dir string, r io.Reader, size int64) (path, hash string) {
	to, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", ""
	}
	s := object.Seal(to)
	n, err := s.ReadFrom(r)
	if err = errors.Join(err, to.Close()); err != nil || n != size {
		_ = os.Remove(to.Name())
		return "", ""
	}
	return to.Name(), s.ID()
}
