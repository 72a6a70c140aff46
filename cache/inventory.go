package cache

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stored is a file that counts towards the limit and may be removed.
type stored struct {
	path  string
	used  time.Time
	bytes int64
	kind  storedKind
}

type storedKind uint8

// In the order in which files go when they were last used at the same time; damaged entries go before all others.
const (
	aDamaged storedKind = iota
	anEntry
	aUnits
)

// inventory is what a look at all files gives.
type inventory struct {
	files []stored
	bytes int64 // of the files, and of those under way
	parts int   // under way
}

// leastUsedFirst puts the files in the order in which they go.
func (inv *inventory) leastUsedFirst() {
	slices.SortFunc(inv.files, func(a, b stored) int {
		if (a.kind == aDamaged) != (b.kind == aDamaged) {
			return cmp.Compare(a.kind, b.kind)
		}
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.kind, b.kind))
	})
}

// takeInventory looks at every file, which costs about 3 us each, and removes the temporary files of dead processes.
func (s *Store) takeInventory() *inventory {
	inv := &inventory{}
	for _, shard := range foldersIn(s.entries) {
		inv.look(shard, anEntry)
	}
	inv.look(s.path(unitsDir), aUnits)
	inv.look(s.path(quarantineDir), aDamaged)
	return inv
}

func (inv *inventory) look(dir string, kind storedKind) {
	names, _ := os.ReadDir(dir)
	for _, name := range names {
		info, err := name.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // removed meanwhile, or none of ours
		}
		f := stored{path: filepath.Join(dir, name.Name()), used: info.ModTime(), bytes: cost(info.Size()), kind: kind}
		switch {
		case !isPart(f.path):
			inv.files = append(inv.files, f)
			inv.bytes += f.bytes
		case !removePart(f.path, f.used):
			inv.bytes += f.bytes
			inv.parts++
		}
	}
}

// foldersIn are the folders in a folder.
func foldersIn(parent string) []string {
	names, _ := os.ReadDir(parent)
	var dirs []string
	for _, name := range names {
		if name.IsDir() {
			dirs = append(dirs, filepath.Join(parent, name.Name()))
		}
	}
	return dirs
}
