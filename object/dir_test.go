package object

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func openTemp(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "objects"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPutAndGet(t *testing.T) {
	d := openTemp(t)
	for _, size := range []int{0, 1, 1000, mapFrom, mapFrom + 12345} {
		data := bytes.Repeat([]byte("muster"), size/6+1)[:size]
		id, err := d.Put(data)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := d.Put(data); again != id || err != nil {
			t.Errorf("stored again: %s, %v", again, err)
		}
		got, err := d.Get(id)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("size %d: got %d bytes, %v", size, len(got), err)
		}
		if err := d.Check(id); err != nil {
			t.Error(err)
		}
		if !d.Has(id) || !ValidID(id) {
			t.Errorf("has %s: %v", id, d.Has(id))
		}
	}
	noTemporaries(t, d)
}

func noTemporaries(t *testing.T, d *Dir) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(d.path, "new-*"))
	if len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What is written to a value that was got stays in the process, and removing it takes nothing away.
func TestGotBytesAreOnesOwn(t *testing.T) {
	d := openTemp(t)
	data := bytes.Repeat([]byte{7}, mapFrom)
	id, err := d.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 1
	if err := d.Check(id); err != nil {
		t.Errorf("after a write to what was got: %v", err)
	}
	if err := d.Remove(id); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(id); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	if got[0] != 1 || got[len(got)-1] != 7 || d.Has(id) {
		t.Error("the bytes changed when the file went")
	}
}

func TestFetch(t *testing.T) {
	d := openTemp(t)
	data := []byte("some bytes")
	id := ID(data)
	if err := d.Fetch(id, func(w io.Writer) error { _, err := w.Write(data[1:]); return err }); !errors.Is(err, ErrDamaged) {
		t.Errorf("other bytes: %v", err)
	}
	broken := errors.New("broken")
	if err := d.Fetch(id, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a source that breaks: %v", err)
	}
	if d.Has(id) {
		t.Error("it is there after failures")
	}
	if err := d.Fetch(id, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		t.Fatal(err)
	}
	if err := d.Fetch(id, func(io.Writer) error { return broken }); err != nil {
		t.Errorf("it is there, and was fetched again: %v", err)
	}
	noTemporaries(t, d)
}

func TestDamageIsFound(t *testing.T) {
	d := openTemp(t)
	id, err := d.Put([]byte("whole"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(d.Path(id), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Path(id), []byte("holes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(id); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if d.Has(id) {
		t.Error("the damaged file is still there")
	}
}

// An id comes from other processes: it must not lead out of the folder.
func TestHostileIDs(t *testing.T) {
	d := openTemp(t)
	for _, id := range []string{"", ".", "../../etc/passwd", strings.Repeat("A", IDLen), strings.Repeat("/", IDLen)} {
		if _, err := d.Get(id); err == nil || d.Has(id) {
			t.Errorf("%q was found", id)
		}
		if err := d.Fetch(id, func(io.Writer) error { return nil }); err == nil {
			t.Errorf("%q was fetched", id)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	d := openTemp(t)
	data := bytes.Repeat([]byte("x"), 100_000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			id, err := d.Put(data)
			if err != nil {
				t.Error(err)
			}
			if got, err := d.Get(id); err != nil || !bytes.Equal(got, data) {
				t.Error("not what was stored", err)
			}
		})
	}
	all.Wait()
	noTemporaries(t, d)
}
