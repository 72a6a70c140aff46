package journal

import (
	"bytes"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// memory is a file in memory, with faults. It is also its own fs.FileInfo.
type memory struct {
	mu     sync.Mutex
	data   []byte
	read   int64 // bytes
	faults faults
	broken atomic.Bool // every sync fails
}

// faults are called before an operation; what they return is its error. A write that fails has written n bytes.
type faults struct {
	write                       func(b []byte) (n int, err error)
	sync, stat, truncate, close func() error
	read                        func(off int64) error
}

func fault(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (m *memory) ReadAt(b []byte, off int64) (int, error) {
	if m.faults.read != nil {
		if err := m.faults.read(off); err != nil {
			return 0, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := bytes.NewReader(m.data).ReadAt(b, off)
	m.read += int64(n)
	return n, err
}

func (m *memory) WriteAt(b []byte, off int64) (n int, err error) {
	if m.faults.write != nil {
		if n, err = m.faults.write(b); err != nil {
			b = b[:n]
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if end := off + int64(len(b)); end > int64(len(m.data)) {
		m.data = slices.Grow(m.data, int(end)-len(m.data))[:end]
	}
	return copy(m.data[off:], b), err
}

func (m *memory) Truncate(size int64) error {
	if err := fault(m.faults.truncate); err != nil {
		return err
	}
	m.data = m.data[:size]
	return nil
}

func (m *memory) Sync() error {
	if m.broken.Load() {
		return errDisk
	}
	return fault(m.faults.sync)
}

func (m *memory) Stat() (fs.FileInfo, error) { return m, fault(m.faults.stat) }
func (m *memory) Close() error               { return fault(m.faults.close) }
func (m *memory) Name() string               { return fileName }
func (m *memory) Size() int64                { return int64(len(m.data)) }
func (m *memory) Mode() fs.FileMode          { return 0o600 }
func (m *memory) ModTime() time.Time         { return time.Time{} }
func (m *memory) IsDir() bool                { return false }
func (m *memory) Sys() any                   { return nil }

// begin opens a file in memory.
func begin(t testing.TB, m *memory) *Journal {
	t.Helper()
	j, err := start(m, "mem", Run{Host: "here"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// piece is a frame of a file, and the outcome that it records.
type piece struct {
	at, end int
	Record
}

// sample is a file with records of all kinds, made without a Journal, and its frames. The functions' frames come early.
func sample(salt uint32) (data []byte, pieces []piece) {
	data = appendFileHead(nil, salt)
	add := func(r Record, frame func(dst []byte) []byte) {
		at := len(data)
		data = frame(data)
		pieces = append(pieces, piece{at, len(data), r})
	}
	outcome := func(fn uint64, r Record) {
		add(r, func(dst []byte) []byte { return appendTask(dst, salt, fn, &r, dataSum(r.Data)) })
	}
	add(Record{}, func(dst []byte) []byte { return appendSession(dst, salt, []byte(`{"Epoch":1,"Host":"here"}`)) })
	add(Record{}, func(dst []byte) []byte { return appendFunc(dst, salt, 0, Code{"f", ByBuild, "1"}) })
	outcome(0, Record{Key: Key{1}, Status: OK, Attempt: 1, Data: []byte("one")})
	outcome(0, Record{Key: Key{2}, Status: Failed, Attempt: 300, Data: []byte("two")})
	add(Record{}, func(dst []byte) []byte { return appendSession(dst, salt, []byte(`{"Epoch":2,"Host":"here"}`)) })
	add(Record{}, func(dst []byte) []byte { return appendFunc(dst, salt, 1, Code{"m", ByBuild, "1"}) })
	outcome(1, Record{Key: Key{3}, Status: OK, To: 10, Inputs: Key{4}, Data: valueOf(Key{3}, 100)})
	outcome(1, Record{Key: Key{3}, Status: Failed, From: 10, To: 1000, Inputs: Key{5}})
	outcome(0, Record{Key: Key{6}, Status: OK})
	outcome(0, Record{Key: Key{7}, Status: OK, Data: []byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}})
	return data, pieces
}

// wantPieces checks that a journal knows the outcomes of some pieces, and of no others of the sample.
func wantPieces(t testing.TB, j *Journal, all []piece, lost func(p piece) bool) {
	t.Helper()
	for _, p := range all {
		if p.Status == 0 {
			continue
		}
		e, ok := lookUp(j, p.Record)
		switch {
		case ok == lost(p):
			t.Fatalf("the record at %d to %d is found: %v", p.at, p.end, ok)
		case ok && (e.Status != p.Status || e.To != p.To || e.Inputs != p.Inputs):
			t.Fatalf("the record at %d to %d is %+v", p.at, p.end, e)
		case ok:
			wantData(t, j, e, string(p.Data))
		}
	}
}

func lookUp(j *Journal, r Record) (Entry, bool) {
	if r.To == 0 {
		return j.Task(r.Key)
	}
	all := j.Ranges(r.Key)
	i := slices.IndexFunc(all, func(e Entry) bool { return e.From == r.From })
	if i < 0 {
		return Entry{}, false
	}
	return all[i], true
}

var _ io.ReaderAt = (*memory)(nil)
