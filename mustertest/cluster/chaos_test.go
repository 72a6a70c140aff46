package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// work counts each execution in a file of its process, so that what a killed one has done counts too.
type work struct {
	Dir string
	X   int
}

var square = muster.Func("cluster.square", func(ctx context.Context, w work) (int, error) {
	f, err := os.OpenFile(filepath.Join(w.Dir, strconv.Itoa(os.Getpid())), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, w.X); err != nil {
		return 0, err
	}
	select {
	case <-time.After(2 * time.Millisecond):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return w.X * w.X, nil
})

// held runs until there is a file, and is counted as square is if its folder is there.
var held = muster.Func("cluster.held", untilThere)

func untilThere(ctx context.Context, w work) (int, error) {
	for {
		if _, err := os.Stat(w.Dir); !errors.Is(err, fs.ErrNotExist) {
			return w.X, err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// executions counts the lines in the files of a folder, and names the processes.
func executions(t *testing.T, dir string) (n int, pids []int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range data {
			if c == '\n' {
				n++
			}
		}
		pid, _ := strconv.Atoi(f.Name())
		pids = append(pids, pid)
	}
	return n, pids
}

// start starts n squares and gives their Refs.
// unrecorded is how many tasks may run again after one kill: those that ran in the killed process, and those whose outcomes
// were on their way to the journal. Each takes 2 ms, and a message on a busy machine some of that.
const unrecorded = 100

func start(ctx context.Context, dir string, n int) []muster.Ref[int] {
	refs := make([]muster.Ref[int], n)
	for i := range refs {
		refs[i] = square.Go(ctx, work{dir, i})
	}
	return refs
}

func check(t *testing.T, ctx context.Context, refs []muster.Ref[int]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i*i || err != nil {
			t.Fatalf("%d: %d, %v", i, v, err)
		}
	}
}

// A worker that is killed loses what it ran at that moment, and nothing else.
func TestKilledWorker(t *testing.T) {
	ctx := cluster.Start(t, 2).Context()
	dir := t.TempDir()
	const n = 2000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	_, pids := executions(t, dir)
	kill(t, pids[0])
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+unrecorded {
		t.Errorf("%d executions of %d", ran, n)
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// So it is with an agent, whose machine may have gone: its tasks run elsewhere.
func TestLostAgent(t *testing.T) {
	c := cluster.Start(t, 3)
	ctx := c.Context()
	dir := t.TempDir()
	const n = 3000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	c.StopAgent(1)
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+unrecorded {
		t.Errorf("%d executions of %d", ran, n)
	}
}

// While the head is away what runs goes on, and nothing runs twice.
func TestHeadAway(t *testing.T) {
	c := cluster.Start(t, 2)
	ctx := c.Context()
	dir := t.TempDir()
	const n = 2000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	c.StopHead()
	<-time.After(1500 * time.Millisecond)
	c.StartHead()
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran != n {
		t.Errorf("%d executions of %d", ran, n)
	}
}
