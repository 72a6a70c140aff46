package head

import (
	"slices"
	"strings"
	"testing"
)

func TestSurplus(t *testing.T) {
	for _, c := range []struct {
		owners string
		most   int
		want   []int
	}{
		{"", 0, nil},
		{"aab", 3, nil},
		{"aaa", 1, []int{0, 1}},
		{"baaaa", 3, []int{1, 2}},
		{"baaaa", 1, []int{1, 2, 3, 0}},
		{"abab", 2, []int{0, 1}},
		{"ccabb", 0, []int{0, 3, 1, 2, 4}},
		{"ab", -1, []int{0, 1}},
	} {
		var owners []string
		if c.owners != "" {
			owners = strings.Split(c.owners, "")
		}
		if got := surplus(owners, c.most); !slices.Equal(got, c.want) {
			t.Errorf("of %s, with %d: %v goes, want %v", c.owners, c.most, got, c.want)
		}
	}
}

// However many one user keeps, another's few stay.
func TestSurplusLeavesOthersAlone(t *testing.T) {
	owners := slices.Concat(slices.Repeat([]string{"few"}, 50), slices.Repeat([]string{"many"}, 1000))
	gone := surplus(owners, 200)
	if len(gone) != 850 || slices.Min(gone) < 50 {
		t.Errorf("%d went, and of the few user's %d", len(gone), 50-slices.Min(gone))
	}
}
