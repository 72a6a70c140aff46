package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is mpb's way to the terminal. Between frames the cursor stands above the rows, not below them: what the program
// prints meanwhile then stays, where it would be erased with the next frame otherwise. There is one empty line for it;
// of more lines between two frames, the rows show through to the right.
type screen struct {
	bytes.Buffer
	out   io.Writer
	size  func() (width, height int, err error)
	lines int
}

// eraseBelow clears from the cursor to the end of the screen.
const eraseBelow = "\r\x1b[J"

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

// GetTermSize is asked before each frame, so the rows follow the window.
func (s *screen) GetTermSize() (width, height int, err error) { return s.size() }

// Flush writes a frame in one piece.
func (s *screen) Flush(lines int) error {
	frame := make([]byte, 0, s.Len()+16)
	frame = append(frame, eraseBelow...)
	if lines > 0 {
		lines++
		frame = append(frame, '\n')
		frame = append(frame, s.Bytes()...)
		frame = fmt.Appendf(frame, "\x1b[%dA", lines)
	}
	s.lines = lines
	s.Reset()
	_, err := s.out.Write(frame)
	return err
}

// leave moves below the last frame.
func (s *screen) leave() {
	if s.lines > 0 {
		fmt.Fprintf(s.out, "\x1b[%dB", s.lines)
	}
	s.lines = 0
}
