package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// print writes the explanation for people.
func (x *explanation) print(w io.Writer) {
	const short = shortKey
	fmt.Fprintf(w, "%s: %s cached\n", x.Func, plural(x.Results, "result"))
	switch {
	case x.Nearest == "":
		fmt.Fprintf(w, "%s, stored %s, was computed because there was no other\n", x.Key[:short], ago(x.Stored))
	default:
		fmt.Fprintf(w, "%s, stored %s, was computed although there was %s, because\n", x.Key[:short], ago(x.Stored), x.Nearest[:short])
		lines := x.Differs
		if len(lines) == 0 {
			lines = []string{"its result had expired or was refused"}
		}
		for _, l := range lines {
			fmt.Fprintln(w, "  "+l)
		}
	}
	switch {
	case !x.looked:
	case x.NowErr != "":
		fmt.Fprintln(w, x.NowErr)
	case x.NowSame > 0:
		fmt.Fprintf(w, "%d of them %s the code in this folder: a call with the same argument, declared version (%s) and CacheKey\n"+
			"hits, unless the result has expired or is refused\n", x.NowSame, map[bool]string{true: "has", false: "have"}[x.NowSame == 1],
			versions(x.NowVersions))
	default:
		fmt.Fprintln(w, "none of them has the code in this folder:")
		for _, l := range x.Now {
			fmt.Fprintln(w, "  "+l)
		}
	}
}

// versions lists declared versions, each with the number of its results if there are several.
func versions(count map[string]int) string {
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(count)) {
		part := fmt.Sprintf("%q", v)
		if v == "" {
			part = "none"
		}
		if len(count) > 1 {
			part = fmt.Sprintf("%s: %d", part, count[v])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
