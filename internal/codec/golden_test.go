package codec

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

const goldenFile = "testdata/golden.txt"

// The bytes of the basic kinds. A change here means that journals and caches written before can't be read.
func TestGolden(t *testing.T) {
	got := goldenVectors(t)
	if *update {
		if err := os.WriteFile(goldenFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	wantLines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("line %d is\n%s", i+1, line)
		}
	}
	if len(got) != len(want) {
		t.Error("vectors are missing")
	}
}

func goldenVectors(t *testing.T) string {
	var b strings.Builder
	line := func(name string, data []byte) { fmt.Fprintf(&b, "%-24s %x\n", name, data) }
	line("bool", encode(t, true))
	line("int", encode(t, 1_000_000))
	line("int negative", encode(t, int8(-100)))
	line("uint64", encode(t, uint64(math.MaxUint64)))
	line("float64 half", encode(t, 1.5))
	line("float64 single", encode(t, 100000.0))
	line("float64 double", encode(t, 0.1))
	line("float64 NaN", encode(t, math.NaN()))
	line("float64 -0", encode(t, math.Copysign(0, -1)))
	line("complex128", encode(t, 1-2i))
	line("string", encode(t, "grüße"))
	line("string not UTF-8", encode(t, "\xff"))
	line("bytes", encode(t, []byte{1, 2, 3}))
	line("bytes nil", encode(t, []byte(nil)))
	line("array of bytes", encode(t, [2]byte{1, 2}))
	line("[]int8", encode(t, []int8{-1}))
	line("[]int16", encode(t, []int16{-2}))
	line("[]int32", encode(t, []int32{-3}))
	line("[]int64", encode(t, []int64{-4}))
	line("[]int", encode(t, []int{-5}))
	line("[]uint16", encode(t, []uint16{6}))
	line("[]uint32", encode(t, []uint32{7}))
	line("[]uint64", encode(t, []uint64{8}))
	line("[]uint", encode(t, []uint{9}))
	line("[]float32", encode(t, []float32{1.5}))
	line("[]float64", encode(t, []float64{math.NaN(), 2}))
	line("[2]float64", encode(t, [2]float64{1, 2}))
	line("[]string", encode(t, []string{"a", ""}))
	line("[]string empty", encode(t, []string{}))
	line("map", encode(t, map[string]int{"b": 1, "a": 2, "aa": 3}))
	line("map int keys", encode(t, map[int]bool{-1: true, 1: false}))
	line("struct", encode(t, plainStruct{Name: "x"}))
	line("struct embedded", encode(t, outer{Ptr: &inner{}}))
	line("pointer nil", encode(t, (*int)(nil)))
	line("pointer to nil", encode(t, new(*int)))
	line("time", encode(t, time.Date(2026, 11, 24, 9, 0, 0, 5, time.FixedZone("", 3600))))
	line("big.Int", encode(t, new(big.Int).Lsh(big.NewInt(1), 64)))
	line("netip.Addr", encode(t, netip.MustParseAddr("192.0.2.1")))
	line("ref", encode(t, newRef[int]("id")))
	line("ref zero", encode(t, ref[int]{}))
	line("error nil", encode(t, error(nil)))
	line("error text", encode(t, errors.New("boom")))
	line("error sentinel", encode(t, io.EOF))
	line("error wrap", encode(t, fmt.Errorf("read: %w", io.EOF)))
	line("error join", encode(t, errors.Join(io.EOF, errors.New("x"))))
	line("error type", encode(t, error(&fs.PathError{Op: "open", Path: "p", Err: fs.ErrNotExist})))
	errno := encode(t, error(syscall.EACCES))
	line("error likeness", errno[len(errno)-len(encode(t, "fs.ErrPermission"))-2:])
	return b.String()
}
