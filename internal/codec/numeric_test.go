package codec

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"
)

// Both paths must write and read the same bytes: this machine uses only one of them.
func TestSlowPathIsTheSame(t *testing.T) {
	for _, v := range []any{
		&[]int8{-1, 2}, &[]int16{math.MinInt16, 3}, &[]int32{math.MinInt32, 4}, &[]int64{math.MinInt64, 5}, &[]int{-6, 7},
		&[]uint16{8, math.MaxUint16}, &[]uint32{9, math.MaxUint32}, &[]uint64{math.MaxUint64}, &[]uint{10},
		&[]float32{1.5, float32(math.NaN()), -0.1}, &[]float64{math.NaN(), 0.1, math.Inf(-1)}, &[3]float64{1, 2, 3},
	} {
		p, err := Of(reflect.TypeOf(v).Elem())
		if err != nil {
			t.Fatal(err)
		}
		slow := *p.shape.(*numeric)
		slow.direct = false
		in, out := reflect.ValueOf(v).Elem(), reflect.New(p.typ)
		data := slow.putAll(nil, in)
		if fast := p.leaf.put(nil, in); !bytes.Equal(data, fast) {
			t.Errorf("%T: % x and % x", v, data, fast)
		}
		if rest, err := slow.getAll(data, out.Elem()); err != nil || len(rest) > 0 {
			t.Errorf("%T: %v", v, err)
		}
		if path := p.Diff(v, out.Interface()); path != "" {
			t.Errorf("%T: differs at %s", v, path)
		}
	}
}

// On a machine with 32-bit integers an element may not fit.
func TestSlowPathRefusesWhatDoesNotFit(t *testing.T) {
	n := newNumeric(reflect.TypeFor[[]int64](), intLeaf)
	narrow := *n
	narrow.direct, narrow.wire = false, 8
	var small []int16
	var smallUnsigned []uint16
	for _, v := range []reflect.Value{reflect.ValueOf(&small).Elem(), reflect.ValueOf(&smallUnsigned).Elem()} {
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		run := append(make([]byte, 8), 0, 0, 1, 0, 0, 0, 0, 0)
		want := "[1]: 65536 does not fit " + v.Type().Elem().String()
		if err := narrow.getSlow(run, v); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	number, text, raw, list, named := 123456, "text", []byte("raw"), []float64{1, 2}, readings{1}
	dst := make([]byte, 0, 256)
	for _, v := range []any{&number, &text, &raw, &list, &named} {
		p, err := Of(reflect.TypeOf(v).Elem())
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { dst, _ = p.Append(dst[:0], v, nil) }); n != 0 {
			t.Errorf("%T: %v allocations", v, n)
		}
	}
}

// Overwrite gives what Decode does, and uses the memory that is there if it is enough.
func TestOverwrite(t *testing.T) {
	p, err := Of(reflect.TypeFor[[]int32]())
	if err != nil {
		t.Fatal(err)
	}
	encode := func(v []int32) []byte {
		data, err := p.Append(nil, &v, nil)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, row := range map[string]struct {
		data []byte
		used bool
	}{
		"as many":      {encode([]int32{-1, 2, 3}), true},
		"fewer":        {encode([]int32{4}), true},
		"none":         {encode([]int32{}), true},
		"more":         {encode([]int32{1, 2, 3, 4}), false},
		"nil":          {encode(nil), false},
		"a plain list": {[]byte{0x82, 0x01, 0x20}, false},
		"other type":   {[]byte{0xd8, 77, 0x42, 1, 0}, false},
		"left over":    {append(encode([]int32{5}), 0), false},
		"cut off":      {encode([]int32{5})[:5], false},
		"empty":        {nil, false},
	} {
		room := []int32{7, 8, 9}
		got, want := room, []int32(nil)
		err, wantErr := p.Overwrite(row.data, &got, nil), p.Decode(row.data, &want, nil)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: %v, want %v", name, err, wantErr)
		}
		if err == nil && (!slices.Equal(got, want) || (got == nil) != (want == nil)) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if used := got != nil && cap(got) == cap(room) && &got[:1][0] == &room[0]; err == nil && used != row.used {
			t.Errorf("%s: memory used again: %v", name, used)
		}
		if !row.used && !slices.Equal(room, []int32{7, 8, 9}) {
			t.Errorf("%s: left %v", name, room)
		}
	}
	var short [1]int32
	if err := p.Overwrite(encode([]int32{1}), &short, nil); err == nil {
		t.Error("an array is taken for a slice")
	}
}
