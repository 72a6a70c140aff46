package fingerprint

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String is the record's text, as generated files have it. It contains no backquote.
func (r *Record) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "muster %d\n", Schema)
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		fmt.Fprintf(&b, "setting %s=%s\n", name, r.Settings[name])
	}
	for _, p := range r.Packages {
		fmt.Fprintf(&b, "package %s %s\n", p.Path, p.Sum)
	}
	for _, m := range r.Modules {
		fmt.Fprintf(&b, "module %s %s\n", m.Path, m.Version)
	}
	for _, u := range r.Units {
		fmt.Fprintf(&b, "unit %s %s\n", u.Key, hex.EncodeToString(u.Hash[:]))
	}
	for _, f := range r.Functions {
		if f.ID == "" {
			fmt.Fprintf(&b, "opaque %s %s\n", quote(f.Name), oneLine(f.Opaque))
			continue
		}
		levels := make([]string, len(f.Units))
		for i, l := range f.Units {
			levels[i] = writeRanges(l)
		}
		guards := writeRanges(f.Guards)
		if f.Open && len(f.Guards) == 0 {
			guards = isOpen
		}
		fmt.Fprintf(&b, "func %s %s %s %s %s %s\n", quote(f.Name), f.ID,
			writeRanges(f.Packages), guards, writeRanges(f.Modules), strings.Join(levels, "/"))
	}
	return b.String()
}

// quote keeps backquotes out, since the text stands between two.
func quote(s string) string { return strings.ReplaceAll(strconv.QuoteToASCII(s), "`", `\x60`) }

func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "`", "'").Replace(s)
}

// writeRanges is a sorted list of indices in short: "0-3,7"; "-" if there is none.
func writeRanges(list []int) string {
	if len(list) == 0 {
		return "-"
	}
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(list[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", list[i], list[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// readRanges reads what writeRanges wrote, of a list that has n elements.
func readRanges(s string, n int) ([]int, error) {
	if s == "-" {
		return nil, nil
	}
	var list []int
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || a > b || b >= n || a < 0 {
			return nil, fmt.Errorf("%q isn't a range of %d entries", part, n)
		}
		for i := a; i <= b; i++ {
			list = append(list, i)
		}
	}
	return list, nil
}
