package codec

import (
	"fmt"
	"io"
	"reflect"
	"testing"
)

type benchJob struct {
	ID    int
	Name  string
	Ratio float64
	Tags  []string
	Done  bool
}

func benchAppend[T any](b *testing.B, v T) {
	plan, _ := Of(reflect.TypeFor[T]())
	dst, err := plan.Append(nil, &v, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = plan.Append(dst[:0], &v, nil)
	}
}

func benchDecode[T any](b *testing.B, v T) {
	plan, _ := Of(reflect.TypeFor[T]())
	data, err := plan.Append(nil, &v, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var out T
	for b.Loop() {
		if err := plan.Decode(data, &out, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func bench[T any](b *testing.B, name string, v T) {
	b.Run(name+"/append", func(b *testing.B) { benchAppend(b, v) })
	b.Run(name+"/decode", func(b *testing.B) { benchDecode(b, v) })
}

func BenchmarkPlan(b *testing.B) {
	floats := make([]float64, 128<<10)
	for i := range floats {
		floats[i] = float64(i) / 7
	}
	byName := map[string]int{}
	for i := range 100 {
		byName[string(rune('a'+i%26))+string(rune('a'+i/26))] = i
	}
	bench(b, "int", 123456)
	bench(b, "float64", 1.0/3)
	bench(b, "string", "the quick brown fox")
	bench(b, "bytes1KiB", make([]byte, 1<<10))
	bench(b, "floats1MiB", floats)
	bench(b, "ints100", make([]int, 100))
	bench(b, "struct", benchJob{ID: 7, Name: "resize", Ratio: 0.5, Tags: []string{"a", "bc"}, Done: true})
	bench(b, "map100", byName)
}

func BenchmarkEachRef(b *testing.B) {
	refs := make([]ref[int], 1000)
	for i := range refs {
		refs[i] = newRef[int]("id")
	}
	p := planOf[[]ref[int]](b)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.EachRef(&refs, func(*Node) {}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkError(b *testing.B) {
	err := fmt.Errorf("read: %w", io.EOF)
	data, _ := AppendError(nil, err)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data, _ = AppendError(data[:0], err)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, failure := DecodeError(data); failure != nil {
				b.Fatal(failure)
			}
		}
	})
}
