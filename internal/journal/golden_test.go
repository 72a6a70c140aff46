package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

const goldenFile = "testdata/golden.txt"

// The bytes of a file, frame by frame. A change here means that journals written before can't be read: raise the version.
func TestGolden(t *testing.T) {
	got := goldenText(t)
	if *update {
		if err := os.MkdirAll(filepath.Dir(goldenFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	wantLines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("line %d is\n%s", i+1, line)
		}
	}
	if len(got) != len(want) {
		t.Error("frames are missing")
	}
}

// goldenText writes a journal whose salt is known, and takes its file apart.
func goldenText(t *testing.T) string {
	defer func(old func() uint32) { newSalt = old }(newSalt)
	newSalt = func() uint32 { return 0x11223344 }
	m := &memory{}
	started := time.Date(2026, 11, 24, 9, 0, 0, 5, time.FixedZone("", 3600))
	j, err := start(m, "mem", Run{Started: started, Host: "h", PID: 7, Program: []string{"p", "-x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	code := func() Code { return Code{Func: "grüße", Kind: ByFingerprint, ID: "abc"} }
	j.Append(Record{Key: keyOf("golden", 1), Func: "f", Status: OK, Attempt: 1, Data: []byte("result")}, code)
	j.Append(Record{Key: keyOf("golden", 2), Func: "f", Status: Failed, Attempt: 200}, code)
	j.Append(Record{Key: keyOf("golden", 3), Func: "f", Status: OK, From: 128, To: 129, Inputs: Key{9}, Data: []byte("items")}, code)
	closed(t, j)
	return takeApart(t, m.data)
}

func takeApart(t *testing.T, data []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %x\n", "file", data[:fileHeadLen])
	w := &window{f: bytes.NewReader(data), size: int64(len(data)), salt: 0x11223344}
	for off := int64(fileHeadLen); off < w.size; {
		e, meta, next, err := w.frame(off)
		if err != nil || next == 0 {
			t.Fatalf("no frame at %d, %v", off, err)
		}
		fmt.Fprintf(&b, "head %c   %x\n  meta   %x\n  data   %x\n", meta[0], data[off:off+headLen], meta, data[e.at:next])
		off = next
	}
	return b.String()
}

// A journal that was written long ago is read as ever.
func TestGoldenIsRead(t *testing.T) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var m memory
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line[9:]))
		if err != nil {
			t.Fatal(err)
		}
		m.data = append(m.data, b...)
	}
	j := begin(t, &m)
	defer closed(t, j)
	if o := j.Opened(); o != (Opened{Epoch: 2, Records: 3}) {
		t.Errorf("it opens with %+v", o)
	}
	wantTask(t, j, keyOf("golden", 1), OK, "result")
	wantTask(t, j, keyOf("golden", 2), Failed, "")
	r := j.Ranges(keyOf("golden", 3))
	if len(r) != 1 || r[0].From != 128 || r[0].To != 129 || r[0].Inputs != (Key{9}) {
		t.Fatalf("ranges are %+v", r)
	}
	wantData(t, j, r[0], "items")
	if c, _ := j.Code("grüße"); c != (Code{"grüße", ByFingerprint, "abc"}) {
		t.Errorf("code is %+v", c)
	}
	if r := j.index.runs; len(r) != 1 || r[0].PID != 7 || r[0].Host != "h" || len(r[0].Program) != 2 {
		t.Errorf("runs are %+v", r)
	}
}

// A later version may add kinds of records, short and long ones.
func TestUnknownKind(t *testing.T) {
	data, pieces := sample(5)
	for _, size := range []int{0, 10, checkedAtOnce + 1} {
		at := len(data)
		with := append(openFrame(bytes.Clone(data)), "zebra"...)
		with = closeFrame(with, at, 5, valueOf(Key{1}, size), dataSum(valueOf(Key{1}, size)))
		at = len(with)
		r := Record{Key: Key{60}, Status: OK, Data: []byte("behind")}
		with = appendTask(with, 5, 0, &r, dataSum(r.Data))
		j := begin(t, &memory{data: with})
		wantPieces(t, j, append(pieces, piece{at, len(with), r}), func(piece) bool { return false })
		if o := j.Opened(); o.Damaged != 0 || o.Cut != 0 || o.Records != 7 {
			t.Errorf("it opens with %+v", o)
		}
		closed(t, j)
	}
}

// Records that make no sense, although their sums are right, are passed over and counted.
func TestMalformed(t *testing.T) {
	key := string(make([]byte, 16))
	for name, meta := range map[string]string{
		"task empty":           "t",
		"task short":           "t\x01" + key + "\x00",
		"task long":            "t\x01" + key + "\x00\x00\x00",
		"task status":          "t\x03" + key + "\x00\x00",
		"task key":             "t\x01" + key[:15],
		"task varint":          "t\x01" + key + "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"range without items":  "m\x01" + key + "\x00\x00\x05\x00" + key,
		"range beyond int":     "m\x01" + key + "\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x3f\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + key,
		"range without inputs": "m\x01" + key + "\x00\x00\x05\x01",
		"func short":           "f\x09\x05a",
		"func long":            "f\x09\x00\x00\x00\x00",
		"session":              "s",
	} {
		data, pieces := sample(5)
		at := len(data)
		data = closeFrame(append(openFrame(data), meta...), at, 5, []byte("{"), dataSum([]byte("{")))
		r := Record{Key: Key{60}, Status: OK, Data: []byte("behind")}
		data = appendTask(data, 5, 0, &r, dataSum(r.Data))
		j := begin(t, &memory{data: data})
		wantPieces(t, j, append(pieces, piece{at, len(data), r}), func(piece) bool { return false })
		if o := j.Opened(); o.Damaged != 1 || o.Cut != 0 || o.Records != 7 {
			t.Errorf("%s: it opens with %+v", name, o)
		}
		closed(t, j)
	}
}

// A range that is too large for this machine isn't taken for a small one.
func TestRangeOfALargerMachine(t *testing.T) {
	var from int64 = 1<<32 + 5
	meta := append([]byte{kindRange, byte(OK)}, make([]byte, 16)...)
	meta = binary.AppendUvarint(append(meta, 0, 0), uint64(from))
	meta = append(append(meta, 1), make([]byte, 16)...)
	if r, _, ok := readTask(meta); ok != (strconv.IntSize == 64) || ok && int64(r.From) != from {
		t.Errorf("it reads %+v, %v", r, ok)
	}
}

// A file of another version or kind isn't touched.
func TestOtherFormats(t *testing.T) {
	data, _ := sample(5)
	for content, want := range map[string]string{
		brand + "\x02" + string(data[8:]): "its format is 2, and 1 is read here: go on with the version of muster that wrote it, or remove the job",
		brand + "\x00":                    "its format is 0",
		"dear diary":                      `it begins with "dear dia": remove it, or give the job another name`,
		"x":                               `it begins with "x"`,
		magic + "\x00" + string(data[9:]): "its first 16 bytes are damaged: remove the job",
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": "it begins with",
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "job"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(dir), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, "job", Run{}, nil)
		_, described := Describe(dir, "job")
		_, listed := List(dir)
		for _, err := range []error{err, described, listed} {
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path(dir)+": not a journal that this version of muster reads: "+want) {
				t.Errorf("%q: %v", content, err)
			}
		}
		if now, err := os.ReadFile(path(dir)); err != nil || string(now) != content {
			t.Errorf("%q: the file is now %q, %v", content, now, err)
		}
	}
}
