package fingerprint

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// sources are n files of 10 kB.
func sources(n int) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := range n {
		fsys[fmt.Sprintf("f%d.go", i)] = &fstest.MapFile{Data: []byte(strings.Repeat("package a\n", 1000))}
	}
	return fsys
}

func BenchmarkLookup(b *testing.B) {
	fresh(b, nil)
	for b.Loop() {
		if _, err := Of("f"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirst is the first question: the record is read and the sources of two small packages are hashed.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		fresh(b, nil)
		if c, err := Of("f"); err != nil || c.Reason != nil {
			b.Fatal(c, err)
		}
	}
}

func BenchmarkStaleCheck(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		fsys := sources(n)
		b.Run(fmt.Sprintf("%dkB", n*10), func(b *testing.B) {
			b.SetBytes(int64(n) * 10_000)
			for b.Loop() {
				if _, err := sumOf(fsys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkExecutable(b *testing.B) {
	for b.Loop() {
		f, err := openSelf()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := identify(f); err != nil {
			b.Fatal(err)
		}
		_ = f.Close()
	}
}
