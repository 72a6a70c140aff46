package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// benchInfo is what a typical call knows of itself.
var benchInfo = Info{
	Func: "example.com/app.count", Fingerprint: HashOf([]byte("code")).String(), Version: "2",
	Summary: `{Path: "words.txt", Min: 3}`, Fields: []Field{{Name: "Path"}, {Name: "Min"}},
}

func benchCall(i int) Call {
	c := Call{Info: benchInfo}
	c.Info.Args = HashOf(fmt.Append(nil, i))
	c.Key = c.Info.Key()
	return c
}

// benchDirs are where the benchmarks keep their stores: where TMPDIR is, and in memory, which tells what the file
// system adds.
func benchDirs(b *testing.B, run func(b *testing.B, dir string)) {
	b.Run("disk", func(b *testing.B) { run(b, b.TempDir()) })
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		b.Logf("no run in memory: %v", err)
		return
	}
	b.Run("memory", func(b *testing.B) {
		dir, err := os.MkdirTemp(memory, "cache") //nolint:usetesting // TempDir is on a disk
		if err != nil {
			b.Skip(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		run(b, dir)
	})
}

func benchStore(b *testing.B, dir string, entries int, data []byte) *Store {
	s, err := Open(dir, Options{Report: func(n Notice) { b.Error(n) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for i := range entries {
		c := benchCall(i)
		c.Compute = func(context.Context) (Value, error) { return Value{Data: data}, nil }
		if _, _, err := s.Do(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		benchInfo.Key()
	}
}

// BenchmarkHash must reach 2 GB/s on large arguments.
func BenchmarkHash(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 64 << 10, 16 << 20} {
		b.Run(bytesText(int64(size)), func(b *testing.B) {
			data := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				HashOf(data)
			}
		})
	}
}

// BenchmarkHit is to take 10 us at most, with however many entries.
func BenchmarkHit(b *testing.B) {
	for _, entries := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			if testing.Short() && entries > 1000 {
				b.Skip("short")
			}
			benchDirs(b, func(b *testing.B, dir string) {
				s := benchStore(b, dir, entries, make([]byte, 100))
				calls := make([]Call, 1000)
				for i := range calls {
					calls[i] = benchCall(rand.IntN(entries))
				}
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					i++
					if _, hit, err := s.Do(b.Context(), calls[i%len(calls)]); !hit || err != nil {
						b.Fatal(hit, err)
					}
				}
			})
		})
	}
}

// BenchmarkMiss is a miss that stores 100 bytes, to take 50 us at most; floor is what the file system takes for making,
// writing and renaming a file, and nothing else.
func BenchmarkMiss(b *testing.B) {
	data := make([]byte, 100)
	b.Run("store", func(b *testing.B) {
		benchDirs(b, func(b *testing.B, dir string) {
			s := benchStore(b, dir, 1000, data)
			i := 1000
			b.ReportAllocs()
			for b.Loop() {
				i++
				c := benchCall(i)
				c.Compute = func(context.Context) (Value, error) { return Value{Data: data}, nil }
				if _, hit, err := s.Do(b.Context(), c); hit || err != nil {
					b.Fatal(hit, err)
				}
			}
		})
	})
	b.Run("floor", func(b *testing.B) {
		benchDirs(b, func(b *testing.B, dir string) {
			s := benchStore(b, dir, 0, data)
			for i := range 256 {
				if err := os.MkdirAll(filepath.Join(s.entries, fmt.Sprintf("%02x", i)), 0o700); err != nil {
					b.Fatal(err)
				}
			}
			i, whole := 0, make([]byte, 500)
			for b.Loop() {
				i++
				key := benchCall(i).Key
				path := s.entryPath(&key)
				if err := os.WriteFile(path+partSuffix, whole, 0o600); err != nil {
					b.Fatal(err)
				}
				if err := os.Rename(path+partSuffix, path); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkMapped is a hit on a large slice of numbers, mapped; reading all of it is the caller's.
func BenchmarkMapped(b *testing.B) {
	for _, size := range []int{1 << 20, 1 << 30} {
		b.Run(bytesText(int64(size)), func(b *testing.B) {
			if testing.Short() && size > 1<<20 {
				b.Skip("short")
			}
			s := benchStore(b, b.TempDir(), 0, nil)
			c := benchCall(0)
			c.Compute = func(context.Context) (Value, error) {
				v, _ := Raw(reflect.ValueOf(make([]float64, size/8)))
				return v, nil
			}
			if _, _, err := s.Do(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			first, _, err := s.Do(b.Context(), c)
			if err == nil {
				err = unmap(first)
			}
			s.idle.Wait() // until it is verified
			for err == nil && b.Loop() {
				var v Value
				var hit bool
				if v, hit, err = s.Do(b.Context(), c); !hit || v.Mapped != canMap {
					b.Fatal(hit, v.Mapped)
				}
				if err == nil {
					err = unmap(v)
				}
			}
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// records is 8 MiB of what results often are: rows of names, counts and measurements.
func records() []byte {
	random, b := rand.New(rand.NewPCG(1, 2)), []byte(nil)
	for i := 0; len(b) < 8<<20; i++ {
		b = fmt.Appendf(b, `{"id":%d,"name":"user-%d","city":%d,"score":%.6f,"seen":%d}`, i, random.IntN(1e6), random.IntN(300),
			random.NormFloat64(), 1700000000+random.IntN(1e7))
	}
	return b
}

// BenchmarkLarge stores and finds an encoded value, which is read and checked.
func BenchmarkLarge(b *testing.B) {
	text := records()
	for _, how := range []Compression{CompressNever, CompressAuto, CompressFast, CompressDefault, CompressBest} {
		for _, op := range []string{"store", "hit"} {
			b.Run(fmt.Sprintf("compression-%d/%s", how, op), func(b *testing.B) {
				s := benchStore(b, b.TempDir(), 0, nil)
				c := benchCall(0)
				c.Policy.Compress = how
				c.Compute = func(context.Context) (Value, error) { return Value{Data: text}, nil }
				c.Accept = func(Value) bool { return op == "hit" }
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if _, _, err := s.Do(b.Context(), c); err != nil {
						b.Fatal(err)
					}
				}
				e, _, err := s.Show(c.Key)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(e.Size)/float64(len(text)), "file/value")
			})
		}
	}
}
