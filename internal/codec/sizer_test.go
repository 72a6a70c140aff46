package codec

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

type chain struct {
	Text string
	Next *chain
}

func sizeOf[T any](v T) int64 { return SizerOf(reflect.TypeFor[T]()).Of(&v) }

func TestSizer(t *testing.T) {
	type point struct{ X, Y int64 }
	long := make([]string, 5000)
	for i := range long {
		long[i] = "1234"
	}
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"a number", sizeOf(int64(1)), 8},
		{"a struct of numbers", sizeOf(point{}), 16},
		{"a string", sizeOf("abc"), 16 + 3},
		{"bytes", sizeOf(make([]byte, 1000)), 24 + 1000},
		{"an array", sizeOf([4]point{}), 64},
		{"points", sizeOf(make([]point, 10)), 24 + 160},
		{"strings", sizeOf([]string{"ab", "c"}), 24 + 32 + 3},
		{"many strings", sizeOf(long), 24 + 5000*20},
		{"a map", sizeOf(map[string]int64{"a": 1, "bc": 2}), 8 + 2*24 + 3},
		{"a nil pointer", sizeOf((*point)(nil)), 8},
		{"a chain", sizeOf(chain{"a", &chain{"bc", nil}}), 24 + 24 + 3},
		{"a closed struct", sizeOf(time.Time{}), 24},
		{"of no type", Sizer{}.Of(nil), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.what, c.got, c.want)
		}
	}
}

// What is endless, or has very many parts, is looked at in part.
func TestSizerEnds(t *testing.T) {
	ring := &chain{Text: "x"}
	ring.Next = ring
	if n := sizeOf(ring); n < 24 || n > 1<<20 {
		t.Errorf("a ring: %d bytes", n)
	}
	type tree struct{ Kids []tree }
	all := make([]tree, 5000)
	for i := range all {
		all[i].Kids = all
	}
	if n := sizeOf(all); n < 1<<40 {
		t.Errorf("a tree without an end: %d bytes", n)
	}
	wide := make([][]string, 1000)
	for i := range wide {
		wide[i] = strings.Split(strings.Repeat("x ", 1000), " ")
	}
	if n, want := sizeOf(wide), int64(24+1000*(24+1001*16+1000)); n < want/2 || n > want*2 {
		t.Errorf("a million strings: %d bytes, and they take %d", n, want)
	}
}

func TestSizerAllocatesNothing(t *testing.T) {
	s := SizerOf(reflect.TypeFor[[]string]())
	v := []string{"a", "b"}
	if n := testing.AllocsPerRun(100, func() { s.Of(&v) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
