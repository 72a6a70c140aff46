package progress

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shown is a canvas on a terminal, with n functions at work.
func shown(tm *terminal, n int) (*canvas, []counts) {
	var rows []counts
	for i := range n {
		rows = append(rows, counts{name: fmt.Sprintf("bar%d", i), submitted: 4, done: 1, waiting: 3})
	}
	return newCanvas(newScreen(tm, tm.size)), rows
}

const barsRow = "]  1 done, 3 waiting"

func TestBarsStandBelowWhatIsPrinted(t *testing.T) {
	tm := newTerminal(t, 70, 12)
	fmt.Fprint(tm, "$ program\n")
	c, rows := shown(tm, 2)
	c.paint(rows)
	fmt.Fprint(tm, "one\ntwo\n")
	c.paint(rows)
	lines := strings.Split(tm.text(), "\n")
	if len(lines) != 12 || !slices.Equal(lines[:4], []string{"$ program", "one", "two", ""}) {
		t.Errorf("%q", lines)
	}
	for i, line := range lines[10:] {
		if !strings.HasPrefix(line, fmt.Sprintf("bar%d  [====", i)) || !strings.HasSuffix(line, barsRow) {
			t.Errorf("%q", line)
		}
	}
	rows[0].done, rows[0].waiting = 4, 0
	c.finish(rows)
	fmt.Fprint(tm, "three\n")
	want := "$ program\none\ntwo\nbar0  [====================]  4 done\nbar1  [====>---------------" + barsRow + "\nthree"
	if got := tm.text(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Whatever the program prints between frames survives, and of the bars only the last state stays.
func TestPrintedLinesSurvive(t *testing.T) {
	wide := strings.Repeat("x", 70)
	for name, prints := range map[string][]string{
		"whole lines":            {"a\n", "b\nc\n", "d\n"},
		"parts of a line":        {"Name? ", "yes", "\nAge? ", "7\n"},
		"a prompt at the end":    {"a\n", "Name? "},
		"nothing":                {"", "", ""},
		"more than the terminal": {numbered(0, 40), numbered(40, 41), numbered(41, 100), numbered(100, 101)},
		"a full row":             {wide, "\n", wide + "\n" + wide, "\nend\n"},
		"a prompt at the bottom": {numbered(0, 30) + "Name? ", "", "me\n", "Age? "},
		"its own progress":       {"10 %\r", "20 %\r", "30 %\r\n"},
	} {
		for _, n := range []int{1, 3, maxRows} {
			t.Run(fmt.Sprintf("%s, %d bars", name, n), func(t *testing.T) {
				tm, plain := newTerminal(t, 70, 12), newTerminal(t, 70, 12)
				c, rows := shown(tm, n)
				for i, p := range prints {
					fmt.Fprint(tm, p)
					fmt.Fprint(plain, p)
					c.paint(rows[:min(n, 1+i*n/2)]) // more functions come in
				}
				c.finish(rows)
				fmt.Fprint(tm, "the end\n")
				own, bars, _ := strings.Cut(tm.text(), "bar0 ")
				if got, want := strings.TrimRight(own, "\n"), strings.TrimRight(plain.text(), "\n"); got != want {
					t.Errorf("the program's own: %q\nwant: %q", got, want)
				}
				if got := strings.Count(bars, "\n"); got != n || !strings.HasSuffix(bars, "\nthe end") {
					t.Errorf("the last state has %d rows of %d:\n%s", got, n, bars)
				}
			})
		}
	}
}

func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func TestBarsFollowTheWindow(t *testing.T) {
	for _, size := range [][2]int{{90, 20}, {50, 12}, {70, 9}, {70, 3}, {70, 5}} {
		tm := newTerminal(t, 70, 12)
		c, rows := shown(tm, 3)
		c.paint(rows)
		fmt.Fprint(tm, "one\n")
		tm.resize(size[0], size[1])
		c.paint(rows)
		fmt.Fprint(tm, "two\n")
		c.finish(rows[:3])
		lines := strings.Split(tm.text(), "\n")
		if !slices.Equal(lines[:2], []string{"one", "two"}) || len(lines) != 5 || strings.Count(tm.text(), "bar") != 3 {
			t.Errorf("%v: %q", size, lines)
		}
	}
}
