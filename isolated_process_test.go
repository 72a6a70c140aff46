//go:build unix

package muster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest"
)

// isoDeath is how a process is to die, and after how many runs no more; each run is noted.
type isoDeath struct {
	How   string
	Times int
	Path  string
}

var (
	isoPID  = muster.Func("isolated.pid", muster.Plain(func(int) int { return os.Getpid() }), muster.Isolated())
	isoDies = muster.Func("isolated.dies", muster.PlainErr(die), muster.Isolated())
	isoDeaf = muster.Func("isolated.deaf", func(_ context.Context, path string) (int, error) {
		_, _ = note(path)
		select {}
	}, muster.Isolated())
	isoChild = muster.Func("isolated.child", func(ctx context.Context, path string) (int, error) {
		return note2(path, exec.CommandContext(context.WithoutCancel(ctx), "sleep", "1000")) // it is to be left
	}, muster.Isolated())
	isoCached = muster.Func("isolated.cached", muster.PlainErr(func(path string) (int, error) { return note(path) }),
		muster.Isolated(), muster.Cached())
	isoSays = muster.Func("isolated.says", func(ctx context.Context, _ int) (muster.TaskInfo, error) {
		fmt.Println("to standard output")
		fmt.Fprintln(os.Stderr, "to standard error")
		muster.Log(ctx).Info("to the log")
		return muster.Info(ctx), nil
	}, muster.Isolated())
	isoRuns   = muster.Func("isolated.runs", muster.PlainErr(runsBeside), muster.Isolated())
	isoHere   = muster.Func("isolated.here", muster.Plain(func(int) int { return os.Getpid() }))
	isoCopies = muster.Func("isolated.copies", func(ctx context.Context, path string) ([]int, error) {
		here := isoHere.Go(ctx, 0)
		copied := isoHere.With(muster.Isolated()).Go(ctx, 0)
		pids, err := muster.Gather(ctx, here, copied).Get(ctx)
		once := isoDies.With(muster.AtMostOnce(), muster.Retries(3))
		if _, e := once.Call(ctx, isoDeath{"kill", 1, path}); !errors.Is(e, muster.ErrMaybeRan) {
			err = errors.Join(err, fmt.Errorf("a copy with AtMostOnce: %w", e))
		}
		return append(pids, os.Getpid()), err
	})
	isoTwo = muster.Func("isolated.two", func(ctx context.Context, n int) (int, error) {
		// Two goroutines of the function wait for one value each, which come one after the other.
		var all sync.WaitGroup
		var got [2]int
		first := isoPlain.Go(ctx, n)
		second := isoPlain.From(ctx, first)
		for i, r := range []muster.Ref[int]{first, second} {
			all.Go(func() { got[i], _ = r.Get(ctx) })
		}
		all.Wait()
		return got[0] + got[1], nil
	}, muster.Isolated())
)

// note2 notes the number of a process that it starts.
func note2(path string, cmd *exec.Cmd) (int, error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return cmd.Process.Pid, os.WriteFile(path, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
}

func die(d isoDeath) (int, error) {
	n, err := note(d.Path)
	if n > d.Times || err != nil {
		return n, err
	}
	fmt.Fprintln(os.Stderr, "last words")
	switch d.How {
	case "exit":
		os.Exit(7)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "panic":
		go panic("on a goroutine of its own")
	case "fatal":
		var mu sync.Mutex
		mu.Unlock()
	case "segfault":
		debug.SetPanicOnFault(false)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	}
	select {}
}

// runsBeside gives how many of its kind have run at once.
func runsBeside(dir string) (int, error) {
	f, err := os.CreateTemp(dir, "run")
	if err != nil {
		return 0, err
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }()
	most := 0
	for range 500 { // others would begin meanwhile, if they could
		list, err := os.ReadDir(dir)
		if err != nil {
			return 0, err
		}
		most = max(most, len(list))
	}
	return most, nil
}

// withProcesses skips a test on the loop, where nothing runs in another process.
func withProcesses(t testing.TB) {
	if os.Getenv("MUSTER_TEST_LOOP") != "" {
		t.Skip("the loop has no processes")
	}
}

func TestIsolatedProcesses(t *testing.T) {
	withProcesses(t)
	ctx := mustertest.Context(t)
	one, err1 := isoPID.Call(ctx, 0)
	two, err2 := isoPID.Call(ctx, 0)
	if one == two || one == os.Getpid() || err1 != nil || err2 != nil {
		t.Errorf("processes %d and %d of %d; %v, %v", one, two, os.Getpid(), err1, err2)
	}
	for _, pid := range []int{one, two} {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("%d still runs", pid)
		}
	}
}

// Whatever ends a process, only its task is the worse for it: that runs again, and fails the third time.
func TestIsolatedDies(t *testing.T) {
	withProcesses(t)
	for how, want := range map[string][]string{
		"exit": {"exited with status 7", "last words"}, "kill": {"killed (signal 9)", "last words"},
		"panic": {"panic: on a goroutine of its own", "last words"}, "fatal": {"fatal error: sync: unlock of unlocked mutex"},
		"segfault": {"SIGSEGV: segmentation violation"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "runs")
			var mu sync.Mutex
			var hints []string
			ctx := mustertest.Context(t, mustertest.Config(muster.Config{OnEvent: func(e event.Event) {
				if e.Kind == event.Hint {
					mu.Lock()
					hints = append(hints, e.Text)
					mu.Unlock()
				}
			}}))
			other := isoPlain.Go(ctx, 1)
			_, err := isoDies.With(muster.Retries(5)).Call(ctx, isoDeath{how, 100, path})
			for _, part := range append(want, "isolated.dies", "died 3 times") {
				if !strings.Contains(fmt.Sprint(err), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
			if n := len(notes(path)); n != 3 {
				t.Errorf("it ran %d times, want 3", n)
			}
			mu.Lock()
			if len(hints) != 2 || !strings.Contains(hints[0], "it is run again") {
				t.Errorf("hints: %q", hints)
			}
			mu.Unlock()
			if v, err := other.Get(ctx); v != 10 || err != nil {
				t.Error(v, err)
			}
			if v, err := isoDies.Call(ctx, isoDeath{how, 5, path}); v != 6 || err != nil {
				t.Errorf("after two more deaths: %d, %v", v, err)
			}
		})
	}
}

func TestIsolatedAtMostOnce(t *testing.T) {
	withProcesses(t)
	path := filepath.Join(t.TempDir(), "runs")
	ctx := mustertest.Context(t)
	once := isoDies.With(muster.AtMostOnce(), muster.Retries(3))
	if _, err := once.Call(ctx, isoDeath{"kill", 1, path}); !errors.Is(err, muster.ErrMaybeRan) || !strings.Contains(err.Error(), "signal 9") {
		t.Errorf("%v", err)
	}
	if n := len(notes(path)); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	if v, err := once.Call(ctx, isoDeath{"kill", 0, path}); v != 2 || err != nil {
		t.Error(v, err)
	}
}

// A function that listens to nothing is killed, by its Timeout, a cancel, or Close.
func TestIsolatedDeaf(t *testing.T) {
	withProcesses(t)
	path := filepath.Join(t.TempDir(), "runs")
	s, ctx, err := muster.Open(context.Background(), muster.Config{Grace: time.Hour, CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := isoDeaf.With(muster.Timeout(50*time.Millisecond)).Call(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	r := isoDeaf.Go(ctx, path)
	awaitNotes(t, path, 2)
	r.Cancel()
	if _, err := r.Get(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Errorf("%v", err)
	}
	r = isoDeaf.Go(ctx, path)
	awaitNotes(t, path, 3)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Get(ctx); !errors.Is(err, muster.ErrClosed) {
		t.Errorf("%v", err)
	}
	for _, pid := range notes(path) {
		if n, _ := strconv.Atoi(pid); syscall.Kill(n, 0) == nil {
			t.Errorf("process %d still runs", n)
		}
	}
}

// What a task's process has started ends with it.
func TestIsolatedEndsWhatItStarts(t *testing.T) {
	withProcesses(t)
	path := filepath.Join(t.TempDir(), "pid")
	pid, err := isoChild.Call(mustertest.Context(t), path)
	if err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, pid)
}

// awaitEnd waits until a process has ended that may be another one's child.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond) // nothing tells
	defer tick.Stop()
	for syscall.Kill(pid, 0) == nil {
		if stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); bytes.Contains(stat, []byte(") Z ")) {
			return // it has, and nobody has asked how
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("too late")
		}
	}
}

func TestIsolatedHasItsCPUs(t *testing.T) {
	withProcesses(t)
	for cpus, most := range map[float64]int{1: 2, 2: 1, 0.5: 4} {
		ctx := mustertest.Context(t, mustertest.Config(muster.Config{CPUs: 2}))
		dir := t.TempDir()
		paths := func(yield func(string) bool) {
			for range 8 {
				if !yield(dir) {
					return
				}
			}
		}
		for n, err := range isoRuns.With(muster.CPUs(cpus)).Map(ctx, paths) {
			if n < 1 || n > most || err != nil {
				t.Errorf("%d with %v CPUs each ran at once on 2, %v", n, cpus, err)
			}
		}
	}
}

// A value that comes while another goroutine of the function still waits doesn't cost the CPU that this one's task needs.
func TestIsolatedWaitsTwice(t *testing.T) {
	withProcesses(t)
	ctx := mustertest.Context(t, mustertest.Config(muster.Config{CPUs: 1}))
	for n, err := range isoTwo.Map(ctx, count(20)) {
		if n%110 != 0 || err != nil {
			t.Error(n, err)
		}
	}
}

// What a task calls by a copy of a function with other options has these.
func TestIsolatedCopies(t *testing.T) {
	withProcesses(t)
	ctx := mustertest.Context(t)
	for _, f := range []*muster.Function[string, []int]{isoCopies, isoCopies.With(muster.Isolated())} {
		pids, err := f.Call(ctx, filepath.Join(t.TempDir(), "runs"))
		if err != nil || len(pids) != 3 || pids[0] != os.Getpid() || pids[1] == os.Getpid() || pids[1] == pids[2] {
			t.Errorf("processes %v of %d, %v", pids, os.Getpid(), err)
		}
	}
}

// A cached result needs no process.
func TestIsolatedCached(t *testing.T) {
	withProcesses(t)
	path := filepath.Join(t.TempDir(), "runs")
	ctx := mustertest.Context(t, mustertest.Config(muster.Config{CacheDir: t.TempDir()}))
	for range 3 {
		if v, err := isoCached.Call(ctx, path); v != 1 || err != nil {
			t.Error(v, err)
		}
	}
	if list := notes(path); len(list) != 1 || list[0] == strconv.Itoa(os.Getpid()) {
		t.Errorf("ran in %v", list)
	}
}

// Values that go by files leave none.
func TestIsolatedLeavesNoFile(t *testing.T) {
	withProcesses(t)
	t.Setenv("TMPDIR", t.TempDir())
	if _, err := isoTwice.Call(mustertest.Context(t), make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(os.TempDir()); len(list) > 0 || err != nil {
		t.Error(list, err)
	}
}
