//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// When muster run is killed, its program ends too, and what it has left goes with the next run.
func TestRunIsKilled(t *testing.T) {
	t.Parallel()
	p := newPlace(t, holding)
	p.cleanUp()
	command, lines := p.start("run", ".")
	awaitLine(t, lines, "holding 7")
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exit(command)
	left, err := filepath.Glob(filepath.Join(p.state("tmp"), runFolder+"*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("the folder of the run: %v, %v", left, err)
	}
	late := time.After(watchdog)
	for open := true; open; { // the program writes to the same pipe
		select {
		case _, open = <-lines:
		case <-late:
			t.Fatal("the program goes on")
		}
	}
	before := time.Now().Add(-2 * lockedWithin)
	if err := os.Chtimes(left[0], before, before); err != nil {
		t.Fatal(err)
	}
	p.muster("run", ".", "once")
}

// Only folders go whose run is over.
func TestRemoveDeadRuns(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	runs, done, err := makeRunFolder()
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, lock bool) string {
		dir := filepath.Join(temp, name)
		err := os.Mkdir(dir, 0o700)
		if err == nil && lock {
			err = os.WriteFile(runLock(dir), nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead, older, other := add(runFolder+"dead", true), add(runFolder+"older", false), add("muster-other", true)
	there := func(dir string) bool { _, err := os.Stat(dir); return err == nil }
	removeDeadRuns(temp, time.Now())
	if !there(dead) {
		t.Error("a folder is removed that may be about to be locked")
	}
	removeDeadRuns(temp, time.Now().Add(2*lockedWithin))
	if there(dead) || !there(older) || !there(other) || !there(runs) {
		t.Error("removed:", !there(dead), !there(older), !there(other), !there(runs))
	}
	done()
	if there(runs) {
		t.Error("a run leaves its folder")
	}
}
