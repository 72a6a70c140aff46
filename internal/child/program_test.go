//go:build unix

package child

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell is a script that runs, and writes to out.
func shell(t *testing.T, script string, out io.Writer) *Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Spec{Path: path, Args: []string{"arg"}, Env: []string{"NAME=value"}, Output: out}
}

// begun tells a program to end as soon as it has written something.
type begun struct {
	output

	stop  chan time.Duration
	then  time.Duration
	again bool // it is told so again, with more time
}

func (b *begun) Write(p []byte) (int, error) {
	select {
	case b.stop <- b.then:
	default:
	}
	if b.again {
		b.stop <- time.Hour
	}
	return b.output.Write(p)
}

const asItLikes = -1 // the program ends by itself

// A program ends by itself, by a signal, or as it is told.
func TestProgram(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		stop   time.Duration // once it has begun
		code   int
		how    string
		again  bool
	}{
		"exits":          {"echo $NAME $1 $MUSTER_WORKER; exit 3", asItLikes, 3, "exited with status 3", false},
		"is killed":      {"echo $NAME $1; kill -9 $$", asItLikes, -1, "was killed (signal 9)", false},
		"dies":           {"echo $NAME $1; kill -11 $$", asItLikes, -1, "died of signal 11", false},
		"is told":        {"echo $NAME $1; exec sleep 60", time.Minute, -1, "died of signal 15", false},
		"takes too long": {"trap '' TERM; echo $NAME $1; while :; do sleep 60; done", time.Millisecond, -1, "was killed", false},
		"is told again":  {"trap '' TERM; echo $NAME $1; while :; do sleep 60; done", time.Millisecond, -1, "was killed", true},
		"at once":        {"echo $NAME $1; exec sleep 60", 0, -1, "was killed", false},
	} {
		t.Run(name, func(t *testing.T) {
			out := begun{then: tt.stop, again: tt.again}
			if tt.stop != asItLikes {
				out.stop = make(chan time.Duration, 2)
			}
			end, err := RunProgram(shell(t, tt.script, &out), out.stop)
			if err != nil || end.Code != tt.code || !strings.Contains(end.How, tt.how) {
				t.Errorf("%+v, %v", end, err)
			}
			if end.Tail != "value arg\n" || out.String() != end.Tail {
				t.Errorf("it wrote %q, of which %q is kept", out.String(), end.Tail)
			}
		})
	}
	if _, err := RunProgram(&Spec{Path: filepath.Join(t.TempDir(), "none"), Output: io.Discard}, nil); err == nil {
		t.Error("what isn't there was started")
	}
}
