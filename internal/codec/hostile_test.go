package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeErrors(t *testing.T) {
	x := func(s string) []byte { return unhex(t, s) }
	refuses[int](t, nil, "decode int: the data ends too early")
	refuses[int](t, x("19 01"), "decode int: the data ends too early")
	refuses[int](t, x("01 02"), "decode int: 1 bytes are left over")
	refuses[int](t, x("f5"), "decode int: found a bool, want an integer")
	refuses[int](t, x("1b ffffffffffffffff"), "decode int: found an integer beyond 64 bits with a sign")
	refuses[int8](t, x("18 80"), "decode int8: 128 does not fit int8")
	refuses[uint](t, x("20"), "decode uint: found a negative integer, want an integer that is not negative")
	refuses[uint](t, x("1c"), "decode uint: found the reserved head 0x1c")
	refuses[uint8](t, x("19 0100"), "decode uint8: 256 does not fit uint8")
	refuses[bool](t, nil, "decode bool: the data ends too early")
	refuses[bool](t, x("f6"), "decode bool: found null, want a bool")
	refuses[float64](t, nil, "decode float64: the data ends too early")
	refuses[float64](t, x("fb 00"), "decode float64: the data ends too early")
	refuses[float64](t, x("f7"), "decode float64: found a simple value, want a float")
	refuses[float64](t, x("1b 0020000000000001"), "decode float64: found an integer that no float holds exactly")
	refuses[float32](t, x("fb 3fb999999999999a"), "decode float32: 0.1 does not fit float32")
	refuses[complex128](t, x("00"), "decode complex128: found an integer, want an array of two floats")
	refuses[complex128](t, x("81 00"), "decode complex128: found an array of 1, want two floats")
	refuses[complex128](t, x("82 60 00"), "decode complex128: found a text string, want a float")
	refuses[complex128](t, x("82 00 60"), "decode complex128: found a text string, want a float")
	refuses[complex64](t, x("82 00 fb3fb999999999999a"), "decode complex64: (0+0.1i) does not fit complex64")
	refuses[string](t, x("62 61"), "decode string: the data ends too early")
	refuses[string](t, x("61 ff"), "decode string: found a text string that is not UTF-8")
	refuses[string](t, x("7f"), "decode string: found an item of indefinite length, only definite lengths are read")
	refuses[[]byte](t, x("60"), "decode []uint8: found a text string, want a byte string")
	refuses[[2]byte](t, x("41 00"), "decode [2]uint8: found 1 bytes, want 2")
	refuses[[2]byte](t, x("80"), "decode [2]uint8: found an array, want a byte string")
	refuses[[]float64](t, x("60"), "decode []float64: found a text string, want a typed array")
	refuses[[]float64](t, x("d8 55 40"), "decode []float64: found tag 85, want 86, the typed array of float64")
	refuses[[]float64](t, x("d8 56 60"), "decode []float64: found a text string, want a byte string")
	refuses[[]float64](t, x("d8 56 44 00000000"), "decode []float64: found 4 bytes, want a multiple of 8")
	refuses[[]float64](t, x("82 00"), "decode []float64: the data ends too early")
	refuses[[]float64](t, x("9f"), "decode []float64: found an item of indefinite length, only definite lengths are read")
	refuses[[]float64](t, x("82 00 60"), "decode []float64[1]: found a text string, want a float")
	refuses[[2]float64](t, x("d8 56 48 0000000000000000"), "decode [2]float64: found 1 elements, want 2")
	refuses[[2]float64](t, x("81 00"), "decode [2]float64: found 1 elements, want 2")
	refuses[[]string](t, x("a0"), "decode []string: found a map, want an array")
	refuses[[]string](t, x("82 60 00"), "decode []string[1]: found an integer, want a string")
	refuses[[2]string](t, x("81 60"), "decode [2]string: found an array of 1, want 2")
	refuses[[2]string](t, x("f6"), "decode [2]string: found null, want an array")
	refuses[map[string]int](t, x("80"), "decode map[string]int: found an array, want a map")
	refuses[map[string]int](t, x("a2 61 61"), "decode map[string]int: the data ends too early")
	refuses[map[string]int](t, x("a1 01 01"), "decode map[string]int[key 0]: found an integer, want a string")
	refuses[map[string]int](t, x("a1 61 61 60"), `decode map[string]int["a"]: found a text string, want an integer`)
	refuses[map[string]int](t, x("a2 61 61 01 61 61 01"), `decode map[string]int["a"]: the key is there twice`)
	refuses[map[string]int](t, x("a2 61 61 01 41 61 01"), `decode map[string]int["a"]: the key is there twice`)
	refuses[map[int]int](t, x("a2 01 01 18 01 01"), "decode map[int]int[1]: the key is there twice")
	refuses[inner](t, x("80"), "decode inner: found an array, want a map")
	refuses[inner](t, x("a1 61 41 01"), "decode inner.B: the field is missing")
	refuses[inner](t, x("a3 61 41 01 61 42 60 61 41 01"), "decode inner.A: the field is there twice")
	refuses[inner](t, x("a2 61 41 01 61 43 60"), `decode inner: found a field "C", which the type has not`)
	refuses[inner](t, x("a2 61 41 01 03 60"), "decode inner: found an integer, want a string")
	refuses[*[]int](t, x("82 f6 f6"), "decode *[]int: found an array of 2, want 1")
	refuses[*[]int](t, x("00"), "decode *[]int: found an integer, want an array")
	refuses[*inner](t, x("a0"), "decode *inner: the data ends too early")
	refuses[time.Time](t, x("60"), "decode Time: found a text string, want a time")
	refuses[time.Time](t, x("c1 00"), "decode Time: found tag 1, want 0, a time")
	refuses[time.Time](t, x("c0 00"), "decode Time: found an integer, want a time")
	refuses[big.Int](t, x("f6"), "decode Int: found null, want an integer")
	refuses[big.Int](t, x("c2 60"), "decode Int: cbor: tag number 2 or 3 must be followed by byte string, got UTF-8 text string")
	refuses[netip.Addr](t, x("60"), "decode Addr: found a text string, want a byte string")
	refuses[netip.Addr](t, x("41 00"), "decode Addr: unexpected slice size")
}

func TestDecodeIsGenerousWhereHarmless(t *testing.T) {
	check := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	check(decode[int](t, unhex(t, "1b 0000000000000001")), 1)
	check(decode[float64](t, unhex(t, "03")), 3.0)
	check(decode[float64](t, unhex(t, "22")), -3.0)
	check(decode[float32](t, unhex(t, "fb 3ff8000000000000")), float32(1.5))
	check(decode[string](t, unhex(t, "41 61")), "a")
	check(decode[[]float64](t, unhex(t, "83 01 f93e00 20")), []float64{1, 1.5, -1})
	check(decode[[]uint16](t, unhex(t, "80")), []uint16{})
	check(decode[[2]int8](t, unhex(t, "82 01 20")), [2]int8{1, -1})
	check(decode[inner](t, unhex(t, "a2 61 42 61 78 61 41 01")), inner{1, "x"})
	check(decode[inner](t, unhex(t, "a2 41 41 01 61 42 61 78")), inner{1, "x"})
	check(decode[map[string]int](t, unhex(t, "a2 61 62 01 61 61 02")), map[string]int{"a": 2, "b": 1})
}

type bulky struct {
	A [50]string
	B [50]*string
}

// A small input must not make Decode allocate more than a small multiple of it.
func TestHostileHeads(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]float64](), reflect.TypeFor[[]int](),
		reflect.TypeFor[[]string](), reflect.TypeFor[[]bulky](), reflect.TypeFor[map[string]int](),
		reflect.TypeFor[map[int]bulky](), reflect.TypeFor[[][1000]int](), reflect.TypeFor[[]*bulky](),
		reflect.TypeFor[error](), reflect.TypeFor[[]struct{}](), reflect.TypeFor[[]time.Time](), reflect.TypeFor[onlySlice](),
	} {
		for _, head := range []string{
			"5b 00000000ffffffff", "7b 7fffffffffffffff", "9b 7fffffffffffffff", "9a ffffffff", "bb ffffffffffffffff",
			"ba 00100000", "d8 56 5b ffffffffffffff00", "da6d657272 85 60 f6 f6 9a ffffffff",
			"da6d657272 85 60 f6 f6 f6 9a ffffffff", "99 ffff", "b9 ffff",
		} {
			maps, lists, nulls := bytes.Repeat([]byte{0xa0}, 1000), bytes.Repeat([]byte{0x80}, 1000), bytes.Repeat([]byte{itemNull}, 70_000)
			for _, tail := range [][]byte{nil, maps, lists, nulls} {
				data := append(unhex(t, head), tail...)
				if used := allocated(t, typ, data); used > 64*len(data)+64<<10 {
					t.Errorf("%v: %s and %d bytes allocate %d", typ, head, len(tail), used)
				}
			}
		}
	}
}

// allocated is what one Decode of data allocates, whether it succeeds or not.
func allocated(t testing.TB, typ reflect.Type, data []byte) int {
	p, err := Of(typ)
	if err != nil {
		t.Fatal(err)
	}
	ptr, refs := reflect.New(typ).Interface(), table{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = p.Decode(data, ptr, refs)
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func TestLeastOfHugeTypes(t *testing.T) {
	p := planOf[[1 << 30][1 << 20]struct{}](t)
	if p.least != maxLeast {
		t.Error("least is", p.least)
	}
	err := p.Decode([]byte{0x9a, 0x40, 0, 0, 0}, new([1 << 30][1 << 20]struct{}), nil)
	if !errors.Is(err, errShort) {
		t.Error(err)
	}
}

func TestDecodedValuesShareNothingWithTheData(t *testing.T) {
	type all struct {
		S string
		B []byte
		F []float64
		I big.Int
		A netip.Addr
		E error
	}
	in := all{"s", []byte("b"), []float64{1}, *new(big.Int).Lsh(big.NewInt(7), 70), netip.MustParseAddr("10.0.0.1"), errors.New("e")}
	data := encode(t, in)
	out := decode[all](t, data)
	clear(data)
	if path := planOf[all](t).Diff(&in, &out); path != "" {
		t.Error("changed with the data at", path)
	}
}

func TestDecodeReplacesWhatStoodThere(t *testing.T) {
	in, out := outer{}, outer{List: []inner{{1, "a"}}, Named: map[label]inner{"x": {}}, Ptr: &inner{}}
	if err := planOf[outer](t).Decode(encode(t, in), &out, nil); err != nil || !reflect.DeepEqual(out, in) {
		t.Errorf("%+v, %v", out, err)
	}
	number := big.NewInt(-5)
	if err := planOf[big.Int](t).Decode([]byte{7}, number, nil); err != nil || number.Int64() != 7 {
		t.Error(number, err)
	}
}
