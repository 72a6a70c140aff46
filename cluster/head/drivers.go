package head

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/musterrun/muster/protocol"
)

// keptDrivers is how many submissions that have ended are kept: the oldest of who has the most go first.
const keptDrivers = 1000

// drivers is the table of submissions. Each has a file, written before anybody learns of a change.
type drivers struct {
	dir  string
	wake chan struct{} // something is to be decided

	change sync.Mutex // held by who changes one, over its I/O

	mu  sync.Mutex
	all map[string]submission
}

func openDrivers(dir string) (*drivers, error) {
	t := &drivers{dir: dir, wake: make(chan struct{}, 1), all: map[string]submission{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the records of submissions: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		var s submission
		if err := readJSON(filepath.Join(dir, e.Name()), &s); err != nil {
			return nil, err
		}
		if s.ID != id {
			return nil, fmt.Errorf("%s is the record of another submission, %q: put it back, or remove it",
				filepath.Join(dir, e.Name()), s.ID)
		}
		t.all[id] = s
	}
	return t, nil
}

func (t *drivers) path(id string) string { return filepath.Join(t.dir, id+".json") }

// store writes a record, and then changes the table. The change lock is held.
func (t *drivers) store(s *submission) error {
	if err := writeJSON(t.path(s.ID), s); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[s.ID] = *s
	return nil
}

// note changes what isn't in the record. The change lock is held.
func (t *drivers) note(s *submission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[s.ID] = *s
}

// remove forgets one. The change lock is held.
func (t *drivers) remove(id string) error {
	if err := os.Remove(t.path(id)); err != nil {
		return fmt.Errorf("remove the record of submission %s: %w", id, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, id)
	return nil
}

func (t *drivers) get(id string) (submission, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.all[id]
	return s, ok
}

// find is the submission of that owner with that name: the live one, or else the one that has ended.
func (t *drivers) find(owner, name string) (found submission, ok bool) {
	for _, s := range t.list() {
		if s.Owner == owner && s.Name == name && (!ok || s.State.Live()) {
			found, ok = s, true
		}
	}
	return found, ok
}

// byKey is the one whose running attempt has that key.
func (t *drivers) byKey(public string) (submission, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.all {
		if public != "" && s.PublicKey == public {
			return s, true
		}
	}
	return submission{}, false
}

// report notes which drivers a node has, by its agent's report: one that runs there and isn't in it is missed. A report may
// be older than the driver.
func (t *drivers) report(n *protocol.NodeInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, s := range t.all {
		if s.Node != n.Node || s.State != protocol.DriverRunning || !s.Life.Equal(n.Started) {
			continue
		}
		if s.missed++; slices.Contains(n.Drivers, s.current()) {
			s.missed = 0
		}
		t.all[id] = s
	}
}

// list is all of them, oldest first.
func (t *drivers) list() []submission {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedFunc(maps.Values(t.all), func(a, b submission) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
	})
}

// liveNames is whose submissions live, by owner and name.
func (t *drivers) liveNames() map[[2]string]bool {
	names := map[[2]string]bool{}
	for _, s := range t.list() {
		if s.State.Live() {
			names[[2]string{s.Owner, s.Name}] = true
		}
	}
	return names
}

// surplus is the ids of those that have ended and are too many, the first to go first.
func (t *drivers) surplus(most int) (ids []string) {
	ended := slices.DeleteFunc(t.list(), func(s submission) bool { return s.State.Live() })
	if len(ended) <= most {
		return nil
	}
	slices.SortStableFunc(ended, func(a, b submission) int { return a.Ended.Compare(b.Ended) })
	owners := make([]string, len(ended))
	for i := range ended {
		owners[i] = ended[i].Owner
	}
	for _, i := range surplus(owners, most) {
		ids = append(ids, ended[i].ID)
	}
	return ids
}

// look has what is to be decided be decided soon.
func (t *drivers) look() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// blobs adds what live submissions need, and nobody else may have yet.
func (t *drivers) blobs(named map[string]bool) {
	for _, s := range t.list() {
		if !s.State.Live() {
			continue
		}
		for _, b := range s.Spec.Binaries {
			named[b.Hash] = true
		}
		for _, f := range s.Spec.Files {
			named[f.Hash] = true
		}
	}
}

// byNode counts the drivers of each node.
func (t *drivers) byNode() map[string]int {
	n := map[string]int{}
	for _, s := range t.list() {
		if s.State == protocol.DriverStarting || s.State == protocol.DriverRunning {
			n[s.Node]++
		}
	}
	return n
}
