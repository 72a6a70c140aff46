package codec

import (
	"bytes"
	"errors"
	"testing"
)

// withMark is data with "!" behind each id.
func withMark(data []byte) ([]byte, error) {
	return RenameRefs(nil, data, func(id []byte) ([]byte, error) { return append(bytes.Clone(id), '!'), nil })
}

func TestRenameRefsWithoutTheType(t *testing.T) {
	one := newRef[int]("k")
	was, want := refsNamed("", &one), refsNamed("!", &ref[int]{newRef[int]("k!").t})
	got, err := withMark(encode(t, was))
	if err != nil || !bytes.Equal(got, encode(t, want)) {
		t.Errorf("%x, %v, want %x", got, err, encode(t, want))
	}
	for _, seed := range fuzzSeeds(t)[:15] {
		same, err := RenameRefs([]byte("before"), seed, func(id []byte) ([]byte, error) { return id, nil })
		if err != nil || !bytes.Equal(same, append([]byte("before"), seed...)) {
			t.Errorf("%x became %x, %v", seed, same, err)
		}
	}
}

// refsNamed has Refs wherever one can stand, and bytes that look like one and aren't.
func refsNamed(suffix string, inMap *ref[int]) holder {
	return holder{
		Z: newRef[int]("z" + suffix), A: []ref[string]{newRef[string]("long enough for another head: 24" + suffix), {}},
		M: map[string]*ref[int]{"k": inMap, "\xda\x6d\x72\x65\x66\x41x": nil}, Plain: []float64{1, 2.5},
		Last: padded[int]{t: newRef[int]("last" + suffix).t}, Err: errors.New("\xda\x6d\x72\x65\x66\x41x"),
		Next: &holder{Outer: ref[ref[int]]{&typed[ref[int]]{task: task{id: "outer" + suffix}}}},
	}
}

func TestRenameRefsOfWhatIsNoValue(t *testing.T) {
	for _, data := range []string{"5f", "58", "58 05 00", "da 6d726566", "da 6d726566 01", "da 6d726566 45 00", "1c", "7b ffffffffffffffff"} {
		before := []byte("dst")
		got, err := RenameRefs(before, unhex(t, data), func(id []byte) ([]byte, error) { return id, nil })
		if err == nil || string(got) != "dst" {
			t.Errorf("%s: %x, %v", data, got, err)
		}
	}
	data := encode(t, newRef[int]("k"))
	bad := errors.New("bad")
	if _, err := RenameRefs(nil, data, func([]byte) ([]byte, error) { return nil, bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if _, err := RenameRefs(nil, data, func([]byte) ([]byte, error) { return make([]byte, maxRefID+1), nil }); err == nil {
		t.Error("an id that no reader takes")
	}
}

// keepsNames checks that a value is the same once its Refs are named as before; anybody's bytes must not panic.
func keepsNames(t *testing.T, data []byte, isValue bool) {
	t.Helper()
	same, err := RenameRefs(nil, data, func(id []byte) ([]byte, error) { return id, nil })
	if isValue && (err != nil || !bytes.Equal(same, data)) {
		t.Fatalf("% x became % x, %v", data, same, err)
	}
}
