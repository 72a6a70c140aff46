package journal

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a disk that is so slow that each write waits for the test: nil lets it go on.
type gate chan error

func (g gate) write([]byte) (int, error) { return 0, <-g }

// behind gives a journal whose disk stands still and whose buffer is full: one more Append has been called, and waits.
func behind(t *testing.T, report func(error)) (*memory, *Journal, gate, *atomic.Bool) {
	m, g, went := &memory{}, make(gate), &atomic.Bool{}
	j, err := start(m, "mem", Run{}, report)
	if err != nil {
		t.Fatal(err)
	}
	m.faults.write = g.write
	fill(j, "first", 1, 10)
	synctest.Wait() // until the writer has that one, and waits for the disk
	fill(j, "large", 2, bufferLimit/2)
	go func() {
		fill(j, "waiting", 1, 10)
		went.Store(true)
	}()
	if synctest.Wait(); went.Load() {
		t.Fatal("Append doesn't wait for the disk")
	}
	return m, j, g, went
}

func TestAppendWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, j, g, went := behind(t, nil)
		g <- nil
		if synctest.Wait(); !went.Load() {
			t.Error("Append still waits when the buffer is taken")
		}
		close(g)
		closed(t, j)
		m.faults.write = nil
		j = begin(t, m)
		defer closed(t, j)
		if o := j.Opened(); o.Records != 4 || found(t, j, "waiting", 10) != 1 {
			t.Errorf("it opens with %+v", o)
		}
	})
}

func TestAppendGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := newReports()
		var j *Journal
		var g gate
		var went *atomic.Bool
		_, j, g, went = behind(t, func(err error) {
			fill(j, "from report", 1, 10) // it may use the journal
			told.report(err)
		})
		g <- errDisk
		if synctest.Wait(); !went.Load() || told.n.Load() != 1 {
			t.Errorf("Append went on: %v, %d reports", went.Load(), told.n.Load())
		}
		if err := j.Close(); !errors.Is(err, errDisk) {
			t.Errorf("Close gives %v", err)
		}
	})
}

// Also when the write goes on to stand still, and it is a sync that fails.
func TestAppendGoesOnAfterAFailedSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := newReports()
		m, j, g, went := behind(t, told.report)
		m.broken.Store(true)
		if err := <-told.first; !errors.Is(err, errDisk) {
			t.Errorf("it reports %v", err)
		}
		if synctest.Wait(); !went.Load() {
			t.Error("Append still waits after a failure")
		}
		close(g)
		if err := j.Close(); !errors.Is(err, errDisk) {
			t.Errorf("Close gives %v", err)
		}
	})
}

func TestAppendGoesOnAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, j, g, went := behind(t, nil)
		done := make(chan error)
		go func() { done <- j.Close() }()
		if synctest.Wait(); !went.Load() {
			t.Error("Append still waits when the journal is closed")
		}
		close(g)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A sync that takes long doesn't keep records from the file.
func TestWritesDuringSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, slow := &memory{}, make(chan struct{})
		m.faults.sync = func() error { <-slow; return nil }
		j := begin(t, m)
		<-time.After(2 * syncEvery)
		fill(j, "during", 1, 10)
		synctest.Wait()
		x := newIndex()
		if _, err := scan(m, m.Size(), x); err != nil || x.records != 1 {
			t.Errorf("the file has %d records, %v", x.records, err)
		}
		close(slow)
		closed(t, j)
	})
}

// One large result doesn't take its memory for good.
func TestLargeBufferIsDropped(t *testing.T) {
	j := begin(t, &memory{})
	defer closed(t, j)
	j.buf = make([]byte, 0, 3*bufferLimit)
	if spare := j.drain(nil); cap(spare) > 2*bufferLimit {
		t.Errorf("a buffer of %d bytes is kept", cap(spare))
	}
}
