package head

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// folder is where a head keeps everything.
type folder string

func (f folder) keys() string       { return filepath.Join(string(f), "keys") }
func (f folder) ca() string         { return filepath.Join(string(f), "ca") }
func (f folder) nats() string       { return filepath.Join(string(f), "nats") }
func (f folder) jobs() string       { return filepath.Join(string(f), "jobs") }
func (f folder) blobs() string      { return filepath.Join(string(f), "blobs") }
func (f folder) drivers() string    { return filepath.Join(string(f), "drivers") }
func (f folder) history() string    { return filepath.Join(string(f), "history") }
func (f folder) metrics() string    { return filepath.Join(string(f), "metrics") }
func (f folder) tokens() string     { return filepath.Join(string(f), "tokens.json") }
func (f folder) identities() string { return filepath.Join(string(f), "identities.json") }
func (f folder) users() string      { return filepath.Join(string(f), "users.json") }
func (f folder) settings() string   { return filepath.Join(string(f), "head.json") }
func (f folder) pidFile() string    { return filepath.Join(string(f), "pid") }
func (f folder) lockFile() string   { return filepath.Join(string(f), "lock") }

// folderIn is the head's folder in a state folder.
func folderIn(state string) folder { return folder(filepath.Join(state, "head")) }

// BlobsIn is where a head with that state folder keeps its blobs.
func BlobsIn(state string) string { return folderIn(state).blobs() }

// settings are what a head remembers of its earlier starts, and tells about itself: head.json.
type settings struct {
	Cluster string `json:"cluster"`
	Addr    string `json:"addr"`
	NATS    string `json:"nats,omitempty"` // the URLs of servers that aren't the head's own
	Join    string `json:"join"`
}

// fits refuses to go on with a cluster whose messages others carry than before: its jobs' records aren't there, and its
// nodes and users look for them where they were.
func (s *settings) fits(external bool) error {
	switch {
	case s.NATS != "" && !external:
		return fmt.Errorf("this cluster uses the NATS servers at %s: give --nats as before, or begin a new cluster with another --state", s.NATS)
	case s.NATS == "" && s.Addr != "" && external:
		return errors.New("this cluster has its own NATS server, and can't go on with another: begin a new cluster with another --state")
	}
	return nil
}

// openFolder makes the folders and takes the lock, which the kernel drops with the process.
func openFolder(state string) (folder, *flock.Flock, error) {
	f := folderIn(state)
	for _, dir := range []string{string(f), f.keys(), f.ca(), f.nats(), f.jobs(), f.drivers(), f.blobs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return f, nil, fmt.Errorf("make the head's folder: %w", err)
		}
	}
	lock := flock.New(f.lockFile(), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return f, nil, fmt.Errorf("lock the head's folder %s: %w", f, err)
	}
	if !held {
		pid, _ := os.ReadFile(f.pidFile()) // only for the text
		return f, nil, fmt.Errorf("another head (process %s) has the folder %s: stop that one, or choose another state folder",
			bytes.TrimSpace(pid), f)
	}
	return f, lock, f.tidy()
}

// tidy removes what a killed predecessor was writing.
func (f folder) tidy() error {
	var errs []error
	for _, dir := range []string{string(f), f.keys(), f.ca(), f.jobs(), f.drivers(), f.blobs()} {
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".new-") {
				errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
			}
		}
	}
	return errors.Join(errs...)
}
