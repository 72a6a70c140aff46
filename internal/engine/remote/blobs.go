package remote

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// PutValue stores a value that is too long for a message, and gives its id, the hash of its bytes. To store one again
// costs a question.
func (c *Carrier) PutValue(ctx context.Context, data []byte) (id string, size int64, err error) {
	sum := blake3.Sum256(data)
	id, size = hex.EncodeToString(sum[:]), int64(len(data))
	if err := put(ctx, c.asks, id, size, bytes.NewReader(data)); err != nil {
		return "", 0, fmt.Errorf("store a value of %d bytes: %w", size, err)
	}
	return id, size, nil
}

// GetValue fetches what PutValue, here or on a node, has stored. It takes no more memory than size and checks the bytes
// against the id.
func (c *Carrier) GetValue(ctx context.Context, id string, size int64) ([]byte, error) {
	if size < 0 || int64(int(size)) != size {
		return nil, fmt.Errorf("fetch value %s: %d bytes aren't for this machine", id, size)
	}
	w := &limited{left: size}
	if err := c.asks.GetBlob(ctx, id, w); err != nil {
		return nil, fmt.Errorf("fetch value %s of %d bytes: %w", id, size, err)
	}
	if sum := blake3.Sum256(w.Bytes()); hex.EncodeToString(sum[:]) != id {
		return nil, fmt.Errorf("fetch value %s: other bytes came", id)
	}
	return w.Bytes(), nil
}

// limited takes so many bytes and no more.
type limited struct {
	bytes.Buffer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("it is longer than its size says")
	}
	return l.Buffer.Write(p)
}

// put uploads a blob unless the head has it.
func put(ctx context.Context, to Control, hash string, size int64, r io.ReaderAt) error {
	var info protocol.BlobInfo
	err := to.Ask(ctx, protocol.OpHasBlob, protocol.BlobID{Hash: hash}, &info)
	var refused *protocol.Refusal
	switch {
	case err == nil && info.Complete:
		return nil
	case err == nil, errors.As(err, &refused) && refused.Code == protocol.CodeUnknown:
		return to.PutBlob(ctx, hash, size, r)
	}
	return err
}

// Upload gives the head the executables and files that it hasn't, and says what they are called there. It needs Cluster,
// Binaries and Files alone.
func (c *Config) Upload(ctx context.Context) ([]protocol.Binary, []protocol.File, error) {
	binaries, err := c.uploadBinaries(ctx)
	if err != nil {
		return nil, nil, err
	}
	files, err := c.uploadFiles(ctx)
	return binaries, files, err
}

// uploadBinaries gives the head the executables that it hasn't.
func (c *Config) uploadBinaries(ctx context.Context) ([]protocol.Binary, error) {
	list, err := c.binaries()
	if err != nil {
		return nil, err
	}
	out := make([]protocol.Binary, 0, len(list))
	for _, b := range list {
		if b.Path == "" {
			out = append(out, protocol.Binary{OS: b.OS, Arch: b.Arch, Hash: b.Hash, Size: b.Size})
			continue
		}
		hash, info, err := upload(ctx, c.Cluster, b.Path)
		if err != nil {
			return nil, fmt.Errorf("upload the executable for %s/%s: %w", b.OS, b.Arch, err)
		}
		out = append(out, protocol.Binary{OS: b.OS, Arch: b.Arch, Hash: hash, Size: info.Size()})
	}
	return out, nil
}

// binaries are Binaries, or this process's own executable.
func (c *Config) binaries() ([]Binary, error) {
	if len(c.Binaries) > 0 {
		return c.Binaries, nil
	}
	path, err := ownExecutable()
	if err != nil {
		return nil, fmt.Errorf("find this program's executable: %w; name it in Config.Binaries", err)
	}
	return []Binary{{OS: runtime.GOOS, Arch: runtime.GOARCH, Path: path}}, nil
}

// Executables are the files of the program's executables that the head may lack, for Dial.
func (c *Config) Executables() (paths []string) {
	list, _ := c.binaries() // Open says what is wrong
	for _, b := range list {
		if b.Path != "" {
			paths = append(paths, b.Path)
		}
	}
	return paths
}

// ownExecutable is where this process's executable can be read, also after its file was replaced by a new build.
func ownExecutable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

func (c *Config) uploadFiles(ctx context.Context) ([]protocol.File, error) {
	out := make([]protocol.File, 0, len(c.Files))
	for _, f := range c.Files {
		hash, info, err := upload(ctx, c.Cluster, f.From)
		if err != nil {
			return nil, fmt.Errorf("upload file %s: %w", f.Path, err)
		}
		out = append(out, protocol.File{Path: f.Path, Mode: uint32(info.Mode().Perm()), Hash: hash, Size: info.Size()})
	}
	return out, nil
}

// upload gives the head a file, unless it has it.
func upload(ctx context.Context, to Control, path string) (hash string, info fs.FileInfo, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return "", nil, err
	}
	state := stateOf(path, info)
	hash = hashes.get(state)
	if p, ok := to.(placer); ok && hash == "" { // else the head most likely has it
		hash = p.place(f, info.Size())
	}
	if hash == "" {
		if hash, err = hashOf(f, info.Size()); err != nil {
			return "", nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	hashes.put(state, hash)
	return hash, info, put(ctx, to, hash, info.Size(), f)
}

// placer is a Cluster whose head may be on this machine.
type placer interface {
	// place brings a file to the head, if that is quick, and gives the hash of what it has brought, or "".
	place(f *os.File, size int64) (hash string)
}

func hashOf(f io.ReaderAt, size int64) (string, error) {
	s := object.Seal(io.Discard)
	_, err := s.ReadFrom(io.NewSectionReader(f, 0, size))
	return s.ID(), err
}

// hashes remembers the files that were hashed, for a process that opens many jobs.
var hashes = hashed{known: map[fileState]string{}}

type hashed struct {
	mu    sync.Mutex
	known map[fileState]string
}

// fileState is what changes when a file does.
type fileState struct {
	path string
	size int64
	mod  time.Time
}

func stateOf(path string, info fs.FileInfo) fileState {
	return fileState{path, info.Size(), info.ModTime()}
}

const maxHashes = 1000

// get is a file's hash, or "".
func (h *hashed) get(state fileState) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[state]
}

func (h *hashed) put(state fileState, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxHashes {
		clear(h.known)
	}
	h.known[state] = hash
}
