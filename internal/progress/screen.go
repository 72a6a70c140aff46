package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen is mpb's way to the terminal. It takes the lowest rows of the terminal out of the region that scrolls and draws
// there, with the cursor put back after each frame. What the program prints meanwhile, whole lines or parts of one, goes
// on where it was and scrolls above the rows, so neither ever overwrites the other.
type screen struct {
	bytes.Buffer // the frame that mpb is drawing
	out          io.Writer
	size         func() (width, height int, err error)
	drawn        chan struct{} // one frame is on the terminal

	room          int // rows that are taken out
	width, height int // of the terminal when they were
	rows          []string
}

// leastText is how many rows are always left to the program.
const leastText = 4

// Control sequences of the VT100, which every terminal but a dumb one knows.
const (
	saveCursor    = "\x1b7"
	restoreCursor = "\x1b8"
	down          = "\x1bD" // keeps the column, and scrolls at the bottom
	eraseRow      = "\x1b[2K"
	eraseBelow    = "\x1b[J"
	allScrolls    = saveCursor + "\x1b[r" + restoreCursor // setting the region moves the cursor
)

func newScreen(out io.Writer, size func() (width, height int, err error)) *screen {
	return &screen{out: out, size: size, drawn: make(chan struct{}, 1)}
}

func sizeOf(f *os.File) func() (int, int, error) {
	return func() (int, int, error) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil || w <= 0 || h <= 0 {
			w, h = 80, 24
		}
		return w, h, nil
	}
}

// IsTerminal is asked by mpb.
func (s *screen) IsTerminal() bool { return true }

// GetTermSize is asked before each frame, so the rows follow the window. All rows are wanted, for the end.
func (s *screen) GetTermSize() (width, height int, err error) {
	width, height, err = s.size()
	return width, max(height, 2*maxRows), err
}

// Flush writes a frame in one piece: the kernel doesn't mix it with what the program writes.
func (s *screen) Flush(lines int) error {
	defer func() {
		select {
		case s.drawn <- struct{}{}:
		default: // nobody waits for the frames after the last
		}
	}()
	s.rows = strings.SplitN(s.String(), "\n", lines+1)[:lines]
	s.Reset()
	w, h, err := s.size()
	if err != nil {
		return err
	}
	n := min(lines, max(0, h-leastText))
	var frame []byte
	if n != s.room || w != s.width || h != s.height {
		frame = s.giveBack(frame, w, h)
		frame = s.take(frame, n, w, h)
	}
	frame = append(frame, saveCursor...)
	for i, row := range s.rows[:n] {
		frame = fmt.Appendf(frame, "\x1b[%d;1H%s%s", h-n+i+1, eraseRow, row)
	}
	frame = append(frame, restoreCursor...)
	_, err = s.out.Write(frame)
	return err
}

// take makes room for n rows: what stands there scrolls up, and the cursor with it.
func (s *screen) take(frame []byte, n, w, h int) []byte {
	s.room, s.width, s.height = n, w, h
	if n == 0 {
		return frame
	}
	frame = append(frame, strings.Repeat(down, n)...)
	return fmt.Appendf(frame, "\x1b[%dA%s\x1b[1;%dr%s", n, saveCursor, h-n, restoreCursor)
}

// giveBack erases the rows and lets the whole terminal scroll again. In a window that has another size by now, they may
// stand anywhere below the cursor.
func (s *screen) giveBack(frame []byte, w, h int) []byte {
	if s.room == 0 {
		return frame
	}
	frame = append(frame, allScrolls...)
	if w != s.width || h != s.height {
		frame = append(frame, eraseBelow...)
	} else {
		frame = append(frame, saveCursor...)
		for i := range s.room {
			frame = fmt.Appendf(frame, "\x1b[%d;1H%s", h-i, eraseRow)
		}
		frame = append(frame, restoreCursor...)
	}
	s.room = 0
	return frame
}

// leave writes the last rows as ordinary lines, from the left: a line that the program has begun keeps its own row,
// since as many blanks as a row has columns lead to the next one, unless they begin at the left.
func (s *screen) leave() {
	w, h, err := s.size()
	if err != nil || len(s.rows) == 0 {
		return
	}
	last := s.giveBack(nil, w, h)
	last = append(last, strings.Repeat(" ", w)+"\r"...)
	for _, row := range s.rows {
		last = append(last, row+"\n"...)
	}
	_, _ = s.out.Write(last) // the terminal may be gone
}
