//go:build unix

package child

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

func TestQuits(t *testing.T) {
	c, h := New(Config{Grace: never}), newHandler()
	end := begin(c, h, "obedient", &output{})
	if hello := <-h.hello; hello.PID != c.PID() || len(hello.Functions) != 1 {
		t.Errorf("%+v of process %d", hello, c.PID())
	}
	// The greeting may be noted a moment after its handler has returned.
	c.Send(protocol.FrameQuit, nil)
	c.Quit("the test says so")
	<-c.Over()
	if err := end(); err.Error() != "the worker exited with status 0: the test says so" {
		t.Error(err)
	}
	if !gone(c.PID()) {
		t.Error("it still runs")
	}
}

func TestKilled(t *testing.T) {
	c, h := New(Config{}), newHandler()
	end := begin(c, h, "stubborn", &output{})
	<-h.hello
	c.Kill("the test says so")
	c.Kill("again")
	if err := end(); err.Error() != "the worker was killed: the test says so" {
		t.Error(err)
	}
	if !gone(c.PID()) {
		t.Error("it still runs")
	}
}

func TestIgnoresQuit(t *testing.T) {
	c, h := New(Config{Grace: time.Millisecond}), newHandler()
	end := begin(c, h, "stubborn", &output{})
	<-h.hello
	c.Quit("enough")
	if err := end(); !strings.Contains(err.Error(), "signal 9") || !strings.HasSuffix(err.Error(), ": enough") {
		t.Error(err)
	}
}

func TestDies(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		output string
	}{
		"exits":     {"the worker exited with status 3\nlast output:\nto the output\nlast words", "to the output\nlast words\n"},
		"is killed": {"the worker was killed (signal 9)", ""},
		"crashes":   {"the worker exited with status 2\nlast output:\nfatal error: sync: unlock of unlocked mutex\n", "fatal error"},
		"garbage":   {"malformed", ""},
	} {
		out := &output{}
		w := New(Config{})
		err := begin(w, newHandler(), name, out)()
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(out.String(), c.output) {
			t.Errorf("%s: %v; output %q", name, err, out)
		}
		if start := (*StartError)(nil); errors.As(err, &start) || !gone(w.PID()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNeverSaysHello(t *testing.T) {
	err := begin(New(Config{}), newHandler(), "silent exit", &output{})()
	start := (*StartError)(nil)
	if !errors.As(err, &start) || !strings.Contains(err.Error(), "muster.Main") || !strings.Contains(err.Error(), "usage: none") {
		t.Error(err)
	}
}

func TestCantStart(t *testing.T) {
	start := (*StartError)(nil)
	if err := New(Config{}).Run(Spec{Path: t.TempDir(), Output: &output{}}, newHandler()); !errors.As(err, &start) {
		t.Error(err)
	}
	c := New(Config{})
	c.Kill("before it began")
	if err := c.Run(Spec{Path: t.TempDir(), Output: &output{}}, newHandler()); !errors.As(err, &start) || c.PID() != 0 {
		t.Error(err)
	}
}

func TestSilence(t *testing.T) {
	c, h := New(Config{PingEvery: time.Millisecond, Silence: 50 * time.Millisecond, Grace: 50 * time.Millisecond}), newHandler()
	err := begin(c, h, "stubborn", &output{})()
	// The stacks that it is asked for are written by a goroutine, so it may end by that, or be killed before.
	if !strings.Contains(err.Error(), "goroutine") && !strings.Contains(err.Error(), "hasn't answered for 50ms") {
		t.Error(err)
	}
}

func TestPings(t *testing.T) {
	c, h := New(Config{PingEvery: time.Millisecond}), newHandler()
	end := begin(c, h, "answers", &output{})
	for range 3 {
		if kind := <-h.frames; kind != protocol.FramePong {
			t.Errorf("a frame of kind %d", kind)
		}
	}
	c.Quit("enough")
	_ = end()
}

func TestRefused(t *testing.T) {
	c, h := New(Config{PingEvery: time.Millisecond}), newHandler()
	h.refuse = errors.New("a frame that isn't wanted")
	if err := begin(c, h, "answers", &output{})(); !strings.Contains(err.Error(), "was killed: a frame that isn't wanted") {
		t.Error(err)
	}
}
