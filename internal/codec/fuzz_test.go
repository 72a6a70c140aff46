package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type fuzzJob struct {
	ID    int
	Name  string
	Rows  [][]float64
	Small []int16
	Sub   *fuzzJob
	Deep  **[]string
	When  time.Time
	Big   *big.Int
	Addr  netip.Addr
	Raw   json.RawMessage
	Err   error
	R     ref[int]
	Named map[string]ref[string]
	Keys  map[[2]int8]bool
	Wide  complex64
	Grade grade
	Point point
}

var fuzzTypes = []reflect.Type{
	reflect.TypeFor[int64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[float64](),
	reflect.TypeFor[[]float64](), reflect.TypeFor[[]float32](), reflect.TypeFor[[]int](), reflect.TypeFor[[3]uint16](),
	reflect.TypeFor[[]string](), reflect.TypeFor[map[string][]int32](), reflect.TypeFor[tree](), reflect.TypeFor[*tree](),
	reflect.TypeFor[onlySlice](), reflect.TypeFor[onlyMap](), reflect.TypeFor[onlyPointer](), reflect.TypeFor[outer](),
	reflect.TypeFor[fuzzJob](), reflect.TypeFor[[]ref[int]](), reflect.TypeFor[error](), reflect.TypeFor[[]error](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[*big.Int](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[[]grade](),
	reflect.TypeFor[map[point]int](), reflect.TypeFor[holder](), reflect.TypeFor[**[]byte](),
}

// fuzzSeeds are encodings of a value of each type, with something in it.
func fuzzSeeds(t testing.TB) [][]byte {
	text := &[]string{"a"}
	job := fuzzJob{Name: "n", Rows: [][]float64{{1}}, Small: []int16{1}, Sub: &fuzzJob{}, Deep: &text, Big: big.NewInt(1), Err: io.EOF,
		R: newRef[int]("r"), Named: map[string]ref[string]{"k": newRef[string]("s")}, Keys: map[[2]int8]bool{{1, 2}: true}}
	failures := []error{io.EOF, fmt.Errorf("x: %w", likeEOF{}), &fs.PathError{Op: "o", Path: "p", Err: errQuota}, codeError(3)}
	return [][]byte{
		encode(t, 1), encode(t, "s"), encode(t, 0.1), encode(t, []float64{1}), encode(t, []float32{1}), encode(t, []int{1}),
		encode(t, [3]uint16{1, 2, 3}), encode(t, []string{"a"}), encode(t, map[string][]int32{"a": {1}}), encode(t, tree{}),
		encode(t, list(3)), encode(t, onlySlice{{{}}}), encode(t, onlyMap{1: {2: nil}}), encode(t, outer{}), encode(t, job),
		encode(t, failures), encode(t, seedError()), encode(t, time.Unix(1, 2).UTC()), encode(t, big.NewInt(-1)),
		encode(t, netip.MustParseAddr("::1")), encode(t, []grade{1}), encode(t, map[point]int{{1, 2}: 3}), encode(t, holder{}),
		unhex(t, "82 01 f93e00"), unhex(t, "c3 49 010000000000000000"), unhex(t, "9b 00000000ffffffff"),
	}
}

func seedError() error { return fmt.Errorf("%w, %w", io.EOF, &quotaError{User: "u", Err: errQuota}) }

// FuzzDecode decodes anything as each of many types: it must not panic nor allocate much, and what it accepts must
// be a value like any other, that is encoded and decoded again without a change.
func FuzzDecode(f *testing.F) {
	for i := range fuzzTypes {
		for _, seed := range fuzzSeeds(f) {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		typ := fuzzTypes[int(which)%len(fuzzTypes)]
		if used := allocated(t, typ, data); used > 256*len(data)+256<<10 {
			t.Fatalf("%v: %d bytes allocate %d", typ, len(data), used)
		}
		p, err := Of(typ)
		if err != nil {
			t.Fatal(err)
		}
		keepsNames(t, data, false)
		checkAccepted(t, p, data)
	})
}

func checkAccepted(t *testing.T, p *Plan, data []byte) {
	refs, first, second := table{}, reflect.New(p.typ).Interface(), reflect.New(p.typ).Interface()
	if p.Decode(data, first, refs) != nil {
		return
	}
	once, err := p.Append(nil, first, refs)
	if err != nil {
		t.Fatalf("%v: what was decoded can't be encoded: %v", p.typ, err)
	}
	if err := cborDecoder.Wellformed(once); err != nil {
		t.Fatalf("%v: % x: %v", p.typ, once, err)
	}
	keepsNames(t, once, true)
	if err := p.Decode(once, second, refs); err != nil {
		t.Fatalf("%v: what was encoded can't be decoded: %v", p.typ, err)
	}
	twice, err := p.Append(nil, second, refs)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%v: % x became % x, %v", p.typ, once, twice, err)
	}
	if path := p.Diff(first, second); path != "" {
		t.Fatalf("%v: differs at %s", p.typ, path)
	}
	if err := p.EachRef(first, func(*Node) {}); err != nil {
		t.Fatalf("%v: %v", p.typ, err)
	}
}

func FuzzDecodeError(f *testing.F) {
	wrapped := fmt.Errorf("a: %w", &fs.PathError{Op: "o", Path: "p", Err: codeError(1)})
	for _, err := range []error{nil, io.EOF, seedError(), likeEOF{}, wrapped} {
		data, failure := AppendError(nil, err)
		if failure != nil {
			f.Fatal(failure)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err, failure := DecodeError(data)
		if failure != nil || err == nil {
			return
		}
		got := travel(t, err)
		if text := textOf(err); textOf(got) != text {
			t.Fatalf("%q became %q", text, got)
		}
		first, _ := AppendError(nil, err)
		if second, _ := AppendError(nil, got); !bytes.Equal(first, second) {
			t.Fatalf("% x became % x", first, second)
		}
	})
}

// drawJob makes any value whose types DeepEqual compares as the codec does.
func drawJob(t *rapid.T, depth int) *fuzzJob {
	j := &fuzzJob{
		ID:    rapid.Int().Draw(t, "id"),
		Name:  string(rapid.SliceOf(rapid.Byte()).Draw(t, "name")),
		Rows:  rapid.SliceOf(rapid.SliceOf(rapid.Float64())).Draw(t, "rows"),
		When:  time.Unix(rapid.Int64Range(-1<<34, 1<<34).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")).UTC(),
		Raw:   rapid.SliceOf(rapid.Byte()).Draw(t, "raw"),
		Keys:  rapid.MapOf(rapid.Custom(drawPair), rapid.Bool()).Draw(t, "keys"),
		Wide:  complex(rapid.Float32().Draw(t, "re"), 1),
		Grade: grade(rapid.IntRange(0, 100).Draw(t, "grade")),
		Point: point{rapid.Int().Draw(t, "x"), rapid.Int().Draw(t, "y")},
		Err:   rapid.SampledFrom([]error{nil, io.EOF, codeError(1), &quotaError{User: "u"}, &remoteError{text: "x"}}).Draw(t, "err"),
	}
	if rapid.Bool().Draw(t, "small") {
		j.Small = rapid.SliceOf(rapid.Int16()).Draw(t, "numbers")
		inner := new([]string)
		j.Deep = &inner
		*inner = rapid.SliceOf(rapid.String()).Draw(t, "texts")
		j.Big = new(big.Int).SetBytes(append([]byte{1}, rapid.SliceOf(rapid.Byte()).Draw(t, "big")...))
	}
	if depth > 0 && rapid.Bool().Draw(t, "sub") {
		j.Sub = drawJob(t, depth-1)
	}
	return j
}

// FuzzRoundTrip is best run with -fuzzminimizetime=20x: the bytes behind a generator don't shrink, and trying to takes
// most of the time otherwise.
func FuzzRoundTrip(f *testing.F) {
	p := planOf[*fuzzJob](f)
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		in, out := drawJob(t, 3), (*fuzzJob)(nil)
		data, err := p.Append(nil, &in, table{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Decode(data, &out, table{}); err != nil {
			t.Fatal(err)
		}
		if path := p.Diff(&in, &out); path != "" {
			t.Fatalf("differs at %s", path)
		}
		if !reflect.DeepEqual(in, out) {
			t.Fatalf("%+v became %+v", in, out)
		}
	}))
}

func TestRoundTripOfAnything(t *testing.T) {
	p := planOf[*fuzzJob](t)
	rapid.Check(t, func(t *rapid.T) {
		in, out := drawJob(t, 2), (*fuzzJob)(nil)
		data, err := p.Append(nil, &in, table{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Decode(data, &out, table{}); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%+v became %+v, %v", in, out, err)
		}
	})
}

func drawPair(t *rapid.T) [2]int8 {
	return [2]int8{rapid.Int8().Draw(t, "a"), rapid.Int8().Draw(t, "b")}
}
