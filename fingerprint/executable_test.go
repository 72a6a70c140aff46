package fingerprint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
)

func TestExecutableIsTheGoBuildID(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "buildid", exe).Output()
	if err != nil {
		t.Skip("go tool buildid:", err)
	}
	got, err := Executable()
	want := hashID("build id", strings.TrimSpace(string(out)))
	if err != nil || got != want || !looksLikeID(got) {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// note is an ELF note as the linker writes it.
func note(order binary.ByteOrder, id string) []byte {
	header := []byte("\x7fELF\x02\x01")
	if order == binary.ByteOrder(binary.BigEndian) {
		header[5] = 2
	}
	b := append(header, make([]byte, 64)...)
	for _, n := range []uint32{4, uint32(len(id)), 4} {
		var word [4]byte
		order.PutUint32(word[:], n)
		b = append(b, word[:]...)
	}
	return append(append(b, "Go\x00\x00"...), id...)
}

func TestBuildIDs(t *testing.T) {
	mark := "text\xff Go build ID: \"the/id\"\n \xffmore"
	for name, c := range map[string]struct{ file, want string }{
		"note":            {string(note(binary.LittleEndian, "the/id")), "the/id"},
		"big-endian note": {string(note(binary.BigEndian, "the/id")), "the/id"},
		"other note first": {"\x7fELF\x02\x01" + strings.Repeat("\x00", 40) + "Go\x00\x00junk" +
			string(note(binary.LittleEndian, "the/id"))[6:], "the/id"},
		"text of other formats": {mark, "the/id"},
		"cut off":               {mark[:20], ""},
		"too short":             {"\x7fELFGo\x00\x00", ""},
		"note that lies":        {string(note(binary.LittleEndian, "the/id"))[:85], ""},
		"empty":                 {"", ""},
	} {
		if got := buildID([]byte(c.file)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestIdentifyByContent(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 2*head)
	a, errA := identify(bytes.NewReader(big))
	big[len(big)-1]++
	b, errB := identify(bytes.NewReader(big))
	if errA != nil || errB != nil || a == b || !looksLikeID(a) {
		t.Errorf("%s, %v and %s, %v", a, errA, b, errB)
	}
	made := note(binary.LittleEndian, strings.Repeat("x", hashLen)+strings.Repeat("/"+strings.Repeat("y", hashLen), 3))
	c, errC := identify(bytes.NewReader(made))
	d, errD := identify(bytes.NewReader(append(made, "other"...)))
	if errC != nil || errD != nil || c != d {
		t.Errorf("an id that the go command made counts alone: %s, %v and %s, %v", c, errC, d, errD)
	}
	byHand := note(binary.LittleEndian, "release")
	c, errC = identify(bytes.NewReader(byHand))
	d, errD = identify(bytes.NewReader(append(byHand, "other"...)))
	if errC != nil || errD != nil || c == d {
		t.Errorf("an id that was set by hand stands for two executables: %s, %v and %s, %v", c, errC, d, errD)
	}
	broken := errors.New("broken")
	if _, err := identify(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
