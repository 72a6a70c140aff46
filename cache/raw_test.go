package cache

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"
)

type own []int16

func (own) MarshalBinary() ([]byte, error) { return nil, nil }

// A slice of every kind of number comes back as it was, without a copy where memory is little-endian.
func TestRawKinds(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	for _, slice := range []any{
		fill1[byte](), fill1[int8](), fill1[int16](), fill1[uint16](), fill1[int32](), fill1[uint32](), fill1[int64](), fill1[uint64](),
		fill1[int](), fill1[uint](), fill1[float32](), fill1[float64](), fill1[time.Duration](),
	} {
		in := reflect.ValueOf(slice)
		v, ok := Raw(in)
		if !ok || !v.Raw || len(v.Data) < MapFrom {
			t.Fatalf("%T isn't raw", slice)
		}
		copied := unsafe.Pointer(&v.Data[0]) != in.UnsafePointer()
		if want := !littleEndian && in.Type().Elem().Size() > 1; copied != want && reflect.TypeFor[int]().Size() == 8 {
			t.Errorf("%T: copied %v, want %v", slice, copied, want)
		}
		c := callFor(in.Type().String(), v)
		stores(t, s, c)
		got := hits(t, s, c, v.Data)
		out := reflect.New(in.Type()).Elem()
		if err := got.Into(out); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(out.Interface(), slice) {
			t.Errorf("%T comes back changed", slice)
		}
		if in.Cap() < out.Cap() {
			t.Errorf("%T: a capacity of %d would let an append run over the end", slice, out.Cap())
		}
	}
}

// fill1 is as long as it must be to be raw.
func fill1[T byte | int8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | int | uint | float32 | float64 | time.Duration]() []T {
	slice := make([]T, MapFrom/unsafe.Sizeof(T(0)))
	for i := range slice {
		slice[i] = T(i) - 100
	}
	return slice
}

func TestNotRaw(t *testing.T) {
	for _, v := range []any{
		fill1[int8]()[1:], fill1[float64]()[1:], []string{}, make([]bool, MapFrom), make([]complex128, MapFrom), own(fill1[int16]()),
		make([][4]int32, MapFrom), [MapFrom]byte{}, 1, []int(nil),
	} {
		if _, ok := Raw(reflect.ValueOf(v)); ok {
			t.Errorf("%T is raw", v)
		}
	}
}

func TestIntoRefuses(t *testing.T) {
	raw := Value{Data: make([]byte, 12), Raw: true}
	for name, row := range map[string]struct {
		v   Value
		out any
	}{
		"encoded": {Value{Data: raw.Data}, new([]int32)}, "length": {raw, new([]int64)}, "type": {raw, new([]string)},
		"marshals itself": {raw, new(own)},
	} {
		if err := row.v.Into(reflect.ValueOf(row.out).Elem()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var empty []float64
	if err := (Value{Raw: true}).Into(reflect.ValueOf(&empty).Elem()); err != nil || empty == nil || len(empty) != 0 {
		t.Errorf("%v, %v", empty, err)
	}
}

// Data that isn't aligned, as only a caller's own can be, is copied.
func TestIntoUnaligned(t *testing.T) {
	b := make([]byte, 8*5+1)
	for i := range b {
		b[i] = byte(i)
	}
	for shift := range 2 {
		data := b[shift : shift+40]
		var got []uint64
		if err := (Value{Data: data, Raw: true}).Into(reflect.ValueOf(&got).Elem()); err != nil {
			t.Fatal(err)
		}
		var want []uint64
		if err := getLittle(data, &want); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %x, want %x, %v", got, want, err)
		}
		if uintptr(unsafe.Pointer(&got[0]))%8 != 0 {
			t.Error("the result isn't aligned")
		}
	}
}

// getLittle reads as every machine can.
func getLittle(data []byte, out *[]uint64) error {
	for ; len(data) > 0; data = data[8:] {
		var n uint64
		for i := range 8 {
			n |= uint64(data[i]) << (8 * i)
		}
		*out = append(*out, n)
	}
	return nil
}

// The way of big-endian machines, taken on this one: bytes are turned around, and back, and no bit of a NaN is lost.
func TestConvertedElements(t *testing.T) {
	odd := math.Float32frombits(0x7f800001) // a signalling NaN
	in := []float32{1, -2, odd}
	turned := putElements(reflect.ValueOf(in), 4)
	if want := []byte{0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x7f, 0x80, 0, 1}; littleEndian && !slices.Equal(turned, want) {
		t.Errorf("got %x, want %x", turned, want)
	}
	var out []float32
	if err := getElements(turned, 4, reflect.ValueOf(&out).Elem()); err != nil {
		t.Fatal(err)
	}
	for i := range in {
		if math.Float32bits(out[i]) != math.Float32bits(in[i]) {
			t.Errorf("element %d is %x, want %x", i, math.Float32bits(out[i]), math.Float32bits(in[i]))
		}
	}
	wide := putElements(reflect.ValueOf([]int16{-1, 2}), 8) // as an int does where it has 4 bytes
	var narrow []int16
	if err := getElements(wide, 8, reflect.ValueOf(&narrow).Elem()); err != nil || !slices.Equal(narrow, []int16{-1, 2}) {
		t.Errorf("%v, %v", narrow, err)
	}
	wide[2] = 1
	if err := getElements(wide, 8, reflect.ValueOf(&narrow).Elem()); err == nil {
		t.Error("a number that doesn't fit is taken")
	}
}

// A write to a mapped value is seen by nobody else: not by another hit, and not by the file.
func TestMappedIsPrivate(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	v, _ := Raw(reflect.ValueOf(fill1[int64]()))
	c := callFor("private", v)
	stores(t, s, c)
	var a, b []int64
	if err := hits(t, s, c, v.Data).Into(reflect.ValueOf(&a).Elem()); err != nil {
		t.Fatal(err)
	}
	if err := hits(t, s, c, v.Data).Into(reflect.ValueOf(&b).Elem()); err != nil {
		t.Fatal(err)
	}
	clear(a)
	if !slices.Equal(b, fill1[int64]()) {
		t.Error("another hit sees the change")
	}
	closeStore(t, s)
	again, _ := open(t, s.Dir(), 1<<30)
	hits(t, again, c, v.Data)
	if a[0] != 0 || b[0] != -100 {
		t.Error("a mapping hasn't outlived its store")
	}
}

// Past the bounds on mappings a hit is a copy.
func TestTooManyMappings(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("mappings", Value{Data: pattern(MapFrom), Raw: true})
	stores(t, s, c)
	before := mappings.Swap(maxMappings)
	defer mappings.Store(before)
	if v := hits(t, s, c, pattern(MapFrom)); v.Mapped || !v.Raw {
		t.Errorf("mapped %v, raw %v", v.Mapped, v.Raw)
	}
}
