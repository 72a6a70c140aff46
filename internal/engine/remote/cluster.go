package remote

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
)

// User is a Cluster that is reached by an identity.
type User struct {
	join.Control
	id    join.Identity
	event func(string)
}

// Dial connects as a user. Event is told of the connection's losses and returns, a line each; nil for nobody.
func Dial(ctx context.Context, id join.Identity, event func(string)) (*User, error) {
	conn, err := join.Connect(ctx, id, join.Options{Event: event})
	if err != nil {
		return nil, err
	}
	return &User{join.Control{Conn: conn, Who: id.Name}, id, event}, nil
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

// small is up to how many bytes a file is copied while it is hashed, although the head may have it.
const small = 64 << 20

// place copies a file into the folder of the head's blobs, if that lies on this machine and this user may: to send it by
// message takes ten times as long. It needn't come to anything.
func (u *User) place(f *os.File, size int64) (finish func(hash string)) {
	if u.id.Blobs == "" {
		return func(string) {}
	}
	begin := func() <-chan string { return copyTo(u.id.Blobs, io.NewSectionReader(f, 0, size)) }
	var copied <-chan string
	if size <= small {
		copied = begin()
	}
	return func(hash string) {
		path := filepath.Join(u.id.Blobs, hash)
		_, err := os.Lstat(path)
		needed := hash != "" && errors.Is(err, fs.ErrNotExist)
		if copied == nil && needed {
			copied = begin()
		}
		if copied == nil {
			return
		}
		if from := <-copied; from != "" && (!needed || os.Rename(from, path) != nil) {
			_ = os.Remove(from)
		}
	}
}

// copyTo copies into a file of the folder, and gives its path; "" if it can't.
func copyTo(dir string, r io.Reader) <-chan string {
	path := make(chan string, 1)
	go func() {
		to, err := os.CreateTemp(dir, ".new-*")
		if err != nil {
			path <- ""
			return
		}
		_, err = io.Copy(to, r)
		if errors.Join(err, to.Close()) != nil {
			_ = os.Remove(to.Name())
			path <- ""
			return
		}
		path <- to.Name()
	}()
	return path
}
