package cache

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// No two different lists of parts give the same key, wherever the parts are cut.
func TestKeysAreUnambiguous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 30, 60).Draw(t, "text")
		cut := func(name string) (a, b, c string) {
			i := rapid.IntRange(0, len(text)).Draw(t, name+" first")
			j := rapid.IntRange(i, len(text)).Draw(t, name+" second")
			return text[:i], text[i:j], text[j:]
		}
		a, b, c := cut("one")
		d, e, f := cut("other")
		same := a == d && b == e && c == f
		if args := HashOf([]byte(text)); (NewKey(a, b, c, args) == NewKey(d, e, f, args)) != same {
			t.Fatalf("%q and %q: equal keys %v, want %v", []string{a, b, c}, []string{d, e, f}, !same, same)
		}
	})
}

func TestEachPartChangesTheKey(t *testing.T) {
	seen := map[Key]int{}
	for i, info := range []Info{
		{}, {Func: "f"}, {Fingerprint: "f"}, {Version: "f"}, {Args: HashOf([]byte("f"))}, {Func: strings.Repeat("f", 1000)},
	} {
		if j, twice := seen[info.Key()]; twice {
			t.Errorf("%d and %d have the same key", i, j)
		}
		seen[info.Key()] = i
	}
	a, b := Info{Func: "f"}, Info{Func: "f", Summary: "s", Fields: []Field{{Name: "n"}}}
	if a.Key() != b.Key() {
		t.Error("what explains a call changes its key")
	}
}

func TestParseKey(t *testing.T) {
	key := (&Info{Func: "f"}).Key()
	if got, err := ParseKey(key.String()); got != key || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	for _, s := range []string{"", "ab", key.String() + "00", "x" + key.String()[1:]} {
		if _, err := ParseKey(s); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("key %q", s)) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestChanges(t *testing.T) {
	hash := func(s string) (h [8]byte) { copy(h[:], s); return h }
	old := Info{Func: "f", Fingerprint: "1", Version: "1", Args: HashOf(nil), Fields: []Field{{"A", hash("a")}, {"B", hash("b")}}}
	for want, change := range map[string]func(i *Info){
		"":                                     func(*Info) {},
		"the function is g, was f":             func(i *Info) { i.Func = "g" },
		`the declared version is "2", was "1"`: func(i *Info) { i.Version = "2" },
		"the code has changed":                 func(i *Info) { i.Fingerprint = "2" },
		"the argument B differs":               func(i *Info) { i.Args = Hash{}; i.Fields = []Field{{"A", hash("a")}, {"B", hash("c")}} },
		"the argument C differs, the argument B is gone": func(i *Info) {
			i.Args = Hash{}
			i.Fields = []Field{{"A", hash("a")}, {"C", hash("b")}}
		},
		"the arguments differ": func(i *Info) { i.Args = Hash{} },
	} {
		now := old
		change(&now)
		if got := strings.Join(now.Changes(&old), ", "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
