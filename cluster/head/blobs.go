package head

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

const (
	blobAge     = time.Hour        // without a job that may need it
	uploadAge   = 10 * time.Minute // of one that isn't going on
	touchEvery  = 10 * time.Minute
	maxBlobPart = 4 << 20
)

// blobs are files by the hash of their content. Nothing is synced: a blob that this head hasn't written itself is
// checked before it is given out for the first time, so that what a power cut has spoilt is as good as gone. One that was
// there at the start is checked before anybody is told that it is there. One that a program on this machine has placed
// since isn't, since that program has hashed what it wrote, and who runs it might change what the head has written as well.
type blobs struct {
	dir   string
	limit int64
	disk  *disk

	mu      sync.Mutex
	total   int64 // bytes, with those that are on their way
	known   map[string]*blob
	uploads map[string]*upload // by hash and size
}

type blob struct {
	size    int64
	check   sync.Mutex
	checked bool
	placed  bool      // by another process, since this one's start
	used    time.Time // by the clock, since it is the file's time of modification after a restart
}

func openBlobs(dir string, limit int64, d *disk) (*blobs, error) {
	b := &blobs{dir: dir, limit: limit, disk: d, known: map[string]*blob{}, uploads: map[string]*upload{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the blobs: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("open the blobs: %w", err)
		}
		if isHash(e.Name()) {
			b.known[e.Name()] = &blob{size: info.Size(), used: info.ModTime()}
			b.total += info.Size()
		}
	}
	return b, nil
}

func (b *blobs) path(hash string) string { return filepath.Join(b.dir, hash) }

// find is a blob that is there, marked as used.
func (b *blobs) find(hash string, clock time.Time) *blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.known[hash]
	if k == nil {
		k = b.placed(hash)
	}
	if k == nil {
		return nil
	}
	if clock.Sub(k.used) > touchEvery {
		_ = os.Chtimes(b.path(hash), clock, clock) // it only says how long it may stay
	}
	k.used = clock
	return k
}

// placed is a blob that a program on this machine has put into the folder, unless that makes them too many. The lock is
// held.
func (b *blobs) placed(hash string) *blob {
	info, err := os.Lstat(b.path(hash))
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if info.Size() > b.limit-b.total {
		_ = os.Remove(b.path(hash)) // it is sent then, and refused with a reason
		return nil
	}
	k := &blob{size: info.Size(), placed: true, used: info.ModTime()}
	b.known[hash] = k
	b.total += k.size
	return k
}

// sound is find for a blob whose content is right. One whose content isn't is removed.
func (b *blobs) sound(hash string, clock time.Time) (*blob, error) {
	k := b.find(hash, clock)
	if k == nil {
		return nil, nil //nolint:nilnil // not there
	}
	k.check.Lock()
	defer k.check.Unlock()
	if k.checked {
		return k, nil
	}
	got, err := hashFile(b.path(hash))
	if err == nil && got == hash {
		k.checked = true
		return k, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("check blob %.12s: %w", hash, err)
	}
	return nil, b.drop(hash)
}

// drop removes a blob.
func (b *blobs) drop(hash string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.known[hash]
	if k == nil {
		return nil
	}
	if err := os.Remove(b.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove blob %.12s: %w", hash, err)
	}
	delete(b.known, hash)
	b.total -= k.size
	return nil
}

// has says what is there of a blob.
func (b *blobs) has(hash string, clock time.Time) (protocol.BlobInfo, error) {
	info := protocol.BlobInfo{Hash: hash}
	if !isHash(hash) {
		return info, refuse(protocol.CodeMalformed, "%q isn't a blake3 hash in hexadecimal digits", short(hash))
	}
	k := b.find(hash, clock)
	var err error
	if k != nil && !k.placed {
		k, err = b.sound(hash, clock)
	}
	if k != nil {
		info.Size, info.Have, info.Complete = k.size, k.size, true
	}
	return info, err
}

// get reads a part.
func (b *blobs) get(in protocol.GetBlob, clock time.Time) (protocol.BlobInfo, []byte, error) {
	info, err := b.has(in.Hash, clock)
	if err != nil {
		return info, nil, err
	}
	k, err := b.sound(in.Hash, clock)
	switch {
	case err != nil:
		return info, nil, err
	case k == nil:
		return info, nil, refuse(protocol.CodeUnknown, "the head has no blob %.12s", in.Hash)
	case in.Offset < 0 || in.Offset > info.Size || in.Most < 0:
		return info, nil, refuse(protocol.CodeMalformed,
			"blob %.12s has %d bytes: there is nothing at %d", in.Hash, info.Size, in.Offset)
	}
	f, err := os.Open(b.path(in.Hash))
	if err != nil {
		return info, nil, fmt.Errorf("read blob: %w", err)
	}
	data := make([]byte, min(int64(in.Most), maxBlobPart, info.Size-in.Offset))
	_, err = f.ReadAt(data, in.Offset)
	if errors.Is(err, io.EOF) && len(data) == 0 {
		err = nil
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return info, nil, fmt.Errorf("read blob: %w", err)
	}
	return info, data, nil
}

// sweep removes what no record names and nobody has used for an hour, unless a job is there that was opened before:
// values of jobs are blobs too, and no record names those.
func (b *blobs) sweep(clock, firstOpened time.Time, named map[string]bool) error {
	b.mu.Lock()
	var gone []string
	for hash, k := range b.known {
		inUse := named[hash] || !firstOpened.IsZero() && !k.used.Before(firstOpened)
		if !inUse && clock.Sub(k.used) > blobAge {
			gone = append(gone, hash)
		}
	}
	var stale []*upload
	for _, u := range b.uploads {
		if clock.Sub(u.used) > uploadAge {
			stale = append(stale, u)
		}
	}
	b.mu.Unlock()
	var errs []error
	for _, hash := range gone {
		errs = append(errs, b.drop(hash))
	}
	for _, u := range stale {
		u.mu.Lock()
		errs = append(errs, u.abandon())
		u.mu.Unlock()
	}
	return errors.Join(errs...)
}

// close ends the uploads.
func (b *blobs) close() {
	b.mu.Lock()
	all := make([]*upload, 0, len(b.uploads))
	for _, u := range b.uploads {
		all = append(all, u)
	}
	b.mu.Unlock()
	for _, u := range all {
		u.mu.Lock()
		_ = u.abandon() // what it leaves is removed at the next start
		u.mu.Unlock()
	}
}

func (h *Head) hasBlob(_ context.Context, _ caller, in *protocol.BlobID) (any, error) {
	return h.blobs.has(in.Hash, h.cfg.Now())
}

func getBlob(_ context.Context, h *Head, _ caller, body []byte) (any, []byte, error) {
	var in protocol.GetBlob
	if err := decode(body, &in); err != nil {
		return nil, nil, err
	}
	info, data, err := h.blobs.get(in, h.cfg.Now())
	return info, data, err
}

func putBlob(_ context.Context, h *Head, _ caller, body []byte) (any, []byte, error) {
	var in protocol.PutBlob
	head, data := split(body)
	if err := decode(head, &in); err != nil {
		return nil, nil, err
	}
	info, err := h.blobs.put(in, data, h.cfg.Now())
	return info, nil, err
}
