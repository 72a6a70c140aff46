package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// given leaves a file that says that it began, and waits for another one, unless it is a quick one.
var given = muster.Func("cluster.given", func(ctx context.Context, w work) (int, error) {
	if w.X < 0 {
		return w.X, nil
	}
	if err := os.WriteFile(filepath.Join(w.Dir, fmt.Sprintf("ran%03d", w.X)), nil, 0o600); err != nil {
		return 0, err
	}
	for {
		if _, err := os.Stat(filepath.Join(w.Dir, "go")); err == nil {
			return w.X, nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
})

// Of the tasks that a node was given at once, muster tasks says which ones run.
func TestTasksThatRun(t *testing.T) {
	c, dir := cluster.Start(t, 1), t.TempDir()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	for range 3 { // so that many are given out together
		var quick []muster.Ref[int]
		for range 500 {
			quick = append(quick, given.Go(ctx, work{dir, -1}))
		}
		if _, err := muster.Gather(ctx, quick...).Get(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var refs []muster.Ref[int]
	for i := range 50 {
		refs = append(refs, given.Go(ctx, work{dir, i}))
	}
	admin := asAdmin(t, c)
	var jobs []protocol.JobInfo
	if err := admin.Ask(ctx, protocol.OpListJobs, nil, &jobs); err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	list := listUntilBegun(ctx, t, dir, func(l *protocol.TaskList) error {
		return admin.Ask(ctx, protocol.OpListTasks, protocol.AskTasks{Job: jobs[0].Job, Most: 100}, l)
	})
	begun, held := 0, uint64(0)
	for i, x := range list.Tasks {
		_, err := os.Stat(filepath.Join(dir, fmt.Sprintf("ran%03d", i)))
		switch runs := err == nil; {
		case runs != (x.State == protocol.TaskRunning):
			t.Errorf("task %d: it runs: %v, and is said to be %s", x.Task, runs, x.State)
		case runs:
			begun++
		case x.State == protocol.TaskGiven:
			held = x.Task
		}
	}
	if begun != 2 || held == 0 || list.Counts[0].States[protocol.TaskRunning] != 2 {
		t.Errorf("%d run, the last that was given is %d: %+v", begun, held, list.Counts)
	}
	var why protocol.TaskList
	if err := admin.Ask(ctx, protocol.OpListTasks, protocol.AskTasks{Job: jobs[0].Job, Task: held}, &why); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(why.Why, "\n"); !strings.Contains(text, "and lies behind others there") {
		t.Error(text)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := muster.Gather(ctx, refs...).Get(ctx); err != nil {
		t.Error(err)
	}
}

// listUntilBegun asks until as many functions have begun as the node has CPUs, and some tasks lie behind them.
func listUntilBegun(ctx context.Context, t *testing.T, dir string, ask func(*protocol.TaskList) error) *protocol.TaskList {
	t.Helper()
	for {
		var l protocol.TaskList
		if err := ask(&l); err != nil {
			t.Fatal(err)
		}
		isGiven := func(x protocol.TaskInfo) bool { return x.State == protocol.TaskGiven }
		if countRuns(dir) >= 2 && len(l.Tasks) == 50 && slices.ContainsFunc(l.Tasks, isGiven) {
			return &l
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d began: %+v", countRuns(dir), l.Counts)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
