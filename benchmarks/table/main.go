// Command table measures every variant on every work, one after the other in rounds, and prints the medians as a
// Markdown table with muster's share of the fastest library's time. It takes some minutes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/musterrun/muster/benchmarks"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	rounds int
	works  []*benchmarks.Work
	items  int // 0: the work's own
	allocs bool
	extra  time.Duration
}

func run(args []string, out, progress io.Writer) error {
	set, err := parse(args, progress)
	if err != nil {
		return err
	}
	grids := []*grid{
		newGrid("a map", benchmarks.Maps, set.works, set.number(func(w *benchmarks.Work) int { return w.Items })),
		newGrid("one call at a time", benchmarks.Calls, set.works, set.number(func(w *benchmarks.Work) int { return w.Calls })),
	}
	p := &patience{left: set.extra, pause: time.Second, load: procLoad}
	for round := range set.rounds {
		fmt.Fprintf(progress, "round %d of %d\n", round+1, set.rounds)
		for _, g := range grids {
			if err := g.measure(round, p); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "%s, %s/%s, GOMAXPROCS %d, median of %d\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.GOMAXPROCS(0), set.rounds)
	for _, g := range grids {
		fmt.Fprintf(out, "\n%s", g.render(timeView))
		if set.allocs {
			fmt.Fprintf(out, "\n%s", g.render(allocView))
		}
	}
	if p.spoiled > 0 {
		fmt.Fprintf(out, "\nOther processes disturbed %d of %d samples: don't quote these figures.\n", p.spoiled, p.taken)
	}
	return nil
}

// number is how many items a run has.
func (s settings) number(own func(*benchmarks.Work) int) func(*benchmarks.Work) int {
	if s.items > 0 {
		return func(*benchmarks.Work) int { return s.items }
	}
	return own
}

// parse reads the command line, and tells package testing how long a benchmark takes.
func parse(args []string, usage io.Writer) (settings, error) {
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	flags.SetOutput(usage)
	rounds := flags.Int("rounds", 11, "how often each pair of variant and work is measured")
	benchtime := flags.Duration("benchtime", 150*time.Millisecond, "how long one measurement takes at least")
	works := flags.String("work", ".", "a regular expression: the works to measure")
	items := flags.Int("items", 0, "how many items a run has; 0 for as many as each work says")
	allocs := flags.Bool("allocs", false, "print allocations an item too")
	extra := flags.Duration("patience", 5*time.Minute, "how long to repeat what other processes disturbed (on Linux)")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if *rounds < 1 || *benchtime <= 0 || *items < 0 {
		return settings{}, fmt.Errorf("-rounds %d -benchtime %v -items %d: the first two must be above 0, the last not below",
			*rounds, *benchtime, *items)
	}
	pattern, err := regexp.Compile(*works)
	if err != nil {
		return settings{}, fmt.Errorf("-work: %w", err)
	}
	set := settings{rounds: *rounds, items: *items, allocs: *allocs, extra: *extra}
	for _, w := range benchmarks.Works {
		if pattern.MatchString(w.Name) {
			set.works = append(set.works, w)
		}
	}
	if len(set.works) == 0 {
		return settings{}, fmt.Errorf("-work %q: no work has such a name", *works)
	}
	testing.Init()
	return set, flag.Set("test.benchtime", benchtime.String())
}
