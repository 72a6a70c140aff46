package head

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"github.com/musterrun/muster/protocol"
)

// upload is a blob on its way here. Its parts come in any order, since several are on their way at once.
type upload struct {
	store *blobs
	key   string
	hash  string
	size  int64
	used  time.Time // guarded by the store's lock

	mu   sync.Mutex
	file *os.File // nil once it is over
	have spans
	sum  *blake3.Hasher // of what is there without a gap
	done int64          // so many bytes are in sum
}

// put takes a part, and the blob once all parts are there and the hash is right.
func (b *blobs) put(in protocol.PutBlob, data []byte, clock time.Time) (protocol.BlobInfo, error) {
	info, err := b.has(in.Hash, clock)
	if err != nil || info.Complete {
		return info, err
	}
	if in.Size < 0 || in.Offset < 0 || in.Offset > in.Size || int64(len(data)) > in.Size-in.Offset {
		return info, refuse(protocol.CodeMalformed,
			"a part at %d of %d bytes isn't within a blob of %d", in.Offset, len(data), in.Size)
	}
	u, err := b.upload(in, clock)
	if err != nil {
		return info, err
	}
	return u.put(in.Offset, data, clock)
}

// upload is the one that a part belongs to. A new one reserves its size.
func (b *blobs) upload(in protocol.PutBlob, clock time.Time) (*upload, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := in.Hash + "-" + strconv.FormatInt(in.Size, 10)
	if u := b.uploads[key]; u != nil {
		u.used = clock
		return u, nil
	}
	if in.Size > b.limit-b.total {
		return nil, refuse(protocol.CodeFull,
			"the head keeps at most %d MiB of binaries, files and values, and has %d: a blob of %d has no room",
			b.limit>>20, b.total>>20, in.Size>>20)
	}
	if err := b.disk.room(in.Size); err != nil {
		return nil, err
	}
	u := &upload{store: b, key: key, hash: in.Hash, size: in.Size, used: clock, sum: blake3.New()}
	var err error
	if u.file, err = os.OpenFile(u.path(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("keep a blob: %w", err)
	}
	b.uploads[key] = u
	b.total += in.Size
	return u, nil
}

func (u *upload) path() string { return u.store.path(".new-" + u.key) }

func (u *upload) put(offset int64, data []byte, clock time.Time) (protocol.BlobInfo, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file == nil { // another part was the last one, or wrong
		return u.store.has(u.hash, clock)
	}
	if _, err := u.file.WriteAt(data, offset); err != nil {
		return protocol.BlobInfo{}, errors.Join(fmt.Errorf("keep a blob of %d bytes: %w", u.size, err), u.abandon())
	}
	u.have = u.have.add(offset, offset+int64(len(data)))
	info := protocol.BlobInfo{Hash: u.hash, Size: u.size, Have: u.have.prefix()}
	if err := u.hashUpTo(info.Have); err != nil {
		return protocol.BlobInfo{}, errors.Join(fmt.Errorf("check a blob: %w", err), u.abandon())
	}
	if info.Have < u.size {
		return info, nil
	}
	info.Complete = true
	return info, u.finish(clock)
}

// hashUpTo takes what is there by now into the sum, so that the last part doesn't wait for all of the file to be read.
func (u *upload) hashUpTo(end int64) error {
	n, err := io.Copy(u.sum, io.NewSectionReader(u.file, u.done, end-u.done))
	u.done += n
	if err == nil && u.done < end {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// finish checks the hash and makes the upload a blob.
func (u *upload) finish(clock time.Time) error {
	if got := hex.EncodeToString(u.sum.Sum(nil)); got != u.hash {
		return errors.Join(refuse(protocol.CodeMalformed,
			"the blob's bytes have the hash %.12s, not %.12s: was the file changed meanwhile?", got, u.hash), u.abandon())
	}
	b := u.store
	b.mu.Lock()
	defer b.mu.Unlock()
	err := errors.Join(u.file.Close(), os.Rename(u.path(), b.path(u.hash)))
	u.file = nil
	delete(b.uploads, u.key)
	if err != nil {
		b.total -= u.size
		return fmt.Errorf("keep a blob: %w", err)
	}
	if b.known[u.hash] != nil { // by an upload that claimed another size: impossible with an equal hash
		b.total -= u.size
	}
	b.known[u.hash] = &blob{size: u.size, checked: true, used: clock}
	return nil
}

// abandon gives up. The upload's lock is held.
func (u *upload) abandon() error {
	if u.file == nil {
		return nil
	}
	err := errors.Join(u.file.Close(), os.Remove(u.path()))
	u.file = nil
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	delete(u.store.uploads, u.key)
	u.store.total -= u.size
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	sum := blake3.New()
	_, err = io.CopyBuffer(sum, f, make([]byte, 1<<20))
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Close())
}

// spans are the parts of a file that are there: sorted, apart from each other.
type spans []span

type span struct{ from, to int64 }

// add is the spans with another one.
func (s spans) add(from, to int64) spans {
	if from >= to {
		return s
	}
	first, _ := slices.BinarySearchFunc(s, from, func(e span, at int64) int { return cmp.Compare(e.to, at) })
	last := first
	for ; last < len(s) && s[last].from <= to; last++ {
		from, to = min(from, s[last].from), max(to, s[last].to)
	}
	return slices.Replace(s, first, last, span{from, to})
}

// prefix is how much is there from the start on without a gap.
func (s spans) prefix() int64 {
	if len(s) == 0 || s[0].from != 0 {
		return 0
	}
	return s[0].to
}
