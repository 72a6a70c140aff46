package progress

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// terminal is as much of a VT100 as the display and ordinary programs need. It fails the test for any other sequence.
type terminal struct {
	t           *testing.T
	width       int
	rows        [][]rune
	gone        []string // rows that have left at the top
	x, y        int      // x is the width when the next character begins a new row
	top, bottom int      // the region that scrolls
	saved       [2]int
}

func newTerminal(t *testing.T, width, height int) *terminal {
	tm := &terminal{t: t, width: width, rows: make([][]rune, height), bottom: height - 1}
	for i := range tm.rows {
		tm.rows[i] = tm.blank()
	}
	return tm
}

func (tm *terminal) blank() []rune { return []rune(strings.Repeat(" ", tm.width)) }

func (tm *terminal) size() (int, int, error) { return tm.width, len(tm.rows), nil }

// Write takes what the program and the display write.
func (tm *terminal) Write(p []byte) (int, error) {
	for s := string(p); s != ""; {
		s = tm.step(s)
	}
	return len(p), nil
}

func (tm *terminal) step(s string) (rest string) {
	if s[0] == 0x1b {
		return tm.sequence(s[1:])
	}
	r := []rune(s)[0]
	switch r {
	case '\r':
		tm.x = 0
	case '\n': // a terminal's driver puts a \r before it
		tm.x = 0
		tm.lineDown()
	default:
		if tm.x == tm.width {
			tm.x = 0
			tm.lineDown()
		}
		tm.rows[tm.y][tm.x] = r
		tm.x++
	}
	return s[len(string(r)):]
}

func (tm *terminal) lineDown() {
	switch tm.y {
	case tm.bottom:
		if tm.top == 0 {
			tm.gone = append(tm.gone, string(tm.rows[0]))
		}
		copy(tm.rows[tm.top:], tm.rows[tm.top+1:tm.bottom+1])
		tm.rows[tm.bottom] = tm.blank()
	case len(tm.rows) - 1:
	default:
		tm.y++
	}
}

func (tm *terminal) sequence(s string) (rest string) {
	switch s[0] {
	case '7':
		tm.saved = [2]int{tm.x, tm.y}
		return s[1:]
	case '8':
		tm.x, tm.y = tm.saved[0], tm.saved[1]
		return s[1:]
	case 'D':
		tm.x = min(tm.x, tm.width-1)
		tm.lineDown()
		return s[1:]
	case '[':
		end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= '@' }) + 1
		var args []int
		for a := range strings.SplitSeq(s[1:end], ";") {
			n, _ := strconv.Atoi(a)
			args = append(args, n)
		}
		tm.control(s[end], args)
		return s[end+1:]
	}
	tm.t.Fatalf("unknown sequence %q", s[:min(len(s), 10)])
	return ""
}

func (tm *terminal) control(final byte, args []int) {
	switch {
	case final == 'A':
		tm.x, tm.y = min(tm.x, tm.width-1), max(0, tm.y-max(1, args[0]))
	case final == 'H':
		tm.x, tm.y = args[1]-1, args[0]-1
	case final == 'r' && len(args) == 2:
		tm.top, tm.bottom, tm.x, tm.y = args[0]-1, args[1]-1, 0, 0
	case final == 'r':
		tm.top, tm.bottom, tm.x, tm.y = 0, len(tm.rows)-1, 0, 0
	case final == 'K' && args[0] == 2:
		tm.rows[tm.y] = tm.blank()
	case final == 'J' && args[0] == 0:
		copy(tm.rows[tm.y][min(tm.x, tm.width-1):], tm.blank())
		for y := tm.y + 1; y < len(tm.rows); y++ {
			tm.rows[y] = tm.blank()
		}
	default:
		tm.t.Fatalf("unknown control %c with %v", final, args)
	}
}

// resize is what terminals do: the region is all of the window again, and rows are lost or added at the bottom.
func (tm *terminal) resize(width, height int) {
	old := tm.rows
	tm.width, tm.rows = width, make([][]rune, height)
	tm.top, tm.bottom = 0, height-1
	for i := range tm.rows {
		tm.rows[i] = tm.blank()
		if i < len(old) {
			copy(tm.rows[i], old[i])
		}
	}
	tm.x, tm.y = min(tm.x, width-1), min(tm.y, height-1)
}

// text is all rows, those that have scrolled away included, without the blanks at their ends.
func (tm *terminal) text() string {
	var b strings.Builder
	for _, row := range tm.gone {
		fmt.Fprintln(&b, strings.TrimRight(row, " "))
	}
	for _, row := range tm.rows {
		fmt.Fprintln(&b, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(b.String(), "\n")
}
