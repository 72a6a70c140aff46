package progress

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// Mode says whether and how progress is shown. The zero Mode is Auto.
type Mode uint8

// The modes, as the environment variable names them.
const (
	Auto  Mode = iota // bars on a terminal, else nothing
	Off               // nothing
	On                // bars on a terminal, else lines
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

// styleFor decides by the mode, and by what the terminal says it can do.
func styleFor(m Mode, terminal bool, termEnv string) style {
	able := terminal && termEnv != "dumb"
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
	return styleFor(m, term.IsTerminal(int(out.Fd())), os.Getenv("TERM"))
}
