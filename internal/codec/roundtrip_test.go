package codec

import (
	"math"
	"testing"
)

type (
	celsius  float64
	level    int8
	label    string
	blob     []byte
	readings []celsius
	byteID   [4]byte
	unit     struct{}
)

type inner struct {
	A int
	B string
}

type base struct{ ID int }

type outer struct {
	inner
	Base  base
	Ptr   *inner
	List  []inner
	Grid  [2][3]int16
	Named map[label]inner
	Any   map[int][]string
	Unit  unit
	Wide  complex128
	_     struct{}
	_     int
}

func TestNumbers(t *testing.T) {
	same(t, true, false)
	same(t, 0, 23, 24, 255, 256, 65535, 65536, math.MaxInt, -1, -24, -25, -256, -257, math.MinInt)
	same[int8](t, math.MinInt8, -1, 0, math.MaxInt8)
	same[int16](t, math.MinInt16, math.MaxInt16)
	same[int32](t, math.MinInt32, math.MaxInt32)
	same[int64](t, math.MinInt64, 1<<32-1, 1<<32, math.MaxInt64)
	same[uint](t, 0, math.MaxUint)
	same[uint8](t, 0, math.MaxUint8)
	same[uint16](t, 0, math.MaxUint16)
	same[uint32](t, 0, math.MaxUint32)
	same[uint64](t, 0, math.MaxUint64)
	same[float32](t, 0, 0.1, 1, -2.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)))
	same(t, 0, 0.1, 1, 1.5, 1e300, 65504, 65505, 5.960464477539063e-08, math.SmallestNonzeroFloat64, math.Inf(-1))
	same[complex64](t, 0, 1+2i)
	same(t, 0, complex(math.Inf(1), -0.1))
	same[celsius](t, 36.6)
	same[level](t, -3)
}

func TestNumbersThatEqualDoesNotShow(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	if got := roundTrip(t, negativeZero); !math.Signbit(got) {
		t.Error("-0 lost its sign")
	}
	if got := roundTrip(t, []float64{negativeZero})[0]; !math.Signbit(got) {
		t.Error("-0 in a slice lost its sign")
	}
	if got := roundTrip(t, math.NaN()); got == got {
		t.Error("NaN became", got)
	}
	if got := roundTrip(t, float32(math.NaN())); got == got {
		t.Error("NaN became", got)
	}
	if got := roundTrip(t, []float32{float32(math.NaN()), 1}); got[0] == got[0] || got[1] != 1 {
		t.Error("NaN, 1 became", got)
	}
	if got := roundTrip(t, complex(math.NaN(), 1)); real(got) == real(got) || imag(got) != 1 {
		t.Error("NaN+1i became", got)
	}
}

func TestStringsAndBytes(t *testing.T) {
	same(t, "", "a", "grüße", "not \xff utf-8", string(make([]byte, 70000)))
	same[label](t, "x")
	same(t, nil, []byte{}, []byte("raw"), make([]byte, 300))
	same[blob](t, nil, blob{}, blob{1, 2})
	same(t, byteID{1, 2, 3, 4})
	same(t, [0]byte{})
}

func TestNumericSlices(t *testing.T) {
	same(t, nil, []float64{}, []float64{1, -2.5, math.Inf(1)})
	same(t, nil, []float32{}, []float32{1, -2.5})
	same(t, nil, []int{}, []int{1, -1, math.MinInt, math.MaxInt})
	same(t, nil, []int8{}, []int8{-128, 127})
	same(t, nil, []int16{}, []int16{math.MinInt16})
	same(t, nil, []int32{}, []int32{math.MinInt32})
	same(t, nil, []int64{}, []int64{math.MinInt64})
	same(t, nil, []uint{}, []uint{math.MaxUint})
	same(t, nil, []uint16{}, []uint16{math.MaxUint16})
	same(t, nil, []uint32{}, []uint32{math.MaxUint32})
	same(t, nil, []uint64{}, []uint64{math.MaxUint64})
	same(t, readings{1, 2}, readings{}, nil)
	same(t, []level{-1, 5})
	same(t, [3]float64{1, 2, 3})
	same(t, [0]int32{})
	same(t, [][]float64{{1, 2}, nil, {}, {3}})
	same(t, map[string][]int32{"a": {1}, "b": nil, "c": {}})
	same(t, struct{ Rows [][2]uint16 }{[][2]uint16{{1, 2}, {3, 4}}})
}

func TestContainers(t *testing.T) {
	same(t, nil, []string{}, []string{"a", ""})
	same(t, nil, []bool{}, []bool{true, false})
	same(t, nil, [][]string{nil, {}, {"x"}})
	same(t, [2]string{"a", "b"})
	same(t, nil, map[string]int{}, map[string]int{"a": 1, "b": 2})
	same(t, map[bool]string{true: "yes", false: "no"})
	same(t, map[int8]int{-1: 1, 0: 2, 1: 3}, map[int8]int{})
	same(t, map[uint64]string{math.MaxUint64: "max"})
	same(t, map[byteID]int{{1}: 1, {2}: 2})
	same(t, map[[2]int]string{{1, 2}: "a", {2, 1}: "b"})
	same(t, map[inner]bool{{1, "x"}: true, {1, "y"}: false})
	same(t, map[string]map[string][]int{"a": {"b": {1}}, "c": nil})
	same(t, struct{}{})
	same(t, []struct{}{{}, {}})
}

func TestStructs(t *testing.T) {
	same(t, outer{}, outer{
		inner: inner{1, "embedded"},
		Base:  base{7},
		Ptr:   &inner{2, "pointed at"},
		List:  []inner{{3, "listed"}, {}},
		Grid:  [2][3]int16{{1, 2, 3}, {4, 5, 6}},
		Named: map[label]inner{"k": {4, "named"}},
		Any:   map[int][]string{-1: {"a"}, 2: nil, 3: {}},
		Wide:  1 + 2i,
	})
}

func TestPointers(t *testing.T) {
	one, text := 1, "x"
	same(t, nil, &one)
	same(t, nil, &text)
	var nilPointer *int
	var nilSlice []int
	var nilMap map[string]int
	var nilBytes []byte
	var nilError error
	same(t, nil, &nilPointer)
	if got := roundTrip(t, &nilPointer); got == nil || *got != nil {
		t.Error("a pointer to a nil pointer became", got)
	}
	deep := &nilPointer
	same(t, nil, &deep)
	same(t, nil, &nilSlice, &[]int{}, &[]int{1})
	same(t, nil, &nilMap, &map[string]int{})
	same(t, nil, &nilBytes, &[]byte{})
	same(t, nil, &nilError)
	same(t, []*inner{nil, {1, "a"}})
	same(t, map[string]*inner{"nil": nil, "set": {}})
}

func TestManyFields(t *testing.T) {
	same(t, wideStruct{F00: 1, F69: 69})
	shuffled := encode(t, map[string]int{"F69": 1})
	refuses[wideStruct](t, shuffled, "decode wideStruct.F00: the field is missing")
}

// wideStruct has more fields than most.
type wideStruct struct {
	F00, F01, F02, F03, F04, F05, F06, F07, F08, F09, F10, F11, F12, F13,
	F14, F15, F16, F17, F18, F19, F20, F21, F22, F23, F24, F25, F26, F27,
	F28, F29, F30, F31, F32, F33, F34, F35, F36, F37, F38, F39, F40, F41,
	F42, F43, F44, F45, F46, F47, F48, F49, F50, F51, F52, F53, F54, F55,
	F56, F57, F58, F59, F60, F61, F62, F63, F64, F65, F66, F67, F68, F69 int
}
