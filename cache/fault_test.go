package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/musterrun/muster/event"
)

// faulty is a disk whose step number fail fails, counted from 1, and every step with the name always. Steps are named
// in the order in which they came.
type faulty struct {
	disk
	mu    sync.Mutex
	steps []string
	fail  int
	err   error

	always string
}

func (d *faulty) step(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps = append(d.steps, name)
	if len(d.steps) == d.fail || name == d.always {
		return fmt.Errorf("%s: %w", name, d.err)
	}
	return nil
}

func (d *faulty) MakeDir(path string) error {
	if err := d.step("makedir"); err != nil {
		return err
	}
	return d.disk.MakeDir(path)
}

func (d *faulty) Lock(path string) (lock, bool, error) {
	if err := d.step("lock"); err != nil {
		return lock{}, false, err
	}
	return d.disk.Lock(path)
}

func (d *faulty) Open(path string, dirty bool) (file, error) {
	if err := d.step("open"); err != nil {
		return nil, err
	}
	f, err := d.disk.Open(path, dirty)
	return &faultyFile{f, d}, err
}

func (d *faulty) Rename(from, to string) error {
	if err := d.step("rename"); err != nil {
		return err
	}
	return d.disk.Rename(from, to)
}

func (d *faulty) Remove(path string) error {
	if err := d.step("remove"); err != nil {
		return err
	}
	return d.disk.Remove(path)
}

type faultyFile struct {
	file
	d *faulty
}

// WriteAt writes a half before it fails, as a disk does that gets full.
func (f *faultyFile) WriteAt(b []byte, offset int64) (int, error) {
	if err := f.d.step("write"); err != nil {
		n, _ := f.file.WriteAt(b[:len(b)/2], offset)
		return n, err
	}
	return f.file.WriteAt(b, offset)
}

func (f *faultyFile) Sync() error {
	if err := f.d.step("sync"); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Close() error {
	err := f.file.Close()
	if e := f.d.step("close"); e != nil {
		return e
	}
	return err
}

// Whatever step fails, with a lock or without: the value is returned, the failure reported, nothing partial found or
// left, and the next call stores.
func TestEachStepOfStoringFails(t *testing.T) {
	for name, v := range map[string]Value{
		"small": {Data: []byte("a small value")}, "large": {Data: pattern(wholeRead + 1)}, "mapped": {Data: pattern(MapFrom), Raw: true},
	} {
		for _, always := range []string{"", "lock"} {
			t.Run(name+" "+always, func(t *testing.T) {
				failed := failEachStep(t, v, always)
				want := []string{"lock", "makedir", "open", "write", "close", "rename"}
				if v.Raw {
					want = append(want, "sync")
				}
				for _, step := range want {
					if !slices.Contains(failed, step) {
						t.Errorf("%s never failed, only %q", step, failed)
					}
				}
			})
		}
	}
}

// failEachStep stores with one step after the other failing, and returns which these were.
func failEachStep(t *testing.T, v Value, always string) (failed []string) {
	t.Helper()
	for fail := 1; ; fail++ {
		s, n := open(t, t.TempDir(), 10<<30)
		d := &faulty{disk: realDisk{}, fail: fail, always: always, err: syscall.ENOSPC}
		s.disk = d
		c := callFor("faulty", v)
		if got := stores(t, s, c); string(got.Data) != string(v.Data) {
			t.Fatalf("step %d: the value is lost", fail)
		}
		noParts(t, s)
		if len(d.steps) < fail {
			return failed
		}
		step := d.steps[fail-1]
		failed = append(failed, step)
		checkFailure(t, n, step, c)
		s.disk = realDisk{}
		if _, ok, err := s.Get(c.Key); !ok && err == nil {
			stores(t, s, c)
		}
		hits(t, s, c, v.Data)
		if all := n.take(); len(all) > 0 {
			t.Errorf("step %d, %s: later reported %v", fail, step, all)
		}
		closeStore(t, s)
		again, _ := open(t, s.Dir(), 1<<30)
		hits(t, again, c, v.Data)
	}
}

func checkFailure(t *testing.T, n *notices, step string, c Call) {
	t.Helper()
	all := n.take()
	if len(all) != 1 || all[0].Kind != event.CacheFailed || all[0].Key != c.Key || !errors.Is(all[0].Err, syscall.ENOSPC) {
		t.Fatalf("%s failed: reported %v", step, all)
	}
	text := all[0].Err.Error()
	if step != "lock" && step != "makedir" {
		for _, part := range []string{"test.faulty", "v1", "B) in ", "free space on that disk", "10 GiB"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s failed: %q doesn't say %q", step, text, part)
			}
		}
	}
}

// A store that can't move a damaged entry aside misses all the same, and replaces it.
func TestDamagedEntryThatStays(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	c := callFor("stays", Value{Data: []byte("x")})
	stores(t, s, c)
	path := s.entryPath(&c.Key)
	f, err := s.disk.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.disk = &faulty{disk: realDisk{}, always: "rename", err: errors.New("no")}
	if _, ok, err := s.Get(c.Key); ok || err != nil {
		t.Errorf("Get: %v, %v", ok, err)
	}
	all := n.take()
	if len(all) != 1 || all[0].Kind != event.CacheCorrupt || all[0].Path != path ||
		!strings.Contains(all[0].Err.Error(), "can't be moved aside") {
		t.Errorf("reported %v", all)
	}
	s.disk = realDisk{}
	stores(t, s, c)
	hits(t, s, c, []byte("x"))
}
