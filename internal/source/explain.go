package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/musterrun/muster/fingerprint"
)

// ChangeKind is what happened to a unit between two fingerprints of a function.
type ChangeKind uint8

// The kinds of changes.
const (
	Edited ChangeKind = iota
	Added
	Removed
)

// String is the kind in one word.
func (k ChangeKind) String() string { return [...]string{"changed", "added", "removed"}[k] }

// Change is a unit that makes two fingerprints differ.
type Change struct {
	Kind  ChangeKind
	Key   string // of the unit
	Depth int    // how many steps from the function, in the newer of the lists that have it
}

// String is the change as a person says it: "words.Count changed", "module golang.org/x/text added".
func (c Change) String() string { return fmt.Sprintf("%s %s", readable(c.Key), c.Kind) }

// readable leaves out the folders of import paths in names of code. Modules keep theirs.
func readable(key string) string {
	for _, prefix := range []string{"module ", "import ", "setting ", "vendored ", "muster."} {
		if strings.HasPrefix(key, prefix) {
			return key
		}
	}
	return short(key)
}

// Explain tells what makes two fingerprints of one function differ, nearest to the function first. It is empty if
// they are equal.
func Explain(old, now []fingerprint.Unit) []Change {
	before := map[string]fingerprint.Unit{}
	for _, u := range old {
		before[u.Key] = u
	}
	var list []Change
	for _, u := range now {
		was, had := before[u.Key]
		delete(before, u.Key)
		switch {
		case !had:
			list = append(list, Change{Added, u.Key, u.Depth})
		case was.Hash != u.Hash:
			list = append(list, Change{Edited, u.Key, u.Depth})
		}
	}
	for _, u := range before {
		list = append(list, Change{Removed, u.Key, u.Depth})
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(a.Depth-b.Depth, cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Key, b.Key))
	})
	return list
}
