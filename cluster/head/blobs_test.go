package head

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

func openTestBlobs(t *testing.T, dir string) *blobs {
	t.Helper()
	b, err := openBlobs(dir, 1<<20, &disk{free: func(string) (int64, error) { return 1 << 40, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// refusal is the code of an error that is a refusal.
func refusal(err error) string {
	var r *protocol.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// Spans are what a set of bytes would be.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 40
		var have [size]bool
		var s spans
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			from := rapid.Int64Range(0, size).Draw(t, "from")
			to := rapid.Int64Range(from, size).Draw(t, "to")
			s = s.add(from, to)
			for i := from; i < to; i++ {
				have[i] = true
			}
		}
		prefix := slices.Index(have[:], false)
		if prefix < 0 {
			prefix = size
		}
		if s.prefix() != int64(prefix) {
			t.Errorf("%v begins with %d, want %d", s, s.prefix(), prefix)
		}
		var got [size]bool
		for i, e := range s {
			if e.from >= e.to || i > 0 && s[i-1].to >= e.from {
				t.Errorf("%v isn't sorted and apart", s)
			}
			for j := e.from; j < e.to; j++ {
				got[j] = true
			}
		}
		if got != have {
			t.Errorf("%v isn't what was added", s)
		}
	})
}

// Parts may come in any order, twice, and after the end; what comes of them is right or nothing.
func TestUpload(t *testing.T) {
	b := openTestBlobs(t, t.TempDir())
	data := []byte("some bytes that come in parts")
	hash, now := join.HashBlob(data), time.Now()
	put := func(from, to int) (protocol.BlobInfo, error) {
		return b.put(protocol.PutBlob{Hash: hash, Size: int64(len(data)), Offset: int64(from)}, data[from:to], now)
	}
	for _, p := range []struct {
		from, to int
		have     int64
	}{{20, len(data), 0}, {5, 12, 0}, {0, 6, 12}, {0, 6, 12}, {12, 20, int64(len(data))}, {0, 6, int64(len(data))}} {
		info, err := put(p.from, p.to)
		if err != nil || info.Have != p.have || info.Complete != (p.have == int64(len(data))) {
			t.Fatalf("%v: %+v, %v", p, info, err)
		}
	}
	wrong := join.HashBlob([]byte("other bytes"))
	for range 2 {
		_, err := b.put(protocol.PutBlob{Hash: wrong, Size: 3}, []byte("abc"), now)
		if refusal(err) != protocol.CodeMalformed {
			t.Errorf("wrong bytes: %v", err)
		}
	}
	for _, in := range []protocol.PutBlob{
		{Hash: wrong, Size: -1}, {Hash: wrong, Size: 3, Offset: 4}, {Hash: wrong, Size: 3, Offset: -1}, {Hash: wrong, Size: 3, Offset: 1},
		{Hash: "x", Size: 3},
	} {
		if _, err := b.put(in, []byte("abc"), now); refusal(err) != protocol.CodeMalformed {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if _, err := b.put(protocol.PutBlob{Hash: wrong, Size: 1 << 62}, nil, now); refusal(err) != protocol.CodeFull {
		t.Errorf("too large: %v", err)
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil || len(entries) != 1 || b.total != int64(len(data)) || len(b.uploads) > 0 {
		t.Errorf("%d files, %d bytes, %d uploads: %v", len(entries), b.total, len(b.uploads), err)
	}
}

// A program on the head's machine may put blobs into the folder, not too many. They are given out if they are what their
// names say, and are gone if they aren't.
func TestPlacedBlob(t *testing.T) {
	dir := t.TempDir()
	b := openTestBlobs(t, dir)
	now := time.Now()
	whole, large := []byte("placed"), make([]byte, 2<<20)
	for _, row := range []struct {
		name     string
		hash     string
		data     []byte
		complete bool
		given    bool
	}{
		{"whole", object.ID(whole), whole, true, true},
		{"another's name", object.ID([]byte("other")), whole, true, false},
		{"more than fits", object.ID(large), large, false, false},
	} {
		if info, err := b.has(row.hash, now); info.Complete || err != nil {
			t.Errorf("%s: before: %+v, %v", row.name, info, err)
		}
		if err := os.WriteFile(filepath.Join(dir, row.hash), row.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := b.has(row.hash, now); info.Complete != row.complete || err != nil {
			t.Errorf("%s: %+v, %v", row.name, info, err)
		}
		if _, data, err := b.get(protocol.GetBlob{Hash: row.hash, Most: 10}, now); row.given != (string(data) == string(row.data)) ||
			!row.given && refusal(err) != protocol.CodeUnknown {
			t.Errorf("%s: given %q, %v", row.name, data, err)
		}
		if info, err := b.has(row.hash, now); info.Complete != row.given || err != nil {
			t.Errorf("%s: after it was asked for: %+v, %v", row.name, info, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, row.hash)); (err == nil) != row.given {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if b.total != int64(len(whole)) {
		t.Errorf("%d bytes are counted", b.total)
	}
}

// A blob that was spoilt while no head ran is as good as gone.
func TestSpoiltBlob(t *testing.T) {
	dir := t.TempDir()
	b := openTestBlobs(t, dir)
	good, bad, now := join.HashBlob([]byte("good")), join.HashBlob([]byte("fine")), time.Now()
	for hash, data := range map[string]string{good: "good", bad: "fine"} {
		if _, err := b.put(protocol.PutBlob{Hash: hash, Size: 4}, []byte(data), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(b.path(bad), []byte("fin\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	b = openTestBlobs(t, dir)
	if info, err := b.has(good, now); !info.Complete || err != nil {
		t.Errorf("%+v, %v", info, err)
	}
	if _, data, err := b.get(protocol.GetBlob{Hash: good, Most: 10}, now); err != nil || string(data) != "good" {
		t.Errorf("%q, %v", data, err)
	}
	if _, _, err := b.get(protocol.GetBlob{Hash: bad, Most: 10}, now); refusal(err) != protocol.CodeUnknown || b.total != 4 {
		t.Errorf("%v, %d bytes", err, b.total)
	}
	if _, _, err := b.get(protocol.GetBlob{Hash: good, Most: 10, Offset: 5}, now); refusal(err) != protocol.CodeMalformed {
		t.Error(err)
	}
}

// Old blobs go, unless a record names them or a job that may need them is there.
func TestSweep(t *testing.T) {
	b := openTestBlobs(t, t.TempDir())
	start := time.Now()
	for i, data := range []string{"named", "before", "since", "new"} {
		at := start.Add(time.Duration(i) * time.Hour)
		if _, err := b.put(protocol.PutBlob{Hash: join.HashBlob([]byte(data)), Size: int64(len(data))}, []byte(data), at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.put(protocol.PutBlob{Hash: join.HashBlob([]byte("half")), Size: 4}, []byte("ha"), start); err != nil {
		t.Fatal(err)
	}
	have := func(want ...string) {
		t.Helper()
		if len(b.known) != len(want) {
			t.Errorf("%d blobs, want %d", len(b.known), len(want))
		}
		for _, data := range want {
			if b.known[join.HashBlob([]byte(data))] == nil {
				t.Errorf("%q is gone", data)
			}
		}
	}
	named := map[string]bool{join.HashBlob([]byte("named")): true}
	clock := start.Add(3*time.Hour + time.Second)
	if err := b.sweep(clock, start.Add(90*time.Minute), named); err != nil {
		t.Fatal(err)
	}
	have("named", "since", "new")
	if len(b.uploads) > 0 {
		t.Error("an upload that doesn't go on is kept")
	}
	if err := b.sweep(clock, time.Time{}, nil); err != nil {
		t.Fatal(err)
	}
	have("new")
	if b.total != 3 {
		t.Errorf("%d bytes", b.total)
	}
}
