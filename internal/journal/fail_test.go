package journal

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var errDisk = errors.New("the disk is gone")

// reports counts what a journal reports, and lets a test wait for it.
type reports struct {
	n     atomic.Int32
	first chan error
}

func newReports() *reports { return &reports{first: make(chan error, 1)} }

func (r *reports) report(err error) {
	if r.n.Add(1) == 1 {
		r.first <- err
	}
}

// fill appends n records of a size, with keys from name.
func fill(j *Journal, name string, n, size int) {
	for i := range n {
		k := keyOf(name, i)
		j.Append(Record{Key: k, Func: "f", Status: OK, Data: valueOf(k, size)}, one("f"))
	}
}

// found counts the records of fill that are there, which are the first ones.
func found(t *testing.T, j *Journal, name string, size int) int {
	t.Helper()
	for i := 0; ; i++ {
		k := keyOf(name, i)
		e, ok := j.Task(k)
		if !ok {
			return i
		}
		wantData(t, j, e, string(valueOf(k, size)))
	}
}

// A full disk is reported once; nothing blocks after it, and what was written before is there.
func TestDiskFull(t *testing.T) {
	m, told := &memory{}, newReports()
	left := 100_000
	m.faults.write = func(b []byte) (int, error) {
		if left -= len(b); left >= 0 {
			return 0, nil
		}
		return max(0, left+len(b)), syscall.ENOSPC
	}
	j, err := start(m, "mem", Run{}, told.report)
	if err != nil {
		t.Fatal(err)
	}
	fill(j, "full", 50, 10_000)
	if err := <-told.first; !errors.Is(err, syscall.ENOSPC) || err.Error() != "record in mem: "+syscall.ENOSPC.Error() {
		t.Errorf("it reports %v", err)
	}
	fill(j, "more", 3*bufferLimit/10_000, 10_000) // more than the buffer takes
	for range 2 {
		if err := j.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Close gives %v", err)
		}
	}
	if n := told.n.Load(); n != 1 {
		t.Errorf("%d reports", n)
	}
	if _, err := start(m, "mem", Run{}, nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk it opens with %v", err)
	}

	m.faults.write = nil
	j = begin(t, m)
	defer closed(t, j)
	if n := found(t, j, "full", 10_000); n != 9 {
		t.Errorf("%d records are left", n)
	}
	if o := j.Opened(); o.Records != 9 || o.Damaged != 0 || o.Epoch != 2 {
		t.Errorf("it opens with %+v", o)
	}
}

// What is behind the limit isn't recorded.
func TestLimit(t *testing.T) {
	m, told := &memory{}, newReports()
	j, err := start(m, "mem", Run{}, told.report)
	if err != nil {
		t.Fatal(err)
	}
	j.limit = j.end + 2000
	fill(j, "under", 1, 1000)
	fill(j, "over", 1, 2000)
	if err := <-told.first; !strings.HasSuffix(err.Error(), "bytes: nothing more is recorded") {
		t.Errorf("it reports %v", err)
	}
	if err := j.Close(); err == nil || told.n.Load() != 1 {
		t.Errorf("Close gives %v after %d reports", err, told.n.Load())
	}
	if int64(len(m.data)) > j.limit {
		t.Errorf("it has %d bytes", len(m.data))
	}
}

// A failing sync ends the recording like a failing write.
func TestSyncFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, told := &memory{}, newReports()
		syncs := 0
		m.faults.sync = func() error {
			if syncs++; syncs == 3 {
				return errDisk
			}
			return nil
		}
		j, err := start(m, "mem", Run{}, told.report)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(10*syncEvery + 1) // only the begin of the run is to be synced
		if syncs != 1 {
			t.Errorf("%d syncs of an idle journal", syncs)
		}
		fill(j, "a", 1, 10)
		<-time.After(syncEvery)
		fill(j, "b", 1, 10)
		if err := <-told.first; !errors.Is(err, errDisk) || syncs != 3 {
			t.Errorf("it reports %v after %d syncs", err, syncs)
		}
		fill(j, "c", 3*bufferLimit/10_000, 10_000)
		if err := j.Close(); !errors.Is(err, errDisk) || told.n.Load() != 1 {
			t.Errorf("Close gives %v after %d reports", err, told.n.Load())
		}
		if j := begin(t, m); j.Opened().Records != 2 || j.Close() != nil {
			t.Errorf("it opens with %+v", j.Opened())
		}
	})
}

// Whatever else fails after the first failure isn't reported.
func TestAllFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, told := &memory{}, newReports()
		m.faults.write = func([]byte) (int, error) {
			if m.broken.Load() {
				return 0, errDisk
			}
			return 0, nil
		}
		m.faults.close = func() error { return errors.New("no close") }
		j, err := start(m, "mem", Run{}, told.report)
		if err != nil {
			t.Fatal(err)
		}
		m.broken.Store(true)
		fill(j, "a", 1, 10)
		<-time.After(3 * syncEvery)
		if n := told.n.Load(); n != 1 {
			t.Errorf("%d reports", n)
		}
		if err := j.Close(); err == nil || err.Error() != (<-told.first).Error()+"\nno close" {
			t.Errorf("Close gives %v", err)
		}
	})
}

// What Close itself can't do, it returns.
func TestCloseFails(t *testing.T) {
	for name, f := range map[string]faults{
		"sync":  {sync: func() error { return errDisk }},
		"close": {close: func() error { return errDisk }},
	} {
		j, err := start(&memory{faults: f}, "mem", Run{}, func(err error) { t.Errorf("%s: it reports %v", name, err) })
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); !errors.Is(err, errDisk) {
			t.Errorf("%s: Close gives %v", name, err)
		}
	}
}
