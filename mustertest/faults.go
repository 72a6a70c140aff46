package mustertest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

// Fail makes the given attempt (from 1; 0 for every one) of each task of the function fail with err instead of running.
// In a strict session err arrives as the function's own would. The functions of muster.Local have the name "local".
//
// The test fails at once if no function is registered under the name, and at its end if the fault never struck.
func Fail(fn string, attempt int, err error) Option {
	wrong := ""
	if err == nil {
		wrong = "the error is nil"
	}
	return fault("Fail", fn, attempt, wrong, func(f *engine.Fault) { f.Err = err })
}

// Panic makes the attempt panic with value instead of running, in everything else as Fail.
func Panic(fn string, attempt int, value any) Option {
	wrong := ""
	if value == nil {
		wrong = "the value is nil"
	}
	return fault("Panic", fn, attempt, wrong, func(f *engine.Fault) { f.Panic = value })
}

// Delay lets the attempt begin later by d, unless it is cancelled meanwhile, in everything else as Fail.
func Delay(fn string, attempt int, d time.Duration) Option {
	wrong := ""
	if d <= 0 {
		wrong = fmt.Sprintf("the delay is %v", d)
	}
	return fault("Delay", fn, attempt, wrong, func(f *engine.Fault) { f.Delay = d })
}

// injection is a fault with the option that it comes from.
type injection struct {
	*engine.Fault
	option, wrong string
}

func (in injection) String() string {
	return fmt.Sprintf("mustertest.%s(%q, %d)", in.option, in.Func, in.Attempt)
}

func fault(option, fn string, attempt int, wrong string, set func(*engine.Fault)) Option {
	return func(s *setup) {
		f := &engine.Fault{Func: fn, Attempt: attempt}
		set(f)
		if attempt < 0 {
			wrong = "the attempt is negative: they count from 1, and 0 is every one"
		}
		s.faults = append(s.faults, injection{f, option, wrong})
	}
}

// injected checks the injections and gives what the session needs of them.
func injected(t testing.TB, all []injection) engine.Faults {
	t.Helper()
	names := append(engine.Names(), "local")
	var out engine.Faults
	for _, in := range all {
		if in.wrong == "" && !slices.Contains(names, in.Func) {
			in.wrong = "no function is registered under this name" + near(in.Func, names)
		}
		if in.wrong != "" {
			t.Fatalf("%v: %s", in, in.wrong)
		}
		out = append(out, in.Fault)
	}
	return out
}

// missed names the injections that never struck.
func missed(t testing.TB, all []injection) {
	t.Helper()
	for _, in := range all {
		if why := in.Missed(); why != "" {
			t.Errorf("%v never struck: %s", in, why)
		}
	}
}

// near is what may have been meant: names in which the given one stands, then the likest.
func near(name string, names []string) string {
	type candidate struct {
		name string
		far  int
	}
	var all []candidate
	for _, n := range names {
		far := distance(name, n)
		if strings.Contains(n, name) {
			far = 0
		}
		if far <= len(name)/3 {
			all = append(all, candidate{n, far})
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	text := "; perhaps " + all[0].name
	for _, c := range all[1:min(3, len(all))] {
		text += " or " + c.name
	}
	return text
}

// distance is how many letters have to be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
