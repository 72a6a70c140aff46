package cache

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a store, below its folder. A later format gets a folder of its own, so that programs with different
// versions of muster can share a cache's folder.
const (
	formatDir     = "v1"
	entriesDir    = "entries"    // ab/cdef...: an entry; ab/cdef....part: being computed or written, locked by its owner
	unitsDir      = "units"      // what the code of a fingerprint consists of
	ownersDir     = "owners"     // one locked file for each process that may have files under way
	quarantineDir = "quarantine" // damaged entries
	usageName     = "usage"      // how many bytes there are, about
	evictName     = "evict.lock" // locked by who evicts
	partSuffix    = ".part"      // of a claim
	tempSuffix    = ".temp.part" // of what the owner of a claim writes, where it isn't the claim's own file
	freeSuffix    = ".free.part" // of what is written without a lock, where files can't be locked
)

// cacheTag keeps programs that make backups out; see bford.info/cachedir.
const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of muster. It may be deleted at any time.\n"

func (s *Store) path(name ...string) string {
	return filepath.Join(append([]string{s.root}, name...)...)
}

// entryPath is where the entry of key lies: in one of 256 folders, so that none gets too large for slow file systems.
func (s *Store) entryPath(key *Key) string {
	var stack [256]byte
	b := append(stack[:0], s.entries...)
	b = append(b, os.PathSeparator)
	b = hex.AppendEncode(b, key[:1])
	b = append(b, os.PathSeparator)
	return string(hex.AppendEncode(b, key[1:]))
}

// keyOf is the reverse of entryPath: shard is the name of one of the 256 folders.
func keyOf(shard, name string) (key Key, ok bool) {
	if len(shard) != 2 || len(name) != 2*len(key)-2 {
		return key, false
	}
	_, err1 := hex.Decode(key[:1], []byte(shard))
	_, err2 := hex.Decode(key[1:], []byte(name))
	return key, err1 == nil && err2 == nil
}

// checkFolder says why dir can't be read; one that isn't there is no error.
func checkFolder(dir string) error {
	_, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeDirs makes the folders that there are from the beginning. The others are made when they are needed.
func (s *Store) makeDirs() error {
	for _, dir := range []string{s.root, s.entries, s.path(ownersDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	tag := filepath.Join(s.dir, "CACHEDIR.TAG")
	if _, err := os.Lstat(tag); err == nil {
		return nil
	}
	return os.WriteFile(tag, []byte(cacheTag), 0o600)
}
