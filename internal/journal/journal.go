package journal

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Journal is a job's file, open for one process. Its methods may be called by any number of goroutines.
type Journal struct {
	path   string
	file   file
	salt   uint32
	end    int64 // of the file; the writer's own
	limit  int64
	lock   *holding // nil in tests
	index  *index   // what earlier runs have recorded: it doesn't change
	opened Opened
	report func(error)

	mu      sync.Mutex // guards what follows
	room    sync.Cond  // signalled when the buffer was taken, a write failed or the journal is closed
	buf     []byte
	numbers map[string]uint64 // of the functions of this run
	next    uint64            // the first number that no function has
	added   uint64            // records that were appended
	written uint64            // of those, handed to the kernel
	err     error             // the first failure: from then on nothing is recorded
	closed  bool

	wake    chan struct{} // something is in the buffer; closed by Close
	stop    chan struct{} // closed by Close
	dirty   atomic.Bool   // something isn't synced
	running sync.WaitGroup
	closing sync.Once
	ended   error // what Close has returned
}

// Opened says what was found in a job's file.
type Opened struct {
	Epoch   int   // how often the job has been open, this time included
	Records int   // outcomes, those of ranges counted once; also those that later ones have replaced
	Cut     int64 // bytes at the end that weren't a whole record, as a killed process leaves them: they were cut off
	Damaged int   // records, or stretches of several, that were passed over; they are still in the file
}

// Limit is how long a journal may grow. What comes after that isn't recorded, and report is told.
const Limit = 10 << 30

// Open opens the job of the given name below dir, and makes it if need be. run describes this process; its epoch is
// filled in. report is called at most once, from any goroutine, when records can't be written any more; the job itself
// goes on. It must not wait for Close.
//
// A job that another process has open is a *HeldError, a file that isn't a journal of this version ErrFormat. Nothing
// else in a file stops it from being opened: what is damaged is passed over, see Opened.
func Open(dir, name string, run Run, report func(error)) (*Journal, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	lock, err := hold(dir, name, true)
	if err != nil {
		return nil, err
	}
	run = run.clipped()
	lock.tell(run)
	f, err := openFile(lock.dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open job %s: %w", name, err), lock.release())
	}
	j, err := start(f, filepath.Join(lock.dir, fileName), run, report)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open job %s: %w", name, err), f.Close(), lock.release())
	}
	j.lock = lock
	return j, nil
}

// start reads a file and begins a new run. If that fails the file is left open.
func start(f file, path string, run Run, report func(error)) (*Journal, error) {
	j := &Journal{
		path: path, file: f, limit: Limit, index: newIndex(), report: report, numbers: map[string]uint64{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	j.room.L = &j.mu
	if err := j.load(run); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	j.running.Go(j.write)
	j.running.Go(j.sync)
	return j, nil
}

// load reads what the file holds, cuts its torn end and begins a new run. Damaged frames that claim more than there is
// lose their heads: what is appended would be taken for their data.
func (j *Journal) load(run Run) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	found, err := scan(j.file, info.Size(), j.index)
	if err != nil {
		return err
	}
	j.end, j.salt, j.next = found.end, found.salt, j.index.next
	j.opened = Opened{
		Epoch: j.index.epoch(), Records: j.index.records, Cut: info.Size() - found.end, Damaged: found.damaged,
	}
	if j.opened.Cut > 0 {
		if err := j.file.Truncate(found.end); err != nil {
			return err
		}
	}
	for _, off := range found.long {
		if _, err := j.file.WriteAt(make([]byte, headLen), off); err != nil {
			return err
		}
	}
	return j.begin(run)
}

// begin writes the head of a new file, and that of a run.
func (j *Journal) begin(run Run) error {
	var b []byte
	if j.end == 0 {
		j.salt = newSalt()
		b = appendFileHead(b, j.salt)
	}
	run.Epoch = j.opened.Epoch
	data, err := json.Marshal(run)
	if err != nil {
		return err
	}
	j.dirty.Store(true)
	return j.flush(appendSession(b, j.salt, data))
}

// newSalt is a variable so that a test can write the same file each time.
var newSalt = func() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

// Opened is what the file held when it was opened.
func (j *Journal) Opened() Opened { return j.opened }

// Task finds the outcome that earlier runs have recorded for a call: its first success, or else its newest failure.
func (j *Journal) Task(k Key) (Entry, bool) { return j.index.task(k) }

// Func is the function that an entry speaks of; "?" if the record of its name is lost.
func (j *Journal) Func(e Entry) string { return j.index.counts[e.fn].Func }

// Ranges lists what earlier runs have recorded of a Map, by first item. Of several that begin at one item it has the
// newest; they may overlap.
func (j *Journal) Ranges(k Key) []Entry { return sorted(j.index.ranges[k]) }

// Code is a function's code in the last run that recorded something of it.
func (j *Journal) Code(fn string) (Code, bool) {
	c, ok := j.index.codes[fn]
	return c, ok
}

// Read gives the data of an entry, checked: it is what was recorded, or an error.
func (j *Journal) Read(e Entry) ([]byte, error) {
	if e.size > math.MaxInt {
		return nil, fmt.Errorf("read %s: a result of %d bytes is too large for this machine", j.path, e.size)
	}
	data := make([]byte, e.size)
	if n, err := j.file.ReadAt(data, e.at); n < len(data) {
		return nil, fmt.Errorf("read %s: %w", j.path, err)
	}
	if dataSum(data) != e.sum {
		return nil, fmt.Errorf("read %s: the data at %d is damaged", j.path, e.at)
	}
	return data, nil
}
