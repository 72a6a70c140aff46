package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	j := open(b, dir)
	r := Record{Func: "f", Status: OK, Data: make([]byte, 8)}
	code := one("f")
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		binary.LittleEndian.PutUint64(r.Key[:], n)
		j.Append(r, code)
	}
	b.StopTimer()
	closed(b, j)
	if info, err := os.Stat(path(dir)); err == nil {
		b.ReportMetric(float64(info.Size())/float64(b.N)-8, "fileB/op")
	}
}

// replayFile has a million outcomes of 16 bytes each.
func replayFile(b *testing.B, dir string) {
	j := open(b, dir)
	fill(j, "replay", 1_000_000, 16)
	closed(b, j)
}

// One operation is opening a job with a million outcomes.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	replayFile(b, dir)
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		j := open(b, dir)
		if j.Opened().Records != 1_000_000 {
			b.Fatalf("%+v", j.Opened())
		}
		b.StopTimer()
		b.ReportMetric(float64(live())/1e6, "MB-live")
		closed(b, j)
		b.StartTimer()
	}
}

// live is the memory in use.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	run(b, dir, Record{Key: Key{1}, Func: "f", Status: OK, Data: make([]byte, 100)})
	j := open(b, dir)
	defer closed(b, j)
	b.ReportAllocs()
	for b.Loop() {
		e, ok := j.Task(Key{1})
		if data, err := j.Read(e); !ok || err != nil || len(data) != 100 {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkMix(b *testing.B) {
	for _, size := range []int{40, 4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size, "B"), func(b *testing.B) {
			fn, args := make([]byte, 32), make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				Mix("task", fn, args)
			}
		})
	}
}

// seek is what a damaged record costs.
func BenchmarkSeek(b *testing.B) {
	for name, fill := range map[string]byte{"zeros": 0, "ones": 1, "ff": 0xff} {
		b.Run(name, func(b *testing.B) {
			data := make([]byte, 8<<20)
			for i := range data {
				data[i] = fill
			}
			m := &memory{data: append(appendFileHead(nil, 5), data...)}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if s, err := scan(m, m.Size(), newIndex()); err != nil || s.end != int64(fileHeadLen) {
					b.Fatal(s, err)
				}
			}
		})
	}
}
