package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// computations is how often the shared call was computed, in all processes.
func computations(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, computedLog))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

// Two processes ask for one key at the same time, while the first to get it computes: one computes.
func TestOneComputationInTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	owner := startChild(t, "hold", dir)
	owner.expect("computing")
	waiters := []*child{startChild(t, "ask", dir), startChild(t, "ask", dir)}
	for _, w := range waiters {
		w.expect("ready")
		w.goOn()
	}
	owner.goOn()
	owner.expect("held false")
	for _, w := range waiters {
		w.expect("held true")
		w.end()
	}
	owner.end()
	if n := computations(t, dir); n != 1 {
		t.Errorf("computed %d times", n)
	}
}

// Many processes start at once, with nothing to order them.
func TestOneComputationInManyProcesses(t *testing.T) {
	dir := t.TempDir()
	var children []*child
	for range 6 {
		children = append(children, startChild(t, "ask", dir))
	}
	for _, c := range children {
		c.expect("ready")
	}
	for _, c := range children {
		c.goOn()
	}
	computed := 0
	for _, c := range children {
		if c.line() == "asked false" {
			computed++
		}
		c.end()
	}
	if n := computations(t, dir); n != 1 || computed != 1 {
		t.Errorf("computed %d times, %d processes say so", n, computed)
	}
}

// The owner is killed while it computes: a waiter takes over.
func TestWaiterTakesOverFromADeadProcess(t *testing.T) {
	dir := t.TempDir()
	owner := startChild(t, "hold", dir)
	owner.expect("computing")
	waiter := startChild(t, "ask", dir)
	waiter.expect("ready")
	waiter.goOn()
	s, _ := open(t, dir, childLimit)
	waiting, done := make(chan struct{}), make(chan string)
	c := shared(dir, func() string { return "asked" })
	c.Lend = func(wait func() error) error {
		close(waiting)
		return wait()
	}
	go func() {
		v, _, err := s.Do(t.Context(), c)
		done <- fmt.Sprint(string(v.Data), err)
	}()
	<-waiting
	owner.kill()
	if got := <-done; got != "asked<nil>" {
		t.Errorf("the waiter in this process has %s", got)
	}
	waiter.line()
	waiter.end()
	if n := computations(t, dir); n != 2 {
		t.Errorf("computed %d times, want 2: by the dead and by one waiter", n)
	}
	closeStore(t, s)
	noParts(t, s)
}

// A wait for another process ends with its context.
func TestContextEndsAWaitForAProcess(t *testing.T) {
	dir := t.TempDir()
	owner := startChild(t, "hold", dir)
	owner.expect("computing")
	s, _ := open(t, dir, childLimit)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := shared(dir, func() string { return "asked" })
	c.Lend = func(wait func() error) error {
		cancel()
		return wait()
	}
	if _, _, err := s.Do(ctx, c); err != context.Canceled { //nolint:errorlint // the promise is the bare error
		t.Errorf("error %v", err)
	}
	errLend := errors.New("no place left to come back to")
	c.Lend = func(func() error) error { return errLend }
	if _, _, err := s.Do(t.Context(), c); err != errLend { //nolint:errorlint // the promise is the bare error
		t.Errorf("error %v", err)
	}
	if n := computations(t, dir); n != 1 {
		t.Errorf("computed %d times", n)
	}
}

// Several processes fill a store that holds a fraction of what they store.
func TestProcessesEvictAtOnce(t *testing.T) {
	dir := t.TempDir()
	var children []*child
	for i := range 4 {
		children = append(children, startChild(t, fmt.Sprintf("fill %d", i), dir))
	}
	for _, c := range children {
		c.expect("filled")
		c.end()
	}
	s, n := open(t, dir, childLimit)
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	// Each may add a 256th of the limit that the others don't know of, and what it stores while one evicts.
	if st.Bytes > childLimit+childLimit/4 || st.Bytes < childLimit/2 || st.Writing > 0 {
		t.Errorf("%+v, want about %d bytes", st, childLimit)
	}
	if v, err := s.Verify(t.Context(), nil); err != nil || v.Damaged > 0 || v.Entries != st.Entries {
		t.Errorf("%+v of %d, %v", v, st.Entries, err)
	}
	if all := n.take(); len(all) > 0 {
		t.Error(all)
	}
	noParts(t, s)
}
