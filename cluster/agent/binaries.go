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
	now  func() time.Time
	head string // the folder of a head's blobs on this machine; "" for none
	path string
	room int64

	fetch  sync.Mutex       // one at a time is fetched
	sound  map[string]stamp // of those that were whole; guarded by fetch, as the next
	fresh  map[string]stamp // of those that were fetched before they were needed
	checks int              // that were made, for tests

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
	return &binaries{
		dir: dir, path: path, room: room, head: head, now: time.Now,
		using: map[string]int{}, sound: map[string]stamp{}, fresh: map[string]stamp{},
	}, nil
}

// get is the path of an executable that is whole: its bytes have just been checked, or were before and the file hasn't been
// changed since. It stays there until it is released.
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
	if b.dir.Has(want.Hash) && (b.isFresh(want.Hash) || b.check(want.Hash) == nil) {
		return nil
	}
	b.makeRoom(want.Size)
	if b.head != "" && b.copyFrom(want.Hash) == nil {
		return nil
	}
	defer debug.FreeOSMemory() // the messages it comes in are much of an agent's memory, and it won't need that again
	return b.dir.Fetch(want.Hash, func(w io.Writer) error { return control.GetBlob(ctx, want.Hash, w) })
}

// ahead gets an executable before it is needed, if the head has it on this machine: a job's first task comes some
// milliseconds after the job, about as long as the copy takes. One that can't be had so is got when it is needed.
func (b *binaries) ahead(want *protocol.Binary) {
	if b.head == "" || !object.ValidID(want.Hash) || !b.fetch.TryLock() {
		return
	}
	defer b.fetch.Unlock()
	if b.dir.Has(want.Hash) {
		return
	}
	b.makeRoom(want.Size)
	if b.copyFrom(want.Hash) == nil {
		b.fresh[want.Hash], _ = stampOf(b.dir.Path(want.Hash), b.now())
	}
}

// isFresh reports whether the executable was fetched ahead of this first use, and its file hasn't been changed since as far
// as the system tells.
func (b *binaries) isFresh(hash string) bool {
	then := b.fresh[hash]
	delete(b.fresh, hash)
	now, _ := stampOf(b.dir.Path(hash), b.now())
	return then != stamp{} && then == now
}

// usedEvery is how old the mark of an executable's last use may be.
const usedEvery = time.Minute

// check reads the executable, unless it did and the file is as it was. So it misses what changes bytes and leaves the
// system's mark of the last change as it was: a disk that spoils them, or root. Those could do that after the check too.
func (b *binaries) check(hash string) error {
	path := b.dir.Path(hash)
	now := b.now()
	before, settled := stampOf(path, now)
	if !settled || b.sound[hash] != before {
		delete(b.sound, hash)
		if err := b.dir.Check(hash); err != nil {
			return err
		}
		b.checks++
		if settled {
			b.sound[hash] = before // taken before the check, so that what is written meanwhile is seen the next time
		}
	}
	if now.Sub(before.modified) > usedEvery {
		_ = os.Chtimes(path, now, now) // after which it is checked once more
	}
	return nil
}

// copyFrom takes the executable from the head's blobs, if those are on this machine.
func (b *binaries) copyFrom(hash string) error {
	f, err := os.Open(filepath.Join(b.head, hash))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return b.dir.Fetch(hash, func(w io.Writer) error {
		_, err := io.Copy(w, struct{ io.Reader }{f}) // w reads while it hashes
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
			delete(b.sound, info.Name())
			delete(b.fresh, info.Name())
		}
	}
}
