package child

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
)

// StartError is the end of a worker that never said hello.
type StartError struct{ Err error }

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// ended is how the worker ended, with what it wrote last. err ended the conversation.
func (c *Child) ended(p running, how string, err error) error {
	c.mu.Lock()
	why, greeted := c.why, c.greeted.Load()
	select {
	case <-c.kill:
		how, why = "was killed", c.killWhy
	default:
		if !errors.Is(err, io.EOF) && !isClosed(err) {
			why = err.Error()
		}
	}
	c.mu.Unlock()
	text := "the worker " + how
	if why != "" {
		text += ": " + why
	} else if !greeted {
		text += " before it said hello: does the program call muster.Main, and what does it do before?"
	}
	if last := strings.TrimSpace(p.last()); last != "" {
		text += "\nlast output:\n" + last
	}
	if !greeted {
		return &StartError{errors.New(text)}
	}
	return errors.New(text)
}

// tail keeps the last bytes that were written to it, and the first line of a crash: the stacks that follow it may be long.
type tail struct {
	mu    sync.Mutex
	buf   []byte
	line  []byte // that isn't complete yet, as far as it matters
	crash string
}

const (
	tailSize = 4 << 10
	lineSize = 512
)

// crashes is how the first line of a Go program's crash begins.
var crashes = []string{"fatal error: ", "panic: ", "SIGSEGV: ", "SIGBUS: ", "SIGFPE: ", "SIGABRT: ", "SIGQUIT: ", "runtime: out of memory"}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scan(b)
	t.buf = append(t.buf, b[max(0, len(b)-tailSize):]...)
	if len(t.buf) > tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	return len(b), nil
}

// scan looks at each line as it is completed.
func (t *tail) scan(b []byte) {
	for t.crash == "" {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		t.line = append(t.line, part[:min(len(part), lineSize-len(t.line))]...)
		if !whole {
			return
		}
		for _, start := range crashes {
			if strings.HasPrefix(string(t.line), start) {
				t.crash = string(t.line)
			}
		}
		t.line, b = t.line[:0], rest
	}
}

// String is what was written last, below the first line of a crash if that isn't in it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.crash != "" && !bytes.Contains(t.buf, []byte(t.crash)) {
		return t.crash + "\n...\n" + string(t.buf)
	}
	return string(t.buf)
}
