package codec

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func encodesAlike[T any](t *testing.T, values ...T) {
	t.Helper()
	for _, v := range values[1:] {
		if a, b := encode(t, values[0]), encode(t, v); !bytes.Equal(a, b) {
			t.Errorf("%v gives % x, %v gives % x", values[0], a, v, b)
		}
	}
}

func encodesApart[T any](t *testing.T, values ...T) {
	t.Helper()
	seen := map[string]int{}
	for i, v := range values {
		data := string(encode(t, v))
		if j, twice := seen[data]; twice {
			t.Errorf("%#v and %#v both give % x", values[j], v, data)
		}
		seen[data] = i
	}
}

func TestMapsHashAlikeWhateverTheirOrder(t *testing.T) {
	var first []byte
	for range 20 {
		names, numbers := map[string]map[int]bool{}, map[int]bool{}
		for _, i := range rand.Perm(100) {
			numbers[i-50] = true
		}
		for _, i := range rand.Perm(100) {
			names[fmt.Sprint(i)] = numbers
		}
		data := encode(t, names)
		if first == nil {
			first = data
		}
		if !bytes.Equal(first, data) {
			t.Fatal("two maps with the same entries encode differently")
		}
	}
}

func TestEveryNaNHashesAlike(t *testing.T) {
	nan, odd := math.NaN(), math.Float64frombits(0xfff8_0000_dead_beef)
	nan32, odd32 := float32(math.NaN()), math.Float32frombits(0xffc0_beef)
	encodesAlike(t, nan, odd, -nan)
	encodesAlike(t, nan32, odd32)
	encodesAlike(t, complex(nan, 0), complex(odd, 0))
	for n := range 20 {
		a, b, c, d := make([]float64, n+1), make([]float64, n+1), make([]float32, n+1), make([]float32, n+1)
		for i := range a {
			a[i], b[i], c[i], d[i] = float64(i), float64(i), float32(i), float32(i)
		}
		a[n], b[n], c[n], d[n] = nan, odd, nan32, odd32
		encodesAlike(t, a, b)
		encodesAlike(t, c, d)
	}
	encodesAlike(t, [1]float64{nan}, [1]float64{odd})
}

func TestWhatDiffersHashesApart(t *testing.T) {
	negativeZero, zero := math.Copysign(0, -1), 0.0
	encodesApart(t, zero, negativeZero)
	encodesApart(t, []float64{zero}, []float64{negativeZero})
	encodesApart(t, nil, []int{}, []int{0})
	encodesApart(t, nil, []string{}, []string{""})
	encodesApart(t, nil, []byte{}, []byte{0})
	encodesApart(t, nil, map[string]int{}, map[string]int{"": 0})
	encodesApart(t, nil, new(int))
	encodesApart(t, nil, new(*int))
	encodesApart(t, struct{ A, B []string }{nil, []string{}}, struct{ A, B []string }{[]string{}, nil})
	now := time.Unix(0, 1)
	encodesApart(t, now.UTC(), now.In(time.FixedZone("", 3600)), now.Add(1).UTC())
}

func TestTimesThatAreAlike(t *testing.T) {
	now := time.Now()
	encodesAlike(t, now, now.Round(0))
	encodesAlike(t, now.UTC(), now.In(time.FixedZone("Greenwich", 0)))
	encodesAlike(t, now.In(time.FixedZone("here", 7200)), now.In(time.FixedZone("there", 7200)))
}

func TestAppendKeepsWhatStoodThere(t *testing.T) {
	for _, v := range []any{new(int), &[]float64{1}, &map[string]inner{"a": {}}, new(outer)} {
		p, err := Of(reflect.TypeOf(v).Elem())
		if err != nil {
			t.Fatal(err)
		}
		alone, _ := p.Append(nil, v, nil)
		behind, _ := p.Append([]byte("before"), v, nil)
		if string(behind) != "before"+string(alone) {
			t.Errorf("%T behind other bytes: %q", v, behind)
		}
	}
}

// plainStruct has nothing that the codec treats in a way of its own.
type plainStruct struct {
	Name  string `json:"name,omitempty"`
	N     int    `cbor:"n"`
	Ratio float64
	Half  float32 `cbor:"h" json:"other"`
	Flags []bool
	Sub   *plainStruct
	Table map[string][]string
	IDs   map[int16]string
	Raw   []byte
	Key   [4]byte
}

// An independent library in its core deterministic mode must write the same bytes, and read ours.
func TestSameAsAnIndependentLibrary(t *testing.T) {
	v := plainStruct{
		Name: "a", N: -500, Ratio: 0.1, Half: 1.5, Flags: []bool{true},
		Sub:   &plainStruct{Name: "b", Table: map[string][]string{}},
		Table: map[string][]string{"zz": {"1"}, "a": nil, "b": {}},
		IDs:   map[int16]string{-1: "m", 300: "x", 5: "y"},
		Raw:   []byte("raw"), Key: [4]byte{1, 2, 3, 4},
	}
	v.Sub.Sub = &plainStruct{Name: "c"}
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	want, err := mode.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got := encode(t, v)
	if !bytes.Equal(got, want) {
		t.Errorf("we write\n% x, the library\n% x", got, want)
	}
	var back plainStruct
	if err := cbor.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("the library reads %+v, %v", back, err)
	}
}

func TestFloatsSameAsAnIndependentLibrary(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	check := func(f float64) {
		want, _ := mode.Marshal(f)
		if got := encode(t, f); !bytes.Equal(got, want) {
			t.Fatalf("%v: % x, want % x", f, got, want)
		}
	}
	for half := range 1 << 16 {
		f := fromHalf(uint16(half))
		check(f)
		check(math.Nextafter(f, 1e6))
		check(float64(math.Nextafter32(float32(f), -1)))
		var want float64
		if err := cbor.Unmarshal([]byte{headHalf, byte(half >> 8), byte(half)}, &want); err != nil {
			t.Fatal(err)
		}
		if settled64(math.Float64bits(f)) != settled64(math.Float64bits(want)) {
			t.Fatalf("half %04x is %v, want %v", half, f, want)
		}
	}
	for range 10_000 {
		check(math.Float64frombits(rand.Uint64()))
		check(float64(math.Float32frombits(rand.Uint32())))
	}
}
