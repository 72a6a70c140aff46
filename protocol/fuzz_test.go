package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// FuzzMessages reads anything as the message that the first byte picks: no panic, no more memory than a multiple of the
// data, and what is read is written and read again as the same.
func FuzzMessages(f *testing.F) {
	for _, v := range golden() {
		if v.frame != 0 {
			continue
		}
		for i, form := range forms {
			if form.name == formOf(v.m).name {
				f.Add(append([]byte{byte(i)}, v.bytes()...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		form, data := forms[int(data[0])%len(forms)], data[1:]
		kept := bytes.Clone(data)
		m, err := form.frugal(t, data)
		if !bytes.Equal(data, kept) {
			t.Fatal("the decoder has written into the message")
		}
		if err != nil {
			if v := new(VersionError); !errors.Is(err, ErrMalformed) && !errors.As(err, &v) {
				t.Fatal(err)
			}
			return
		}
		again := m.Append(nil)
		m2, err := form.read(again)
		if err != nil {
			t.Fatalf("%x is read as\n%s, and its own bytes %x aren't: %v", data, show(m), again, err)
		}
		if show(m2) != show(m) || !bytes.Equal(m2.Append(nil), again) {
			t.Fatalf("%x reads\n%s, and again\n%s", data, show(m), show(m2))
		}
	})
}

// FuzzFrames reads anything as frames, so many bytes at once as the first one says: they are those that stand there.
func FuzzFrames(f *testing.F) {
	for _, v := range golden() {
		if v.frame != 0 {
			f.Add(append([]byte{3}, v.bytes()...))
		}
	}
	f.Add(append([]byte{100}, frame(frame(nil, 1, 5000), 2, 0)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		chunk, data := 1+int(data[0]), data[1:]
		r := NewFrameReader(&chunkReader{bytes.NewReader(data), chunk})
		for {
			kind, body, err := r.Next()
			if err != nil {
				checkEnd(t, data, err)
				return
			}
			want := AppendFrame(nil, kind, func(dst []byte) []byte { return append(dst, body...) })
			if !bytes.HasPrefix(data, want) {
				t.Fatalf("%x reads frame %d with %x", data, kind, body)
			}
			data = data[len(want):]
		}
	})
}

// checkEnd checks the error of what is left.
func checkEnd(t *testing.T, left []byte, err error) {
	n := uint32(1)
	if len(left) >= 4 {
		n = binary.LittleEndian.Uint32(left)
	}
	want := io.ErrUnexpectedEOF
	switch {
	case len(left) == 0:
		want = io.EOF
	case n == 0 || n > MaxFrame:
		want = ErrMalformed
	}
	if !errors.Is(err, want) {
		t.Fatalf("%x: %v, want %v", left, err, want)
	}
}
