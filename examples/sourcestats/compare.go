package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// rounds is how often each way runs; the medians are compared.
const rounds = 5

// setting is how the garbage collector is set, equally for all ways.
type setting struct {
	name string
	env  []string
}

var settings = []setting{
	{"default", []string{"GOGC=100", "GOMEMLIMIT=off"}},
	{"GOGC=off GOMEMLIMIT=300MiB", []string{"GOGC=off", "GOMEMLIMIT=300MiB"}},
}

// sample is one run of one way.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // most bytes resident; 0 where the system doesn't tell
	totals    totals
}

// compareWays runs the ways in turn, in processes of their own, and prints what they took.
func compareWays(paths []string, w io.Writer) error {
	fmt.Fprintf(w, "%d cores, %s, medians of %d runs (least to most)\n\n", runtime.GOMAXPROCS(0), runtime.Version(), rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "GC\tway\twall\tCPU\tpeak RSS\tspeed-up\t")
	for _, set := range settings {
		runs, err := measure(set, paths)
		if err != nil {
			return err
		}
		serial := median(runs["serial"])
		for _, way := range []string{"serial", "loop", "muster"} {
			m := median(runs[way])
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.2f\t\n", set.name, way,
				spread(runs[way], "%.2f", "s", func(s sample) float64 { return s.wall.Seconds() }),
				spread(runs[way], "%.2f", "s", func(s sample) float64 { return s.cpu.Seconds() }),
				spread(runs[way], "%.0f", "MB", func(s sample) float64 { return float64(s.rss) / 1e6 }), ratio(serial.wall, m.wall))
		}
		loop, own := median(runs["loop"]), median(runs["muster"])
		rss := "-"
		if loop.rss > 0 {
			rss = fmt.Sprintf("%.2f", float64(own.rss)/float64(loop.rss))
		}
		fmt.Fprintf(t, "\tmuster / loop\t\t\t%s\t%.2f\t\n", rss, ratio(loop.wall, own.wall))
	}
	return t.Flush()
}

// measure interleaves the ways, so that what else the machine does meets all of them.
func measure(set setting, paths []string) (map[string][]sample, error) {
	runs := map[string][]sample{}
	var first totals
	for range rounds {
		for _, way := range []string{"serial", "loop", "muster"} {
			s, err := runWay(set, way, paths)
			if err != nil {
				return nil, err
			}
			if first == (totals{}) {
				first = s.totals
			}
			if s.totals != first {
				return nil, fmt.Errorf("%s counted %+v, another way %+v", way, s.totals, first)
			}
			runs[way] = append(runs[way], s)
		}
	}
	return runs, nil
}

func runWay(set setting, way string, paths []string) (sample, error) {
	exe, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	cmd := exec.Command(exe, append([]string{"-way", way}, paths...)...)
	cmd.Env = append(os.Environ(), append(set.env, "MUSTER_PROGRESS=off")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	s := sample{wall: time.Since(start)}
	if err != nil {
		return s, errors.New(strings.TrimSpace(stderr.String()))
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s.rss = peakRSS(cmd.ProcessState)
	return s, json.Unmarshal(out, &s.totals)
}

// median takes each figure's own.
func median(all []sample) sample {
	pick := func(f func(sample) int64) int64 {
		var xs []int64
		for _, s := range all {
			xs = append(xs, f(s))
		}
		slices.Sort(xs)
		return xs[len(xs)/2]
	}
	return sample{
		wall: time.Duration(pick(func(s sample) int64 { return int64(s.wall) })),
		cpu:  time.Duration(pick(func(s sample) int64 { return int64(s.cpu) })),
		rss:  pick(func(s sample) int64 { return s.rss }),
	}
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

// spread is a figure's median, least and most: "1.63 (1.60 to 1.71) s", or "-" where it isn't known.
func spread(all []sample, format, unit string, figure func(sample) float64) string {
	var xs []float64
	for _, s := range all {
		xs = append(xs, figure(s))
	}
	slices.Sort(xs)
	if xs[len(xs)-1] == 0 {
		return "-"
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+") %s", xs[len(xs)/2], xs[0], xs[len(xs)-1], unit)
}
