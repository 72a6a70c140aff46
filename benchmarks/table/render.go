package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/musterrun/muster/benchmarks"
)

// view is what a table shows of the samples.
type view struct {
	what   string
	of     func(sample) float64
	form   func(float64) string
	ratios bool
}

var (
	timeView  = view{"time", times, duration, true}
	allocView = view{"allocations", allocations, amount, false}
)

// render is the grid as Markdown with aligned columns: a work a row, a variant a column, then muster's ratios.
func (g *grid) render(show view) string {
	head := []string{g.title + ", " + show.what + " an item"}
	for _, v := range g.variants {
		head = append(head, v.Name)
	}
	for _, v := range g.variants {
		if show.ratios && v.Kind == benchmarks.Muster {
			head = append(head, v.Name+" / "+rivals(v))
		}
	}
	rows := [][]string{head}
	for wi, w := range g.works {
		row := []string{w.Name}
		for vi := range g.variants {
			row = append(row, show.form(g.median(cell{wi, vi}, show.of)))
		}
		for vi, v := range g.variants {
			if show.ratios && v.Kind == benchmarks.Muster {
				by := g.fastest(wi, v.Single)
				row = append(row, fmt.Sprintf("%.2f (%s)", g.ratio(wi, vi, by), g.variants[by].Name))
			}
		}
		rows = append(rows, row)
	}
	return markdown(rows)
}

// rivals are the libraries that a variant of muster is compared with.
func rivals(v benchmarks.Variant) string {
	if v.Single {
		return "fastest, single items"
	}
	return "fastest library"
}

// markdown aligns the columns: names to the left, figures to the right.
func markdown(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, s := range row {
			width[i] = max(width[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	for r, row := range rows {
		for i, s := range row {
			if i == 0 {
				fmt.Fprintf(&b, "| %-*s ", width[i], s)
			} else {
				fmt.Fprintf(&b, "| %*s ", width[i], s)
			}
		}
		b.WriteString("|\n")
		if r == 0 {
			for i, n := range width {
				rule := strings.Repeat("-", n+1)
				if i == 0 {
					b.WriteString("|" + rule + "-")
				} else {
					b.WriteString("|" + rule + ":")
				}
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// duration is a number of nanoseconds with three digits.
func duration(ns float64) string {
	switch {
	case ns < 999.5:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 999.5e3:
		return fmt.Sprintf("%.3g us", ns/1e3)
	default:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
}

func amount(n float64) string { return fmt.Sprintf("%.2f", n) }
