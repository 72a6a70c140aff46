package fingerprint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/zeebo/blake3"
)

// Executable identifies the whole executable, as Code.ID does: by its Go build id, or by its content if the go command
// hasn't made one.
// It is read once.
func Executable() (string, error) { return executable() }

var executable = sync.OnceValues(func() (string, error) {
	f, err := openSelf()
	if err != nil {
		return "", fmt.Errorf("identify the executable: %w", err)
	}
	defer f.Close()
	return identify(f)
})

// openSelf prefers the kernel's own link: it works when the file was replaced or removed after the start.
func openSelf() (*os.File, error) {
	if f, err := os.Open("/proc/self/exe"); err == nil {
		return f, nil
	}
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// head is how far from the start the linker may put the build id.
const head = 64 << 10

func identify(r io.Reader) (string, error) {
	buf := make([]byte, head)
	n, err := io.ReadFull(r, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("identify the executable: %w", err)
	}
	buf = buf[:n]
	if id := buildID(buf); isHashed(id) {
		return hashID("build id", id), nil
	}
	h := blake3.New()
	_, _ = h.Write(buf) // a hash never fails
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("identify the executable: %w", err)
	}
	return hashID("content", string(h.Sum(nil))), nil
}

// isHashed reports whether the go command has made the id, of four hashes: any other one was set by hand, as Bazel does,
// and stays the same whatever the executable is.
func isHashed(id string) bool {
	parts := strings.Split(id, "/")
	for _, p := range parts {
		if len(p) != hashLen {
			return false
		}
	}
	return len(parts) == 4
}

const hashLen = 20

// buildID finds the id in an ELF note, or in the text of other formats, which begins with it.
func buildID(head []byte) string {
	if id := noteID(head); id != "" {
		return id
	}
	const mark, end = "\xff Go build ID: \"", "\"\n \xff"
	_, rest, ok := bytes.Cut(head, []byte(mark))
	if !ok {
		return ""
	}
	id, _, ok := bytes.Cut(rest, []byte(end))
	if !ok || len(id) > maxID {
		return ""
	}
	return string(id)
}

// maxID is well above the length of an id of four hashes.
const maxID = 512

// noteID looks for the note of type 4 whose owner is "Go": 4 bytes for the owner's length, 4 for the id's, 4 for the
// type, the owner, the id, in the machine's byte order.
func noteID(head []byte) string {
	if !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	owner := []byte("Go\x00\x00")
	for at := 12; at < len(head); {
		i := bytes.Index(head[at:], owner)
		if i < 0 {
			return ""
		}
		at += i
		order := byteOrder(head)
		size, kind := int(order.Uint32(head[at-8:])), order.Uint32(head[at-4:])
		from := at + len(owner)
		if order.Uint32(head[at-12:]) == 4 && kind == 4 && size > 0 && size <= maxID && from+size <= len(head) {
			return string(head[from : from+size])
		}
		at++
	}
	return ""
}
