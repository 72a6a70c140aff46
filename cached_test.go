package muster_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
)

type cachedArg struct {
	X       int
	Verbose bool
	Of      muster.Ref[int]
}

var (
	cachedRuns atomic.Int64

	cachedDouble = muster.Func("cached.double", func(_ context.Context, x int) (int, error) {
		cachedRuns.Add(1)
		if x < 0 {
			return 0, errors.New("negative")
		}
		return 2 * x, nil
	}, muster.Cached())
	cachedStruct = muster.Func("cached.struct", func(_ context.Context, a cachedArg) (string, error) {
		cachedRuns.Add(1)
		x := 0
		if !a.Of.IsZero() {
			x = a.Of.Value()
		}
		return fmt.Sprint(a.X, a.Verbose, x), nil
	}, muster.Cached(cache.Policy{Version: "1"}))
	cachedLarge = muster.Func("cached.large", func(_ context.Context, n int) ([]float64, error) {
		cachedRuns.Add(1)
		out := make([]float64, n)
		for i := range out {
			out[i] = float64(i)
		}
		return out, nil
	}, muster.Cached())
	cachedFib *muster.Function[int, int]
)

func init() {
	cachedFib = muster.Func("cached.fib", func(ctx context.Context, n int) (int, error) {
		cachedRuns.Add(1)
		if n < 2 {
			return n, nil
		}
		a, b := cachedFib.Go(ctx, n-1), cachedFib.Go(ctx, n-2)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	}, muster.Cached())
}

// cacheSession opens a session with its cache in dir, and gives what it reports.
func cacheSession(t *testing.T, dir string) (ctx context.Context, events func() []event.Event) {
	t.Helper()
	var mu sync.Mutex
	var seen []event.Event
	ctx = open(t, muster.Config{CPUs: 2, CacheDir: dir, OnEvent: func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e)
	}})
	return ctx, func() []event.Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

// ran is how often functions ran meanwhile.
func ran(f func()) int64 {
	before := cachedRuns.Load()
	f()
	return cachedRuns.Load() - before
}

func TestCached(t *testing.T) {
	dir := t.TempDir()
	for life := range 3 {
		ctx, events := cacheSession(t, dir)
		n := ran(func() {
			for range 2 {
				if v, err := cachedDouble.Call(ctx, 21); v != 42 || err != nil {
					t.Error(v, err)
				}
				if _, err := cachedDouble.Call(ctx, -1); err == nil || !strings.Contains(err.Error(), "negative") {
					t.Error("an error isn't cached:", err)
				}
				got, err := muster.Collect(cachedDouble.Map(ctx, slices.Values(upTo(100))))
				if err != nil || got[99] != 198 {
					t.Error(got, err)
				}
			}
		})
		if want := map[bool]int64{true: 102, false: 2}[life == 0]; n != want {
			t.Errorf("life %d: %d runs, want %d", life, n, want)
		}
		restored := 0
		for _, e := range events() {
			if e.Kind == event.ResultRestored && e.Text == "cache" {
				restored += max(1, e.Items)
			}
		}
		if want := map[bool]int{true: 102, false: 202}[life == 0]; restored != want {
			t.Errorf("life %d: %d results restored, want %d", life, restored, want)
		}
	}
}

func TestCachedKeys(t *testing.T) {
	ctx, _ := cacheSession(t, t.TempDir())
	call := func(f *muster.Function[cachedArg, string], a cachedArg, want string, runs int64) {
		t.Helper()
		n := ran(func() {
			if v, err := f.Call(ctx, a); v != want || err != nil {
				t.Error(v, err)
			}
		})
		if n != runs {
			t.Errorf("%+v: %d runs, want %d", a, n, runs)
		}
	}
	call(cachedStruct, cachedArg{X: 1}, "1 false 0", 1)
	call(cachedStruct, cachedArg{X: 1}, "1 false 0", 0)
	call(cachedStruct, cachedArg{X: 1, Verbose: true}, "1 true 0", 1)
	call(cachedStruct.With(muster.Version("2")), cachedArg{X: 1}, "1 false 0", 1)
	call(cachedStruct, cachedArg{X: 1, Of: muster.Put(ctx, 5)}, "1 false 5", 1)
	call(cachedStruct, cachedArg{X: 1, Of: benchInc.Go(ctx, 4)}, "1 false 5", 0) // the value counts, not its task
	call(cachedStruct, cachedArg{X: 1, Of: benchInc.Go(ctx, 5)}, "1 false 6", 1)

	quiet := cachedStruct.CacheKey(func(a cachedArg) cachedArg { a.Verbose = false; return a })
	call(quiet, cachedArg{X: 2, Verbose: true}, "2 true 0", 1)
	call(quiet, cachedArg{X: 2}, "2 true 0", 0)
	call(quiet.With(muster.Version("2")), cachedArg{X: 2}, "2 false 0", 1)
	// What was kept under a key holds under that one alone.
	call(cachedStruct, cachedArg{X: 2}, "2 false 0", 1)
	call(cachedStruct.CacheKey(func(a cachedArg) cachedArg { a.X = 2; return a }), cachedArg{X: 3}, "3 false 0", 1)

	asked := 0
	stale := cachedStruct.CacheValid(func(a cachedArg, out string) bool { asked++; return a.X != 1 })
	call(stale, cachedArg{X: 1}, "1 false 0", 1)
	call(stale, cachedArg{X: 2}, "2 false 0", 0)
	if asked < 2 {
		t.Error("it was asked", asked, "times")
	}
}

func TestCachedLargeResults(t *testing.T) {
	dir := t.TempDir()
	const n = 1 << 18
	for range 2 {
		ctx, _ := cacheSession(t, dir)
		for range 2 {
			v, err := cachedLarge.Call(ctx, n)
			if err != nil || len(v) != n || v[n-1] != n-1 {
				t.Fatal(len(v), err)
			}
			v[5] = -1 // a hit is the caller's own
		}
	}
	if got := ran(func() {
		ctx, _ := cacheSession(t, dir)
		if v, err := cachedLarge.Call(ctx, n); err != nil || v[5] != 5 {
			t.Error(v[5], err)
		}
	}); got != 0 {
		t.Error(got, "runs")
	}
}

// Many ask for one result at once, with a single slot: one computes it, and what it waits for finds the slot.
func TestCachedOnceWithOneSlot(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1, CacheDir: t.TempDir()})
	n := ran(func() {
		var refs []muster.Ref[int]
		for range 20 {
			refs = append(refs, cachedFib.Go(ctx, 12))
		}
		for _, r := range refs {
			if v, err := r.Get(ctx); v != 144 || err != nil {
				t.Error(v, err)
			}
		}
	})
	if n != 13 {
		t.Errorf("%d runs of the 13 different calls", n)
	}
}

func TestCachedDamage(t *testing.T) {
	dir := t.TempDir()
	ctx, _ := cacheSession(t, dir)
	if _, err := cachedDouble.Call(ctx, 7); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) > 64 && strings.Contains(string(data), "cached.double") {
			data[len(data)-1] ^= 1
			damaged++
			err = os.WriteFile(path, data, 0o600)
		}
		return err
	})
	if err != nil || damaged != 1 {
		t.Fatal(damaged, err)
	}
	ctx, events := cacheSession(t, dir)
	if n := ran(func() {
		if v, err := cachedDouble.Call(ctx, 7); v != 14 || err != nil {
			t.Error(v, err)
		}
	}); n != 1 {
		t.Error(n, "runs")
	}
	if !slices.ContainsFunc(events(), func(e event.Event) bool { return e.Kind == event.CacheCorrupt && e.Func == "cached.double" }) {
		t.Error("no event tells of the damage:", events())
	}
}

// A folder that can't be used costs the cache, not the results.
func TestCachedWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, events := cacheSession(t, file)
	for range 2 {
		if v, err := cachedDouble.Call(ctx, 3); v != 6 || err != nil {
			t.Error(v, err)
		}
	}
	told := 0
	for _, e := range events() {
		if e.Kind == event.CacheFailed {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times: %v", told, events())
	}
}

func TestCachedMistakes(t *testing.T) {
	local := panicOf(func() { muster.Local(muster.Plain(func(x int) int { return x }), muster.Cached()) })
	if !strings.Contains(fmt.Sprint(local), "use Func") {
		t.Error(local)
	}
	refs := panicOf(func() { resumePick.With(muster.Cached()) })
	if !strings.Contains(fmt.Sprint(refs), `Cached of Func("resume.pick")`) {
		t.Error(refs)
	}
	twice := panicOf(func() { cachedDouble.With(muster.Cached(cache.Policy{}, cache.Policy{})) })
	if !strings.Contains(fmt.Sprint(twice), "one policy") {
		t.Error(twice)
	}
	for want, policy := range map[string]cache.Policy{
		"Policy.MaxAge is -1s: it must not be negative": {MaxAge: -time.Second},
		"Policy.Compress is 77: use cache.CompressAuto": {Compress: 77},
	} {
		if got := panicOf(func() { cachedDouble.With(muster.Cached(policy)) }); !strings.Contains(fmt.Sprint(got), want) {
			t.Error(got)
		}
	}
}

func BenchmarkCachedHit(b *testing.B) {
	ctx := open(b, muster.Config{CPUs: 1, CacheDir: b.TempDir()})
	if _, err := cachedDouble.Call(ctx, 1); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := cachedDouble.Call(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCachedMiss(b *testing.B) {
	ctx := open(b, muster.Config{CPUs: 1, CacheDir: b.TempDir()})
	i := 0
	for b.Loop() {
		i++
		if _, err := cachedDouble.Call(ctx, i); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJournal compares a job that is recorded with one that isn't: tasks, and cheap items of a Map.
func BenchmarkJournal(b *testing.B) {
	for _, job := range []string{"", "bench"} {
		name := map[bool]string{true: "without", false: "with"}[job == ""]
		b.Run("task/"+name, func(b *testing.B) {
			ctx := open(b, muster.Config{Job: job, CacheDir: b.TempDir()})
			refs := make([]muster.Ref[int], 0, 1000)
			for i := 0; b.Loop(); i++ {
				if refs = append(refs, benchInc.Go(ctx, i)); len(refs) == cap(refs) {
					for _, r := range refs {
						if _, err := r.Get(ctx); err != nil {
							b.Fatal(err)
						}
					}
					refs = refs[:0]
				}
			}
		})
		b.Run("item/"+name, func(b *testing.B) {
			ctx := open(b, muster.Config{Job: job, CacheDir: b.TempDir()})
			b.ResetTimer()
			for _, err := range benchInc.Map(ctx, count(b.N)) {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

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
