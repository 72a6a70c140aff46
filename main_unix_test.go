//go:build unix

package muster_test

import (
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestMainSignals(t *testing.T) {
	for _, c := range []struct {
		program string
		signals []syscall.Signal
		code    int
		stderr  []string
	}{
		{"slow", []syscall.Signal{syscall.SIGINT}, 130, []string{"muster: interrupt: cancelling; waiting up to 10s", "context canceled\n"}},
		{"slow", []syscall.Signal{syscall.SIGTERM}, 143, []string{"muster: terminated: cancelling"}},
		{"slow", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, 143, []string{"muster: terminated: cancelling", "context canceled\n"}},
		{"deaf", []syscall.Signal{syscall.SIGINT}, 130, []string{"cancelling; waiting up to 10ms", "main.deaf #1", "let them watch their context", "main_test.go"}},
		{"stubborn", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 130, []string{"again to leave at once"}},
		{"overstays", []syscall.Signal{syscall.SIGINT}, 130, []string{"the function that Main runs hasn't returned within 1ms of its cancel"}},
	} {
		t.Run(c.program, func(t *testing.T) {
			cmd := process(t, c.program)
			stderr := &watched{want: "again to leave at once", seen: make(chan struct{})}
			cmd.Stderr = stderr
			ready(t, cmd)
			for i, sig := range c.signals {
				if i > 0 {
					<-stderr.seen
				}
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			if code := exitCode(cmd.Wait()); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			inOrder(t, stderr.String(), c.stderr)
		})
	}
}

// watched is a text that says when it holds something.
type watched struct {
	want string
	seen chan struct{}
	once sync.Once
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*watched)(nil)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.want) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
