package child

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var l tail
	for i := range 3000 {
		_, _ = fmt.Fprintf(&l, "%d ", i)
	}
	if s := l.String(); len(s) != tailSize || !strings.HasSuffix(s, " 2998 2999 ") {
		t.Errorf("%d bytes, %q", len(s), s[len(s)-20:])
	}
	_, _ = l.Write(bytes.Repeat([]byte("x"), 3*tailSize))
	if l.String() != strings.Repeat("x", tailSize) {
		t.Error("a long write")
	}
}

// The first line of a crash is kept, however much comes after it, and however it is cut.
func TestTailKeepsTheCrash(t *testing.T) {
	text := "panic in a line isn't one\n" + strings.Repeat("x", 10_000) + "\nfatal error: concurrent map writes\n\ngoroutine 1\n" +
		strings.Repeat("stack\n", 10_000) + "panic: another\n"
	for _, piece := range []int{1, 7, 4096, len(text)} {
		var l tail
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			_, _ = l.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		s := l.String()
		if !strings.HasPrefix(s, "fatal error: concurrent map writes\n...\n") || !strings.HasSuffix(s, "stack\npanic: another\n") {
			t.Errorf("in pieces of %d: %.100q", piece, s)
		}
	}
	var l tail
	_, _ = l.Write([]byte("panic: short\n"))
	if l.String() != "panic: short\n" {
		t.Errorf("%q", l.String())
	}
}
