package source

import (
	"fmt"
	"slices"
	"testing"

	"github.com/musterrun/muster/fingerprint"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	unit := func(key string, hash byte, depth int) fingerprint.Unit {
		return fingerprint.Unit{Key: key, Hash: [8]byte{hash}, Depth: depth}
	}
	old := []fingerprint.Unit{
		unit("example.com/m/lib.Far", 1, 3), unit("example.com/m/lib.Near", 1, 1), unit("(*example.com/m/lib.T).Gone", 1, 2),
		unit("module golang.org/x/text", 1, 4), unit("setting go", 1, 4), unit("example.com/m.Same", 1, 0),
	}
	now := []fingerprint.Unit{
		unit("example.com/m.Same", 1, 0), unit("example.com/m/lib.Near", 2, 1), unit("example.com/m/lib.New", 1, 2),
		unit("example.com/m/lib.Far", 2, 3), unit("module golang.org/x/text", 2, 4), unit("setting go", 1, 5),
		unit("import image/png", 1, 4),
	}
	want := []string{
		"lib.Near changed", "lib.New added", "(*lib.T).Gone removed", "lib.Far changed",
		"module golang.org/x/text changed", "import image/png added",
	}
	var got []string
	for _, c := range Explain(old, now) {
		got = append(got, c.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if same := Explain(now, now); len(same) != 0 {
		t.Errorf("equal lists differ by %v", same)
	}
}

func TestReadableKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"example.com/m/lib.F":                        "lib.F",
		"(*example.com/m/lib.T).M":                   "(*lib.T).M",
		"main.F":                                     "main.F",
		`muster.Func("a/b")`:                         `muster.Func("a/b")`,
		"example.com/m.main calls lib.(Set)#0":       "m.main calls lib.(Set)#0",
		"vendored example.com/x/y":                   "vendored example.com/x/y",
		"setting go directive of example.com/m":      "setting go directive of example.com/m",
		"example.com/m/a.x sets example.com/m/b.y#1": "a.x sets b.y#1",
	} {
		if got := readable(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func Example_explain() {
	old := []fingerprint.Unit{{Key: "example.com/m/words.Count", Hash: [8]byte{1}, Depth: 1}}
	now := []fingerprint.Unit{{Key: "example.com/m/words.Count", Hash: [8]byte{2}, Depth: 1}}
	for _, c := range Explain(old, now) {
		fmt.Println(c)
	}
	// Output: words.Count changed
}
