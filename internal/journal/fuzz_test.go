package journal

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
)

// checkScan opens a file of any content and reads all that it finds there: no panic, no more memory than a small multiple
// of the file, and each entry has data whose sum is right, or an error.
func checkScan(t *testing.T, data []byte) *Journal {
	var before, after runtime.MemStats
	m := &memory{data: bytes.Clone(data)}
	runtime.ReadMemStats(&before)
	x := newIndex()
	s, err := scan(m, m.Size(), x)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(64*len(data)+256<<10) {
		t.Fatalf("%d bytes allocate %d", len(data), used)
	}
	if err != nil {
		return nil
	}
	if s.end > m.Size() || s.end > 0 && s.end < int64(fileHeadLen) {
		t.Fatalf("of %d bytes, those up to %d are whole", len(data), s.end)
	}
	j := begin(t, m)
	for k := range x.tasks {
		e, ok := j.Task(k)
		if !ok || e.Status != OK && e.Status != Failed || e.To != 0 {
			t.Fatalf("task %v is %+v, %v", k, e, ok)
		}
		checkEntry(t, j, data, e)
	}
	for k := range x.ranges {
		last := -1
		for _, e := range j.Ranges(k) {
			if e.From <= last || e.To <= e.From {
				t.Fatalf("range %v has %+v behind %d", k, e, last)
			}
			last = e.From
			checkEntry(t, j, data, e)
		}
	}
	for _, c := range x.counted() {
		if c.Failed < 0 {
			t.Fatalf("counts are %+v", c)
		}
	}
	return j
}

func checkEntry(t *testing.T, j *Journal, data []byte, e Entry) {
	got, err := j.Read(e)
	if err == nil && (!bytes.Equal(got, data[e.at:e.at+e.size]) || dataSum(got) != e.sum) {
		t.Fatalf("entry %+v reads %q", e, got)
	}
	if err != nil && e.size <= checkedAtOnce {
		t.Fatalf("entry %+v: %v", e, err)
	}
}

// FuzzScan reads anything behind the head of a file, and goes on behind it.
func FuzzScan(f *testing.F) {
	data, _ := sample(5)
	f.Add(data[fileHeadLen:])
	f.Add(data[fileHeadLen+5:])
	f.Add(append(bytes.Clone(data[fileHeadLen:]), make([]byte, 100)...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(appendFileHead(nil, 5), data...)
		j := checkScan(t, data)
		if j == nil {
			t.Fatal("a file with a good head can't be opened")
		}
		n := j.Opened().Records
		fill(j, "fuzz", 1, 10)
		closed(t, j)
		m, ok := j.file.(*memory)
		if !ok {
			t.Fatal("it isn't in memory")
		}
		if j = begin(t, m); j.Opened().Records != n+1 || j.Opened().Cut != 0 || found(t, j, "fuzz", 10) != 1 {
			t.Fatalf("it opens again with %+v", j.Opened())
		}
		closed(t, j)
	})
}

// FuzzRecords puts anything into frames whose sums are right: lengths of a meta part and its data, and both, in turn.
func FuzzRecords(f *testing.F) {
	data, pieces := sample(5)
	var seed []byte
	for _, p := range pieces {
		frame := data[p.at:p.end]
		meta := int(binary.LittleEndian.Uint32(frame))
		seed = append(append(seed, byte(meta), byte(len(frame)-headLen-meta)), frame[headLen:]...)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Fuzz(func(t *testing.T, raw []byte) {
		data, frames := appendFileHead(nil, 5), 0
		for len(raw) > 2 {
			meta, size := max(1, int(raw[0])), int(raw[1])
			raw = raw[2:]
			meta = min(meta, len(raw))
			size = min(size, len(raw)-meta)
			at := len(data)
			data = append(openFrame(data), raw[:meta]...)
			data = closeFrame(data, at, 5, raw[meta:meta+size], dataSum(raw[meta:meta+size]))
			raw = raw[meta+size:]
			frames++
		}
		j := checkScan(t, data)
		if j == nil {
			t.Fatal("a file of frames can't be opened")
		}
		defer closed(t, j)
		if o := j.Opened(); o.Cut != 0 || o.Records+o.Damaged > frames {
			t.Fatalf("%d frames open with %+v", frames, o)
		}
	})
}

// FuzzOpen reads anything at all: what isn't a journal stays as it is.
func FuzzOpen(f *testing.F) {
	data, _ := sample(5)
	f.Add(data)
	f.Add(data[:10])
	f.Add([]byte("musterj\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &memory{data: bytes.Clone(data)}
		j, err := start(m, "mem", Run{}, nil)
		if err == nil {
			closed(t, j)
		} else if !bytes.Equal(m.data, data) {
			t.Fatalf("%v, and the file is changed", err)
		}
	})
}
