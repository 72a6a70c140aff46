//go:build unix

package muster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest"
)

// Programs of these tests: see main_test.go.
func init() {
	programs["isolated says"] = func() {
		muster.Main(func(ctx context.Context) error {
			info, err := isoSays.Call(ctx, 0)
			if info.Func != "isolated.says" || info.Task != 1 || info.Attempt != 1 || info.Key == "" || info.Node != "" {
				return fmt.Errorf("%+v", info)
			}
			return err
		})
	}
	programs["isolated waits"] = func() {
		muster.Main(func(ctx context.Context) error {
			r := isoDeaf.Go(ctx, os.Getenv("NOTES"))
			fmt.Println("ready")
			return r.Wait(ctx)
		})
	}
	programs["isolated before Main"] = func() {
		if os.Getenv("MUSTER_WORKER") != "" {
			_, _ = note(os.Getenv("NOTES"))
			fmt.Fprintln(os.Stderr, "no configuration")
			os.Exit(2)
		}
		muster.Main(func(ctx context.Context) error {
			_, err := isoPID.With(muster.AtMostOnce()).Call(ctx, 0)
			return err
		})
	}
	programs["isolated without Main"] = func() {
		_, ctx, _ := muster.Open(context.Background(), muster.Config{})
		_, err := isoPID.Call(ctx, 0)
		_, err2 := isoPID.Call(context.Background(), 0)
		fmt.Println(err)
		fmt.Println(err2)
	}
}

// What an isolated function writes goes where the program writes, as that of others does.
func TestIsolatedOutput(t *testing.T) {
	cmd := process(t, "isolated says")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, &stderr)
	}
	if stdout.String() != "to standard output\n" {
		t.Errorf("stdout %q", &stdout)
	}
	inOrder(t, stderr.String(), []string{"to standard error\n", "to the log func=isolated.says task=1\n"})
}

func TestIsolatedEndsWithItsDriver(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		path := filepath.Join(t.TempDir(), "runs")
		cmd := process(t, "isolated waits", "NOTES="+path)
		ready(t, cmd)
		awaitNotes(t, path, 1)
		pid, err := strconv.Atoi(notes(path)[0])
		if err != nil || pid == cmd.Process.Pid {
			t.Fatal(pid, err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if got := exitCode(cmd.Wait()); got != code {
			t.Errorf("%v: exit code %d, want %d", sig, got, code)
		}
		awaitEnd(t, pid)
	}
}

func TestIsolatedWithoutMain(t *testing.T) {
	out, err := process(t, "isolated without Main").Output()
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		if !strings.Contains(line, "isolated.pid") || !strings.Contains(line, "call muster.Main in main; in tests, mustertest.Main in TestMain") {
			t.Errorf("%q; %v", line, err)
		}
	}
	if n := strings.Count(string(out), "Main in main"); n != 2 {
		t.Errorf("%d errors, want one of each session: %s", n, out)
	}
}

// A program that doesn't come to Main in a worker: the task never began, so AtMostOnce doesn't keep it from being tried.
func TestIsolatedNeverBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs")
	cmd := process(t, "isolated before Main", "NOTES="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if code := exitCode(cmd.Run()); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if n := len(notes(path)); n != 3 {
		t.Errorf("%d processes were started, want 3", n)
	}
	inOrder(t, stderr.String(), []string{
		"no configuration\n", "muster: isolated.pid: attempt 3: its process died 3 times, the last time so: the worker exited with status 2 " +
			"before it said hello: does the program call muster.Main, and what does it do before?\nlast output:\nno configuration",
	})
}

func BenchmarkIsolated(b *testing.B) {
	withProcesses(b)
	ctx := mustertest.Context(b, mustertest.Loose())
	for b.Loop() {
		if _, err := isoInc.Call(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func TestIsolatedRefused(t *testing.T) {
	local := muster.Local(func(context.Context, int) (int, error) { return 0, nil }, muster.Isolated())
	if _, err := local.Call(mustertest.Context(t), 1); err == nil || !strings.Contains(err.Error(), "register this one with Func") {
		t.Errorf("%v", err)
	}
}
