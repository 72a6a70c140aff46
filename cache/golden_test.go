package cache

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// goldenCall has something in every field.
func goldenCall() Call {
	c := Call{Info: Info{
		Func: "example.com/app.count", Fingerprint: "f00d", Version: "2", Args: HashOf([]byte("args")),
		Summary: "words.txt", Fields: []Field{{"Path", [8]byte{1, 2, 3}}, {"Min", [8]byte{7: 9}}},
	}}
	c.Key = c.Info.Key()
	return c
}

// A file that changes is a change of the format: of every cache that was written before. It needs a new number, and a
// folder of its own.
func TestGoldenFormat(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for name, row := range map[string]struct {
		v   Value
		how Compression
	}{
		"plain":      {Value{Data: []byte("the value")}, CompressAuto},
		"raw":        {Value{Data: []byte{1, 0, 0, 0}, Raw: true}, CompressAuto},
		"compressed": {Value{Data: []byte(strings.Repeat("0123456789", 1000))}, CompressFast},
		"mapped":     {Value{Data: make([]byte, MapFrom), Raw: true}, CompressAuto},
	} {
		t.Run(name, func(t *testing.T) {
			c := goldenCall()
			c.Policy.Compress = row.how
			h, head, payload, err := encode(&c, row.v, now)
			if err != nil {
				t.Fatal(err)
			}
			if h.is(flagZstd) {
				// What the compressor gives may change with its version; what a file's payload means doesn't.
				head, payload = head[:h.offset], nil
				clear(head[24:32])
				clear(head[80:112])
				clear(head[int(h.offset)-hashLen:])
			}
			if h.is(flagMap) {
				payload = nil
			}
			file := filepath.Join("testdata", "golden", name+".hex")
			got := hex.Dump(append(head, payload...))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// A file that an earlier version has written is read as it was meant.
func TestReadGolden(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	dump, err := os.ReadFile(filepath.Join("testdata", "golden", "plain.hex"))
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for line := range strings.Lines(string(dump)) {
		if len(line) < 60 {
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(line[8:60]), ""))
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, b...)
	}
	c := goldenCall()
	path := s.entryPath(&c.Key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	hits(t, s, c, []byte("the value"))
	e, ok, err := s.Show(c.Key)
	if !ok || err != nil || len(e.Info.Changes(&c.Info)) > 0 || e.Info.Summary != "words.txt" || e.Created.UnixNano() != 1767323045000000006 {
		t.Errorf("%+v, %v, %v", e, ok, err)
	}
}

func TestGoldenKey(t *testing.T) {
	c := goldenCall()
	const want = "8954c43dbc11985d42d35288f04119a83c8902b640858a190f7e69f91cc9a058"
	if c.Key.String() != want {
		t.Errorf("the key is %s, want %s: every entry written before is lost", c.Key, want)
	}
}
