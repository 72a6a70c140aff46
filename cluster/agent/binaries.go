package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// binaries are the executables of jobs, by their hash.
type binaries struct {
	dir  *object.Dir
	head string // the folder of a head's blobs on this machine; "" for none
	path string
	room int64

	fetch sync.Mutex // one at a time is fetched

	mu    sync.Mutex
	using map[string]int
}

func openBinaries(f *folder, room int64, head string) (*binaries, error) {
	path := filepath.Join(f.path, "bin")
	dir, err := object.OpenExecutables(path)
	if err != nil {
		return nil, err
	}
	if err := f.open(path); err != nil {
		return nil, err
	}
	leftovers, _ := filepath.Glob(filepath.Join(path, "new-*"))
	for _, p := range leftovers {
		_ = os.Remove(p)
	}
	return &binaries{dir: dir, path: path, room: room, head: head, using: map[string]int{}}, nil
}

// get is the path of an executable whose bytes have just been checked. It stays there until it is released.
func (b *binaries) get(ctx context.Context, control Control, want *protocol.Binary) (string, error) {
	if !object.ValidID(want.Hash) {
		return "", fmt.Errorf("the job's executable has the hash %q, which is none", want.Hash)
	}
	b.mu.Lock()
	b.using[want.Hash]++
	b.mu.Unlock()
	if err := b.ensure(ctx, control, want); err != nil {
		b.release(want.Hash)
		return "", fmt.Errorf("get the job's executable: %w", err)
	}
	return b.dir.Path(want.Hash), nil
}

// ensure fetches the executable unless it is there and whole.
func (b *binaries) ensure(ctx context.Context, control Control, want *protocol.Binary) error {
	b.fetch.Lock()
	defer b.fetch.Unlock()
	if b.dir.Has(want.Hash) && b.dir.Check(want.Hash) == nil {
		now := time.Now()
		_ = os.Chtimes(b.dir.Path(want.Hash), now, now)
		return nil
	}
	b.makeRoom(want.Size)
	if b.head != "" && b.copyFrom(want.Hash) == nil {
		return nil
	}
	defer debug.FreeOSMemory() // the messages it comes in are much of an agent's memory, and it won't need that again
	return b.dir.Fetch(want.Hash, func(w io.Writer) error { return control.GetBlob(ctx, want.Hash, w) })
}

// copyFrom takes the executable from the head's blobs, if those are on this machine.
func (b *binaries) copyFrom(hash string) error {
	f, err := os.Open(filepath.Join(b.head, hash))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return b.dir.Fetch(hash, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, struct{ io.Reader }{f}, make([]byte, 1<<20))
		return err
	})
}

func (b *binaries) release(hash string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.using[hash]--; b.using[hash] <= 0 {
		delete(b.using, hash)
	}
}

// makeRoom removes what hasn't been used for longest, and isn't in use.
func (b *binaries) makeRoom(size int64) {
	entries, _ := os.ReadDir(b.path)
	files := make([]os.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, info)
			size += info.Size()
		}
	}
	slices.SortFunc(files, func(x, y os.FileInfo) int { return x.ModTime().Compare(y.ModTime()) })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, info := range files {
		if size <= b.room {
			return
		}
		if b.using[info.Name()] == 0 && os.Remove(filepath.Join(b.path, info.Name())) == nil {
			size -= info.Size()
		}
	}
}
