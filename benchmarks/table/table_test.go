package main

import (
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/benchmarks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// example has three rounds on two works; the second round was disturbed.
func example() *grid {
	variants := []benchmarks.Variant{
		{Name: "by hand"},
		{Name: "batches", Kind: benchmarks.Library},
		{Name: "singles", Kind: benchmarks.Library, Single: true},
		{Name: "Map", Kind: benchmarks.Muster},
		{Name: "Go+Get", Kind: benchmarks.Muster, Single: true},
	}
	works := []*benchmarks.Work{{Name: "0"}, {Name: "1us"}}
	g := newGrid("map", variants, works, nil)
	for variant, ns := range [][2][3]float64{
		{{5, 50, 5}, {500, 5000, 500}},
		{{20, 200, 20}, {600, 6000, 700}},
		{{300, 3000, 310}, {500, 5000, 550}},
		{{22, 220, 22}, {550, 5400, 550}},
		{{450, 4500, 310}, {1500, 15000, 1500}},
	} {
		for work, rounds := range ns {
			for _, x := range rounds {
				c := cell{work, variant}
				g.samples[c] = append(g.samples[c], sample{x, x / 1000})
			}
		}
	}
	return g
}

func TestRender(t *testing.T) {
	for _, test := range []struct {
		name string
		view view
		want string
	}{
		{"times", timeView, `
| map, time an item | by hand | batches | singles |    Map | Go+Get | Map / fastest library | Go+Get / fastest, single items |
|-------------------|--------:|--------:|--------:|-------:|-------:|----------------------:|-------------------------------:|
| 0                 |    5 ns |   20 ns |  310 ns |  22 ns | 450 ns |        1.10 (batches) |                 1.50 (singles) |
| 1us               |  500 ns |  700 ns |  550 ns | 550 ns | 1.5 us |        1.08 (singles) |                 3.00 (singles) |
`},
		{"allocations", allocView, `
| map, allocations an item | by hand | batches | singles |  Map | Go+Get |
|--------------------------|--------:|--------:|--------:|-----:|-------:|
| 0                        |    0.01 |    0.02 |    0.31 | 0.02 |   0.45 |
| 1us                      |    0.50 |    0.70 |    0.55 | 0.55 |   1.50 |
`},
	} {
		if got := "\n" + example().render(test.view); got != test.want {
			t.Errorf("%s: got %s", test.name, got)
		}
	}
}

// TestPatience has the second and third sample spoiled, with patience for one more try.
func TestPatience(t *testing.T) {
	share := 0.0
	var now load
	p := &patience{left: time.Hour, load: func() load { return now }}
	sample := func() error {
		now.all += 100
		now.own += 50
		now.busy += 50 + 100*share
		return nil
	}
	tries := 0
	for _, test := range []struct {
		name           string
		left           time.Duration
		shares         []float64
		tries, spoiled int
	}{
		{"clean", time.Hour, []float64{0.03}, 1, 0},
		{"spoiled twice", time.Hour, []float64{0.5, 0.05, 0.01}, 3, 0},
		{"spoiled without patience", 0, []float64{0.5}, 1, 1},
	} {
		tries, p.left, p.spoiled = 0, test.left, 0
		err := p.sample(func() error {
			share = test.shares[tries]
			tries++
			return sample()
		})
		if err != nil || tries != test.tries || p.spoiled != test.spoiled {
			t.Errorf("%s: %d tries, %d spoiled, error %v", test.name, tries, p.spoiled, err)
		}
	}
}

// TestProcLoad: on Linux the machine's cores have spent time, this process some of it.
func TestProcLoad(t *testing.T) {
	l := procLoad()
	if runtime.GOOS != "linux" {
		if l != (load{}) {
			t.Errorf("got %+v without /proc", l)
		}
		return
	}
	if l.busy <= 0 || l.all < l.busy || l.own > l.busy {
		t.Errorf("got %+v", l)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		xs   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
	} {
		if got := median(test.xs); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("median of %v: got %v, want %v", test.xs, got, test.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{
		4.261: "4.26 ns", 999.4: "999 ns", 999.6: "1 us", 51_234: "51.2 us", 5_017_019: "5.02 ms",
	} {
		if got := duration(ns); got != want {
			t.Errorf("%v ns: got %s, want %s", ns, got, want)
		}
	}
}

// TestRun measures the cheapest work for a moment.
func TestRun(t *testing.T) {
	var out strings.Builder
	err := run([]string{"-rounds", "1", "-items", "100", "-patience", "0", "-benchtime", "1ns", "-work", "^0$", "-allocs"}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n| 0 "); n != 4 {
		t.Errorf("%d rows, want one in each of four tables:\n%s", n, out.String())
	}
}

func TestRunRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-rounds 0":     "-rounds 0 -benchtime 150ms -items 0: the first",
		"-benchtime 0s": "-rounds 11 -benchtime 0s -items 0: the first",
		"-items -1":     "-rounds 11 -benchtime 150ms -items -1: the first",
		"-work (":       "-work: error parsing regexp",
		"-work none":    `-work "none": no work has such a name`,
	} {
		err := run(strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", args, err, want)
		}
	}
}
