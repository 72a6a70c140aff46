package isolate

import (
	"bytes"
	"os"
	"testing"

	"github.com/musterrun/muster/protocol"
)

func inline(n int) protocol.Value {
	return protocol.Value{Form: protocol.Inline, Data: bytes.Repeat([]byte{byte(n)}, n)}
}

// What is large goes by files, and comes back as it was; what others share isn't changed.
func TestValues(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	v := newValues()
	parts := []protocol.Value{inline(10), inline(100_000), {Form: protocol.Element, Parts: []protocol.Value{inline(70_000)}, Count: 1}}
	x := protocol.Value{Form: protocol.List, Parts: parts}
	if err := v.shrink(&x); err != nil {
		t.Fatal(err)
	}
	for i, want := range []protocol.Form{protocol.Inline, protocol.Object, protocol.Object} {
		p := &x.Parts[i]
		if p.Form == protocol.Element {
			p = &p.Parts[0]
		}
		if p.Form != want {
			t.Errorf("part %d has form %d, want %d", i, p.Form, want)
		}
	}
	if parts[1].Form != protocol.Inline || parts[2].Parts[0].Form != protocol.Inline {
		t.Error("the value's own parts were changed")
	}
	if err := v.expand(&x); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x.Parts[1].Data, parts[1].Data) || !bytes.Equal(x.Parts[2].Parts[0].Data, parts[2].Parts[0].Data) {
		t.Error("they came back changed")
	}
	v.remove()
	if list, err := os.ReadDir(os.TempDir()); len(list) > 0 || err != nil {
		t.Error("files are left:", list, err)
	}
	late := inline(100_000)
	if err := v.shrink(&late); err != nil {
		t.Error(err)
	}
	if list, _ := os.ReadDir(os.TempDir()); len(list) > 0 {
		t.Error("a value that came late left files:", list)
	}
}

// Many values that are small by themselves don't make a frame that is too long.
func TestManyValues(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	v := newValues()
	defer v.remove()
	x := protocol.Value{Form: protocol.List}
	for range 200 {
		x.Parts = append(x.Parts, inline(60_000))
	}
	if err := v.shrink(&x); err != nil {
		t.Fatal(err)
	}
	if n := len(x.Append(nil)); n > protocol.MaxFrame {
		t.Errorf("%d bytes", n)
	}
	x.Parts = nil
	for range 1_000_000 {
		x.Parts = append(x.Parts, inline(1))
	}
	if err := v.shrink(&x); err == nil {
		t.Error("a million values in one message")
	}
}

func TestForgedPlace(t *testing.T) {
	v := newValues()
	for _, id := range []string{"", "../../etc/passwd", "x"} {
		if err := v.expand(&protocol.Value{Form: protocol.Object, ID: id}); err == nil {
			t.Errorf("%q is a place", id)
		}
	}
}
