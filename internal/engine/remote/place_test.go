package remote

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/object"
)

// Who dials a head on this machine has brought it the files that he names, and their hashes are known.
func TestPlaceAhead(t *testing.T) {
	h := realHead(t, head.Config{StateDir: t.TempDir()})
	path := filepath.Join(t.TempDir(), "file")
	data := []byte(path) // which no other test has
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, here := range []bool{false, true} {
		id := h.Admin()
		blobs := id.Blobs
		if !here {
			id.Blobs = ""
		}
		user, err := Dial(within(t), id, nil, path, path+".missing")
		if err != nil {
			t.Fatal(err)
		}
		if isThere(filepath.Join(blobs, object.ID(data))) != here {
			t.Errorf("here: %v, and its blob is there: %v", here, !here)
		}
		if has, err := user.HasBlob(within(t), object.ID(data)); has != here || err != nil {
			t.Errorf("here: %v, the head has it: %v, %v", here, has, err)
		}
		user.Close()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if known := hashes.get(stateOf(path, info)); (known == object.ID(data)) != here {
			t.Errorf("here: %v, known as %q", here, known)
		}
	}
}

// What the head on this machine is to have is copied into its folder, whole, and nothing else is left there.
func TestPlace(t *testing.T) {
	h := realHead(t, head.Config{StateDir: t.TempDir()})
	id := h.Admin()
	user, err := Dial(within(t), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	for _, size := range []int64{10, small + 1} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is there
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := hashOf(f, size)
			if err != nil {
				t.Fatal(err)
			}
			hash := user.place(f, size)
			_ = f.Close()
			info, err := os.Stat(filepath.Join(id.Blobs, want))
			if err != nil || info.Size() != size || hash != want {
				t.Errorf("%d bytes: %v, %v, %q", size, info, err, hash)
			}
		}
	}
	f, err := os.Open("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if hash := user.place(f, small-1); hash != "" {
		t.Errorf("a file that is shorter than it was is placed as %s", hash)
	}
	_ = f.Close()
	for _, size := range []int64{10, small + 1} {
		if hash := user.place(f, size); hash != "" {
			t.Errorf("a file of %d bytes that can't be read is placed as %s", size, hash)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(id.Blobs, ".new-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
