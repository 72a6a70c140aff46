package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Journal is a job's file, open for one process. Its methods may be called by any number of goroutines.
type Journal struct {
	dir     string
	file    *os.File
	end     int64 // of the file; the writer's own
	lock    *holding
	index   *index // what earlier runs have recorded: it doesn't change
	opened  Opened
	numbers map[string]uint64 // of the functions of this run; guarded by mu

	mu     sync.Mutex
	room   sync.Cond // signalled when the buffer was taken, or a write failed
	buf    []byte
	err    error // the first failure: from then on nothing is recorded
	closed bool
	report func(error)

	wake chan struct{}
	done chan struct{}
}

// Opened says what was found in a job's file.
type Opened struct {
	Epoch   int   // how often the job has been open, this time included
	Records int   // outcomes, those of ranges counted once
	Cut     int64 // bytes that a killed process had left half written
	Damaged int   // records whose data doesn't match its checksum
}

// bufferLimit is how much may wait to be written; beyond it Append waits for the disk.
const bufferLimit = 8 << 20

// Limit is how long a journal may grow. What comes after that isn't recorded, and report is told.
const Limit = 10 << 30

// Open opens the job of the given name below dir, and makes it if need be. run describes this process. report is called
// at most once, from any goroutine, when records can't be written any more; the job itself goes on.
//
// A job that another process has open is a *HeldError.
func Open(dir, name string, run Run, report func(error)) (*Journal, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open job %s: %w", name, err)
	}
	lock, err := hold(dir, name, run)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		dir: dir, lock: lock, index: newIndex(), numbers: map[string]uint64{}, report: report,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	j.room.L = &j.mu
	if err := j.load(run); err != nil {
		return nil, errors.Join(fmt.Errorf("open job %s: %w", name, err), lock.release())
	}
	go j.write()
	return j, nil
}

// load reads what the file holds, cuts its torn end and begins a new run.
func (j *Journal) load(run Run) error {
	path := filepath.Join(j.dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	j.file = f
	if err := j.read(run); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return nil
}

func (j *Journal) read(run Run) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	end, damaged, err := scan(j.file, info.Size(), j.index)
	if err != nil {
		return err
	}
	j.opened = Opened{Epoch: len(j.index.runs) + 1, Records: j.index.records, Cut: info.Size() - end, Damaged: damaged}
	if err := j.file.Truncate(end); err != nil {
		return err
	}
	if j.end = end; end == 0 {
		j.buf = append(j.buf, magic...)
	}
	run.Epoch = j.opened.Epoch
	data, err := json.Marshal(run)
	if err != nil {
		return err
	}
	j.buf = appendFrame(j.buf, func(b []byte) []byte { return append(b, kindSession) }, data)
	return j.flush(j.buf)
}

// Opened is what the file held when it was opened.
func (j *Journal) Opened() Opened { return j.opened }

// Task finds the outcome that earlier runs have recorded for a call.
func (j *Journal) Task(k Key) (Entry, bool) {
	e, ok := j.index.tasks[k]
	return e, ok
}

// Ranges lists what earlier runs have recorded of a Map, by first item.
func (j *Journal) Ranges(k Key) []Entry { return sorted(j.index.ranges[k]) }

// Code is a function's code in the last run that recorded something of it.
func (j *Journal) Code(fn string) (Code, bool) {
	c, ok := j.index.codes[fn]
	return c, ok
}

// Read gives the data of an entry, checked.
func (j *Journal) Read(e Entry) ([]byte, error) {
	data := make([]byte, e.size)
	if _, err := j.file.ReadAt(data, e.at); err != nil {
		return nil, fmt.Errorf("read journal in %s: %w", j.dir, err)
	}
	if crc32.Checksum(data, castagnoli) != e.sum {
		return nil, fmt.Errorf("read journal in %s: the data at %d is damaged", j.dir, e.at)
	}
	return data, nil
}

// Append records an outcome, soon: Close waits for it. It copies the data, and waits only while the disk is far behind.
// Code is that of the record's function.
func (j *Journal) Append(r Record, code func() Code) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.buf) > bufferLimit && j.err == nil && !j.closed {
		j.room.Wait()
	}
	if j.err != nil || j.closed {
		return
	}
	n, known := j.numbers[r.Func]
	if !known {
		n = uint64(len(j.numbers))
		j.numbers[r.Func] = n
		j.buf = appendFunc(j.buf, code())
	}
	j.buf = appendTask(j.buf, n, &r)
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// syncEvery is how much a power cut may lose.
const syncEvery = time.Second

// write writes what is appended, until Close.
func (j *Journal) write() {
	defer close(j.done)
	var spare []byte
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for dirty, open := false, true; open; {
		select {
		case _, open = <-j.wake:
		case <-tick.C:
			if dirty {
				dirty = false
				j.fail(j.file.Sync())
			}
			continue
		}
		j.mu.Lock()
		out := j.buf
		j.buf = spare[:0]
		j.room.Broadcast()
		j.mu.Unlock()
		if len(out) > 0 {
			j.fail(j.flush(out))
			dirty = true
		}
		spare = out
	}
}

// flush writes the records to the file; j.buf may be reused after it.
func (j *Journal) flush(b []byte) error {
	if j.end+int64(len(b)) > Limit {
		return fmt.Errorf("it has reached its limit of %d GiB: nothing more is recorded", int64(Limit)>>30)
	}
	n, err := j.file.WriteAt(b, j.end)
	j.end += int64(n)
	return err
}

// fail keeps the first failure and reports it. What was written of a record before it is cut at the next opening.
func (j *Journal) fail(err error) {
	if err == nil {
		return
	}
	err = fmt.Errorf("record in %s: %w", j.dir, err)
	j.mu.Lock()
	first := j.err == nil
	if first {
		j.err = err
		j.buf = nil
		j.room.Broadcast()
	}
	j.mu.Unlock()
	if first && j.report != nil {
		j.report(err)
	}
}

// Close writes what is left, syncs the file and lets others open the job. A second call does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.room.Broadcast()
	close(j.wake) // Append sends under the mutex, and not when closed
	j.mu.Unlock()
	<-j.done
	j.mu.Lock()
	err := j.err
	j.mu.Unlock()
	if err == nil {
		err = j.file.Sync()
	}
	return errors.Join(err, j.file.Close(), j.lock.release())
}
