package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// printTables shows the largest packages, the most imported ones and the most used identifiers.
func printTables(w io.Writer, s Stats, top int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PACKAGE\tFILES\tLINES\tFUNCTIONS\tLONGEST FUNCTION")
	common := commonDir(slices.Collect(maps.Keys(s.Packages)))
	for _, dir := range largest(s.Packages, top, func(p Package) int { return p.Lines }) {
		p := s.Packages[dir]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s (%s lines)\n", strings.TrimPrefix(dir, common),
			group(p.Files), group(p.Lines), group(p.Funcs), p.Longest.Name, group(p.Longest.Lines))
	}
	fmt.Fprintln(t, "\nMOST IMPORTED\tFILES")
	for _, path := range largest(s.Imports, top, func(n int) int { return n }) {
		fmt.Fprintf(t, "%s\t%s\n", path, group(s.Imports[path]))
	}
	fmt.Fprintln(t, "\nMOST USED IDENTIFIER\tTIMES")
	for _, name := range largest(s.Idents, top, func(n int) int { return n }) {
		fmt.Fprintf(t, "%s\t%s\n", name, group(s.Idents[name]))
	}
	t.Flush()
}

// printSummary is the line with the totals.
func printSummary(w io.Writer, s Stats, took time.Duration) {
	fmt.Fprintf(w, "\n%s files, %.1f MB, %s lines, %s functions in %v on %d cores\n",
		group(s.Files), float64(s.Bytes)/1e6, group(s.Lines), group(s.Funcs), took.Round(time.Millisecond), runtime.GOMAXPROCS(0))
}

// printUnparsed names the files that don't parse: the first ones, or all.
func printUnparsed(w io.Writer, s Stats, all bool) {
	const first = 3
	bad := slices.SortedFunc(slices.Values(s.Unparsed), func(a, b Unparsed) int { return strings.Compare(a.Path, b.Path) })
	if len(bad) == 0 {
		return
	}
	fmt.Fprintf(w, "files that don't parse: %s\n", group(len(bad)))
	for i, u := range bad {
		if i == first && !all {
			fmt.Fprintf(w, "  and %d more: -v names them\n", len(bad)-first)
			return
		}
		why, _, _ := strings.Cut(u.Why, "\n")
		fmt.Fprintf(w, "  %s\n", why)
	}
}

// largest are the keys with the n largest sizes, largest first, and in order of their names when equal.
func largest[V any](m map[string]V, n int, size func(V) int) []string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(size(m[b])-size(m[a]), strings.Compare(a, b))
	})
	return keys[:max(0, min(n, len(keys)))]
}

// commonDir is the folder that all paths share, with its last separator.
func commonDir(dirs []string) string {
	if len(dirs) < 2 {
		return ""
	}
	common := slices.Min(dirs)
	last := slices.Max(dirs)
	n := 0
	for n < len(common) && n < len(last) && common[n] == last[n] {
		n++
	}
	return common[:strings.LastIndexAny(common[:n], `/\`)+1]
}

// group is n with a comma at each third digit.
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
