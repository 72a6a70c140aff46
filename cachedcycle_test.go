package muster_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

var cachedSelf, cachedPing, cachedPong *muster.Function[int, int]

func init() {
	cachedSelf = muster.Func("cached.self", func(ctx context.Context, n int) (int, error) {
		if n > 100 {
			got, err := muster.Collect(cachedSelf.Map(ctx, slices.Values([]int{n})))
			return len(got), err
		}
		return cachedSelf.Call(ctx, n)
	}, muster.Cached())
	cachedPing = muster.Func("cached.ping", func(ctx context.Context, n int) (int, error) { return cachedPong.Call(ctx, n) }, muster.Cached())
	cachedPong = muster.Func("cached.pong", func(ctx context.Context, n int) (int, error) { return cachedPing.Call(ctx, n) })
}

// A cached call that needs its own result is an error, however it comes to ask for it, where it would wait for ever.
func TestCachedCallThatNeedsItself(t *testing.T) {
	ctx, _ := cacheSession(t, t.TempDir())
	for name, call := range map[string]func() (int, error){
		"itself":  func() (int, error) { return cachedSelf.Call(ctx, 1) },
		"by Map":  func() (int, error) { return cachedSelf.Call(ctx, 101) },
		"a cycle": func() (int, error) { return cachedPing.Call(ctx, 1) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), "needs itself") {
			t.Error(name, err)
		}
	}
}

// A Ref that came back from a job's journal counts by its value, as any other.
func TestCachedArgumentWithARestoredRef(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	program := func(x int) resumeProgram {
		return func(ctx context.Context) (string, error) {
			r, err := resumePick.Call(ctx, 7)
			if err != nil {
				return "", err
			}
			return cachedStruct.Call(ctx, cachedArg{X: x, Of: r})
		}
	}
	first, _ := runJob(t, c, program(1))
	if n := ran(func() {
		if again, runs := runJob(t, c, program(1)); again != first || runs != 0 {
			t.Error(again, runs)
		}
	}); n != 0 {
		t.Error(n, "runs")
	}
	uncached := 0
	c.OnEvent = func(e event.Event) {
		if e.Kind == event.CacheFailed {
			uncached++
		}
	}
	for range 2 {
		if got, _ := runJob(t, c, program(2)); got != "2 false 214" {
			t.Error(got)
		}
	}
	if uncached != 0 {
		t.Error("it isn't cached")
	}
}
