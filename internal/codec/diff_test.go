package codec

import (
	"errors"
	"math"
	"testing"
)

type row struct {
	Name   string
	Values []float64
	Meta   map[string]*int
	Any    map[grade]int
}

type sheet struct {
	Rows  []row
	Extra *row
	Fixed [2]string
	Odd   sealed
	Err   error
}

func TestDiff(t *testing.T) {
	full := func() sheet {
		one := 1
		return sheet{
			Rows:  []row{{Name: "a"}, {Name: "b", Values: []float64{1, 2, 3}, Meta: map[string]*int{"x": &one, "y": nil}}},
			Extra: &row{},
			Err:   errors.New("e"),
		}
	}
	for want, change := range map[string]func(*sheet){
		"":                   func(*sheet) {},
		".Rows[1].Name":      func(s *sheet) { s.Rows[1].Name = "c" },
		".Rows[1].Values[1]": func(s *sheet) { s.Rows[1].Values[1] = 9 },
		".Rows[1].Values[2]": func(s *sheet) { s.Rows[1].Values[2] = math.NaN() },
		".Rows[1].Values":    func(s *sheet) { s.Rows[1].Values = s.Rows[1].Values[:2] },
		".Rows[0].Values":    func(s *sheet) { s.Rows[0].Values = []float64{} },
		".Rows":              func(s *sheet) { s.Rows = s.Rows[:1] },
		`.Rows[1].Meta["x"]`: func(s *sheet) { *s.Rows[1].Meta["x"] = 2 },
		`.Rows[1].Meta["y"]`: func(s *sheet) { s.Rows[1].Meta["y"] = new(int) },
		`.Rows[1].Meta["a"]`: func(s *sheet) { s.Rows[1].Meta["a"] = nil },
		`.Rows[1].Meta["z"]`: func(s *sheet) { s.Rows[1].Meta["z"] = nil },
		`.Rows[0].Meta`:      func(s *sheet) { s.Rows[0].Meta = map[string]*int{} },
		".Extra":             func(s *sheet) { s.Extra = nil },
		".Extra.Name":        func(s *sheet) { s.Extra.Name = "x" },
		".Fixed[1]":          func(s *sheet) { s.Fixed[1] = "x" },
		".Odd":               func(s *sheet) { s.Odd.secret = "x" },
		".Err":               func(s *sheet) { s.Err = nil },
		".Extra.Any[0]":      func(s *sheet) { s.Extra.Any = map[grade]int{0: 1} },
	} {
		a, b := full(), full()
		if want == ".Extra.Any[0]" {
			a.Extra.Any = map[grade]int{0: 2}
		}
		change(&b)
		p := planOf[sheet](t)
		if got := p.Diff(&a, &b); got != want {
			t.Errorf("differ at %q, want %q", got, want)
		}
		if got := p.Diff(&b, &a); got != want {
			t.Errorf("the other way round they differ at %q, want %q", got, want)
		}
	}
}

func TestDiffOfWholeValues(t *testing.T) {
	one, two := 1, 2
	if path := planOf[int](t).Diff(&one, &two); path != "." {
		t.Errorf("%q", path)
	}
	if path := planOf[int](t).Diff(&one, &one); path != "" {
		t.Errorf("%q", path)
	}
	nan, odd := []float64{math.NaN(), 0}, []float64{-math.NaN(), 0}
	if path := planOf[[]float64](t).Diff(&nan, &odd); path != "" {
		t.Errorf("two NaNs differ at %q", path)
	}
	odd[1] = math.Copysign(0, -1)
	if path := planOf[[]float64](t).Diff(&nan, &odd); path != "[1]" {
		t.Errorf("%q", path)
	}
	bad, good := map[grade]int{-1: 0}, map[grade]int{1: 0}
	if path := planOf[map[grade]int](t).Diff(&bad, &good); path != "." {
		t.Errorf("%q", path)
	}
}
