package object

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zeebo/blake3"
)

// IDLen is the length of an id: 64 hexadecimal digits.
const IDLen = 64

// ErrDamaged is in the error about a file or bytes that aren't what their id says.
var ErrDamaged = errors.New("the bytes don't have the hash that names them")

// Dir is a folder of sealed values.
type Dir struct {
	path string
	mode fs.FileMode
}

// Open makes the folder if it isn't there, for its owner alone.
func Open(path string) (*Dir, error) { return open(path, 0o400) }

// OpenExecutables is Open for a folder whose values are programs. Whoever may enter the folder can start them.
func OpenExecutables(path string) (*Dir, error) { return open(path, executable) }

const executable fs.FileMode = 0o555

func open(path string, mode fs.FileMode) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of objects: %w", err)
	}
	return &Dir{path: path, mode: mode}, nil
}

// ID is the id of a value.
func ID(data []byte) string {
	sum := blake3.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ValidID reports whether id has the form of one. Only such may become part of a path.
func ValidID(id string) bool {
	if len(id) != IDLen {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Path is where the value lies, if it is there. An id that is none gives a path at which there never is anything.
func (d *Dir) Path(id string) string {
	if !ValidID(id) {
		return filepath.Join(d.path, "no-id")
	}
	return filepath.Join(d.path, id)
}

// Has reports whether the value is there.
func (d *Dir) Has(id string) bool {
	info, err := os.Lstat(d.Path(id))
	return err == nil && info.Mode().IsRegular()
}

// Put stores the value and returns its id. If it is there already, nothing is written.
func (d *Dir) Put(data []byte) (id string, err error) {
	id = ID(data)
	if d.Has(id) {
		return id, nil
	}
	return id, d.write(id, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Fetch stores the value id from what fill writes, which is checked before the value gets its name: the error is
// ErrDamaged if it is another. If it is there already, fill isn't called.
func (d *Dir) Fetch(id string, fill func(io.Writer) error) error {
	if !ValidID(id) {
		return fmt.Errorf("fetch an object: %q is no id of one", id)
	}
	if d.Has(id) {
		return nil
	}
	return d.write(id, func(w io.Writer) error {
		s := Seal(w)
		if err := fill(s); err != nil {
			return err
		}
		if s.ID() != id {
			return ErrDamaged
		}
		return nil
	})
}

// write makes the file by fill, under a temporary name until it is complete.
func (d *Dir) write(id string, fill func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(d.path, "new-*")
	if err != nil {
		return fmt.Errorf("store an object: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("store the object %.12s: %w", id, err)
		}
	}()
	var to io.Writer = file
	if d.mode == executable {
		to = inPieces{file}
	}
	err = fill(to)
	err = errors.Join(err, file.Close())
	if err != nil {
		return err
	}
	if err = os.Chmod(file.Name(), d.mode); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(d.path, id))
}

// inPieces writes so many bytes at a time. Linux keeps a file in memory in the pieces in which it was written (in folios of
// their size), and from version 6.18 maps a whole one into a process that touches a byte of it: of a program, that touches a
// little everywhere, nearly all would be resident.
type inPieces struct{ to io.Writer }

const programPiece = 64 << 10

func (w inPieces) Write(p []byte) (n int, err error) {
	for piece := range slices.Chunk(p, programPiece) {
		got, err := w.to.Write(piece)
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Check reads the whole value and compares its hash: ErrDamaged if it is another. A damaged file is removed.
func (d *Dir) Check(id string) error {
	file, err := os.Open(d.Path(id))
	if err != nil {
		return fmt.Errorf("check an object: %w", err)
	}
	s := Seal(io.Discard)
	_, err = s.ReadFrom(file)
	_ = file.Close()
	if err != nil {
		return fmt.Errorf("check the object %.12s: %w", id, err)
	}
	if s.ID() != id {
		_ = d.Remove(id)
		return fmt.Errorf("check the object %.12s: %w", id, ErrDamaged)
	}
	return nil
}

// Remove removes the value. That it isn't there is no error.
func (d *Dir) Remove(id string) error {
	err := os.Remove(d.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
