package main

import (
	"bytes"
	"io"
)

// wholeLines is how many bytes of a part of a log are whole lines; all of them at its end, where the rest of a line may
// never come, and where there is no end of a line at all.
func wholeLines(data []byte, atEnd bool) int {
	if i := bytes.LastIndexByte(data, '\n'); i >= 0 && !atEnd {
		return i + 1
	}
	return len(data)
}

// printLines prints lines with a mark before each.
func printLines(w io.Writer, mark string, data []byte) error {
	if mark == "" {
		_, err := w.Write(data)
		return err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		out.WriteString(mark)
		out.Write(line)
		if line[len(line)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
