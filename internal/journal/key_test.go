package journal

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
)

// No two lists of parts have one key, wherever the borders between short and long ones are.
func TestMix(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), longPart/8)
	seen := map[Key][]string{}
	lists := [][]string{{"k"}, {"k", ""}, {"k", "", ""}, {"k", "a"}, {"k", "a", ""}, {"k", "", "a"}, {"ka"}, {"k", "ab"},
		{"k", "a", "b"}, {"k", "b", "a"}, {"l", "a"}}
	for _, n := range []int{31, 32, 33, 127, 128, 255, 256, 511, 512, longPart - 1, longPart, longPart + 1, 2 * longPart} {
		s := string(long[:n])
		lists = append(lists, []string{"k", s}, []string{"k", s, "a"}, []string{"k", "a", s}, []string{"k", s, s}, []string{"k", s[1:], s[:1]})
	}
	for _, l := range lists {
		parts := make([][]byte, len(l)-1)
		for i := range parts {
			parts[i] = []byte(l[i+1])
		}
		k := Mix(l[0], parts...)
		if old, ok := seen[k]; ok && !slices.Equal(old, l) {
			t.Errorf("%.50q and %.50q have one key", old, l)
		}
		if k != Mix(l[0], parts...) || k.IsZero() {
			t.Errorf("%.50q has no one key", l)
		}
		seen[k] = l
	}
}

// Keys are in journals and caches, so they must stay as they are.
func TestMixIsStable(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), longPart/8)
	many := slices.Repeat([][]byte{[]byte("part")}, 10_000)
	for want, got := range map[string]Key{
		"a3ebce75b2726022179737e10ee39887": Mix("task", []byte("f"), []byte{1, 2, 3}),
		"1f84cb639cb9a6878c1e85de42fe6708": Mix("task", []byte("f"), long),
		"4b055d358b285edcdf1f2bf7ad9b58af": Mix("task", many...),
	} {
		if got.String() != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if !(Key{}).IsZero() || (Key{15: 1}).IsZero() || (Key{1}).String() != "01"+strings.Repeat("0", 30) {
		t.Error("a key isn't itself")
	}
}

func TestMixConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	long := make([]byte, 3*longPart)
	want := [2]Key{Mix("a", long, []byte("x")), Mix("a", []byte("x"))}
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if got := [2]Key{Mix("a", long, []byte("x")), Mix("a", []byte("x"))}; got != want {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	wg.Wait()
}
