package yardstick

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

const envRole = "YARDSTICK_TEST_ROLE"

// TestMain is each of the processes, or the tests.
func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		if err := Run(context.Background(), role, testCommand, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func testCommand(ctx context.Context, role string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], role)
	cmd.Env = append(os.Environ(), envRole+"="+role, "GORACE=atexit_sleep_ms=0") // else each waits for a second at its end
	return cmd
}

// Each kind goes through all of the processes, more than once, and more than fit into a window.
func TestMeasure(t *testing.T) {
	if !Supported {
		t.Skip("needs inherited sockets")
	}
	y, err := Start(t.Context(), testCommand, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := y.Measure(Calls, 20); err != nil || r.P50 <= 0 || r.P99 < r.P50 || r.Rate != 0 {
			t.Errorf("calls: %+v, %v", r, err)
		}
		if r, err := y.Measure(Tasks, 2*window*tasksEach+1); err != nil || r.Rate <= 0 || r.P50 != 0 {
			t.Errorf("tasks: %+v, %v", r, err)
		}
		if r, err := y.Measure(Items, 2*window*itemsEach+1); err != nil || r.Rate <= 0 {
			t.Errorf("items: %+v, %v", r, err)
		}
	}
	if err := errors.Join(y.Stop(), y.Stop()); err != nil {
		t.Error(err)
	}
}

// What one of the processes ends with reaches who asked it.
func TestProcessFails(t *testing.T) {
	if !Supported {
		t.Skip("needs inherited sockets")
	}
	if _, err := Start(t.Context(), testCommand, os.Args[0]); err == nil || !strings.Contains(err.Error(), "the server: exit status 1: ") {
		t.Errorf("a file as the folder: %v", err)
	}
	y, err := Start(t.Context(), testCommand, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := y.Measure("nothing", 1); err == nil || !strings.Contains(err.Error(), "measure nothing: nobody knows how") {
		t.Errorf("an unknown kind: %v", err)
	}
	if err := y.Stop(); err != nil {
		t.Error(err)
	}
}

// Every record is executed, and counted once.
func TestFrames(t *testing.T) {
	for _, kind := range []byte{frameTasks, frameCalls, frameItems} {
		first := appendFrame(nil, kind, 0, 10)
		both := appendFrame(bytes.Clone(first), kind, 10, 5)
		execute(both[:len(first)])
		execute(both[len(first):])
		var got tally
		if err := got.add(both); err != nil || got != (tally{frames: 2, records: 15, sum: 15 * 16 / 2}) {
			t.Errorf("%c: %+v, %v", kind, got, err)
		}
		in := bufio.NewReader(bytes.NewReader(both))
		read, err := readFrame(in, nil)
		if err == nil {
			read, err = readFrame(in, read)
		}
		if err != nil || !bytes.Equal(read, both) {
			t.Errorf("%c: read %d of %d bytes, %v", kind, len(read), len(both), err)
		}
		if _, err := readFrame(in, nil); !errors.Is(err, io.EOF) {
			t.Errorf("%c: at the end: %v", kind, err)
		}
		for _, bad := range [][]byte{both[:3], both[:len(both)-1], {0, 0, 0, 0, 't'}, {255, 255, 255, 255, 't'}} {
			if err := new(tally).add(bad); !errors.Is(err, errMalformed) {
				t.Errorf("%c: %d bytes: %v", kind, len(bad), err)
			}
		}
	}
	for _, bad := range [][]byte{{1}, {0, 0, 0, 0, 't'}, {255, 255, 255, 255, 't'}, {9, 0, 0, 0, 't'}} {
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(bad)), nil); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("% x: %v", bad, err)
		}
	}
}
