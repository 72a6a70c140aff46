package progress

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/term"
)

// Mode says whether and how progress is shown. The zero Mode is Auto.
type Mode uint8

// The modes, as the environment variable names them.
const (
	Auto  Mode = iota // bars on a terminal that can show them, else nothing
	Off               // nothing
	On                // bars on a terminal that can show them, else lines
	Plain             // lines, without control characters
)

// ParseMode reads the value of MUSTER_PROGRESS; the empty string is Auto.
func ParseMode(s string) (Mode, error) {
	switch s {
	case "":
		return Auto, nil
	case "off":
		return Off, nil
	case "on":
		return On, nil
	case "plain":
		return Plain, nil
	default:
		return Off, fmt.Errorf("muster: MUSTER_PROGRESS is %q: it takes off, on or plain", s)
	}
}

// style is how a display draws.
type style uint8

const (
	nothing style = iota
	lines
	bars
)

// styleFor decides by the mode, and by whether bars can be drawn there without harm to what the program prints.
func styleFor(m Mode, able bool) style {
	switch {
	case m == Off || m == Auto && !able:
		return nothing
	case m == Plain || !able:
		return lines
	default:
		return bars
	}
}

func styleOf(m Mode, out *os.File) style {
	return styleFor(m, able(term.IsTerminal(int(out.Fd())), os.Getenv("TERM"), runtime.GOOS))
}

// able reports whether the output is a terminal that can scroll in part. A console of Windows does so only after it has
// been told to take control sequences, which would change it for the whole program.
func able(terminal bool, termEnv, goos string) bool {
	return terminal && termEnv != "dumb" && goos != "windows"
}
