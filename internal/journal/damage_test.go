package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
)

// A file that is cut anywhere has what was whole, and goes on from there.
func TestTorn(t *testing.T) {
	data, pieces := sample(5)
	for size := range len(data) + 1 {
		m := &memory{data: bytes.Clone(data[:size])}
		whole, records := 0, 0
		if size >= fileHeadLen {
			whole = fileHeadLen
		}
		for _, p := range pieces {
			if p.end <= size {
				whole = p.end
				records += min(int(p.Status), 1)
			}
		}
		j := begin(t, m)
		if o := j.Opened(); o.Cut != int64(size-whole) || o.Records != records || o.Damaged != 0 {
			t.Fatalf("cut at %d it opens with %+v, want %d records, the end at %d", size, o, records, whole)
		}
		wantPieces(t, j, pieces, func(p piece) bool { return p.end > size })
		j.Append(Record{Key: Key{99}, Func: "new", Status: OK, Data: []byte("new")}, one("new"))
		closed(t, j)

		j = begin(t, m)
		if o := j.Opened(); o.Cut != 0 || o.Records != records+1 || o.Damaged != 0 {
			t.Fatalf("cut at %d it opens again with %+v", size, o)
		}
		wantPieces(t, j, pieces, func(p piece) bool { return p.end > size })
		wantTask(t, j, Key{99}, OK, "new")
		closed(t, j)
	}
}

// The same on disk, where it is cut inside of the last record.
func TestTornOnDisk(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, Record{Key: Key{1}, Func: "f", Status: OK, Data: []byte("kept")},
		Record{Key: Key{2}, Func: "f", Status: OK, Data: []byte("torn")})
	info, err := os.Stat(path(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path(dir), info.Size()-1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		j := open(t, dir)
		wantTask(t, j, Key{1}, OK, "kept")
		if _, ok := j.Task(Key{2}); ok {
			t.Error("a torn record is found")
		}
		closed(t, j)
	}
}

// A flipped byte or bit costs the record that it is in, at most: never another, and nothing wrong is handed out.
func TestFlips(t *testing.T) {
	data, pieces := sample(5)
	for at := range data {
		for _, mask := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
			m := &memory{data: bytes.Clone(data)}
			m.data[at] ^= mask
			if at < fileHeadLen {
				if _, err := start(m, "mem", Run{}, nil); !errors.Is(err, ErrFormat) || len(m.data) != len(data) {
					t.Fatalf("byte %d flipped by %x: %v", at, mask, err)
				}
				continue
			}
			j := begin(t, m)
			hit := func(p piece) bool { return at >= p.at && at < p.end }
			wantPieces(t, j, pieces, hit)
			o, last := j.Opened(), pieces[len(pieces)-1]
			if o.Damaged > 1 || o.Damaged == 0 && (o.Cut != int64(last.end-last.at) || !hit(last)) || o.Damaged == 1 && o.Cut != 0 {
				t.Fatalf("byte %d flipped by %x: it opens with %+v", at, mask, o)
			}
			closed(t, j)
		}
	}
}

// Long data is checked when it is read.
func TestFlipsInLongData(t *testing.T) {
	m := &memory{}
	j := begin(t, m)
	value := valueOf(keyOf("long", 0), 300<<10)
	j.Append(Record{Key: Key{1}, Func: "f", Status: OK, Data: value}, one("f"))
	j.Append(Record{Key: Key{2}, Func: "f", Status: OK, Data: []byte("behind")}, one("f"))
	closed(t, j)
	from := bytes.Index(m.data, value)
	for at := from; at < from+len(value); at += 9973 {
		flipped := &memory{data: bytes.Clone(m.data)}
		flipped.data[at] ^= 1
		j := begin(t, flipped)
		e, ok := j.Task(Key{1})
		if data, err := j.Read(e); !ok || err == nil || data != nil {
			t.Fatalf("byte %d is flipped: found %v, %d bytes, %v", at, ok, len(data), err)
		}
		wantTask(t, j, Key{2}, OK, "behind")
		closed(t, j)
	}
}

// A stretch that a power cut has left as zeros, or filled with something else, costs the records that it touches.
func TestStretches(t *testing.T) {
	data, pieces := sample(5)
	for _, fill := range []byte{0, 1, 0xff} {
		for from := fileHeadLen; from < len(data); from += 7 {
			for to := from + 40; to < len(data); to += 31 {
				m := &memory{data: bytes.Clone(data)}
				copy(m.data[from:to], bytes.Repeat([]byte{fill}, to-from))
				damaged := bytes.Clone(m.data)
				j := begin(t, m)
				wantPieces(t, j, pieces, func(p piece) bool { return !bytes.Equal(data[p.at:p.end], damaged[p.at:p.end]) })
				if o := j.Opened(); o.Damaged == 0 && o.Cut == 0 {
					t.Fatalf("%d to %d are %d: it opens with %+v", from, to, fill, o)
				}
				closed(t, j)
			}
		}
	}
}

// What looks like records inside of a damaged one's data isn't taken for records of this journal, if it is another's.
func TestJournalAsData(t *testing.T) {
	inner, pieces := sample(6)
	m := &memory{}
	j := begin(t, m)
	at := len(m.data)
	j.Append(Record{Key: Key{50}, Func: "read", Status: OK, Data: bytes.Repeat(inner, 300)}, one("read"))
	j.Append(Record{Key: Key{51}, Func: "read", Status: OK, Data: []byte("behind")}, one("read"))
	closed(t, j)
	frame := bytes.Index(m.data[at:], append(binaryKey(Key{50}), 0))
	m.data[at+frame] ^= 1 // in the meta part, so that the end is unknown
	j = begin(t, m)
	defer closed(t, j)
	wantPieces(t, j, pieces, func(piece) bool { return true })
	wantTask(t, j, Key{51}, OK, "behind")
	if o := j.Opened(); o != (Opened{Epoch: 2, Records: 1, Damaged: 1}) {
		t.Errorf("it opens with %+v", o)
	}
}

func binaryKey(k Key) []byte { return k[:] }

// If the name of a run's function is lost, its outcomes aren't counted for another, of an earlier run.
func TestLostFunction(t *testing.T) {
	m := &memory{}
	for i, fn := range []string{"early", "late"} {
		j := begin(t, m)
		j.Append(Record{Key: Key{byte(i + 1)}, Func: fn, Status: OK}, one(fn))
		closed(t, j)
	}
	m.data[bytes.Index(m.data, []byte("late"))] ^= 1
	j := begin(t, m)
	defer closed(t, j)
	wantTask(t, j, Key{2}, OK, "")
	if got := j.index.counted(); !slices.Equal(got, []Count{{"?", 1, 0}, {"early", 1, 0}}) {
		t.Errorf("counts are %+v", got)
	}
	if _, ok := j.Code("late"); ok || j.Opened().Damaged != 1 {
		t.Errorf("it opens with %+v", j.Opened())
	}
}

// An error of the disk is no damage: what is there must not be cut.
func TestReadFails(t *testing.T) {
	data, _ := sample(5)
	for name, f := range map[string]faults{
		"read":     {read: func(int64) error { return io.ErrUnexpectedEOF }},
		"stat":     {stat: func() error { return io.ErrUnexpectedEOF }},
		"truncate": {truncate: func() error { return io.ErrUnexpectedEOF }},
		"write":    {write: func([]byte) (int, error) { return 3, io.ErrUnexpectedEOF }},
	} {
		m := &memory{data: append(bytes.Clone(data), "torn"...), faults: f}
		if _, err := start(m, "mem", Run{}, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s fails: %v", name, err)
		}
		if !bytes.HasPrefix(m.data, data) {
			t.Errorf("%s fails: records are lost", name)
		}
	}
}

// A read that fails later in the file, also while the next record is looked for, is no damage either.
func TestReadFailsLater(t *testing.T) {
	data, _ := sample(5)
	for _, damaged := range []bool{false, true} {
		m := &memory{data: append(bytes.Clone(data), make([]byte, 3*mostWindow)...)}
		if damaged {
			m.data[fileHeadLen] ^= 1
		}
		size := len(m.data)
		m.faults.read = func(off int64) error {
			if off > mostWindow {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if _, err := start(m, "mem", Run{}, nil); !errors.Is(err, io.ErrUnexpectedEOF) || len(m.data) != size {
			t.Errorf("damaged %v: %v, %d bytes of %d are left", damaged, err, len(m.data), size)
		}
	}
}

// Opening passes over long data without reading it.
func TestLongDataIsNotRead(t *testing.T) {
	m := &memory{}
	j := begin(t, m)
	for i := range 20 {
		j.Append(Record{Key: keyOf("long", i), Func: "f", Status: OK, Data: make([]byte, 1<<20)}, one("f"))
	}
	closed(t, j)
	m.read = 0
	j = begin(t, m)
	defer closed(t, j)
	if o := j.Opened(); o.Records != 20 || m.read > 25*leastWindow {
		t.Errorf("%+v: %d of %d bytes are read", o, m.read, len(m.data))
	}
}
