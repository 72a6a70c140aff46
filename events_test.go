package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

// recorder keeps events.
type recorder struct {
	mu  sync.Mutex
	all []event.Event
}

func (r *recorder) tell(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

// brief is each event's kind, and its function and attempt if it has them, and checks that they are numbered.
func (r *recorder) brief(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for i, e := range r.all {
		if e.Seq != uint64(i+1) || e.Time.IsZero() {
			t.Errorf("event %d: %+v", i, e)
		}
		s := e.Kind.String()
		if e.Func != "" {
			s += fmt.Sprintf(" %s#%d", e.Func, e.Task)
		}
		if e.Attempt > 0 {
			s += fmt.Sprintf(" attempt %d", e.Attempt)
		}
		if e.Items > 0 {
			s += fmt.Sprintf(" items %d", e.Items)
		}
		out = append(out, s)
	}
	return out
}

// record runs f in a session of one core and gives the events, without those of the session itself.
func record(t *testing.T, c muster.Config, f func(ctx context.Context)) []string {
	t.Helper()
	var r recorder
	c.OnEvent = r.tell
	s, ctx, err := muster.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	f(ctx)
	_ = s.Close()
	got := r.brief(t)
	if n := len(got); n < 3 || got[0] != "session-opened" || !strings.HasPrefix(got[n-1], "session-closed") {
		t.Fatal(got)
	}
	return got[1 : len(got)-1]
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestEventsOfATask(t *testing.T) {
	same(t, record(t, muster.Config{CPUs: 1}, func(ctx context.Context) {
		_, _ = benchInc.Call(ctx, 1)
		_, _ = tFail.Call(ctx, 3)
	}),
		"task-submitted bench.inc#1", "task-started bench.inc#1 attempt 1", "task-done bench.inc#1 attempt 1",
		"task-submitted t.fail#2", "task-started t.fail#2 attempt 1", "task-failed t.fail#2 attempt 1",
		"session-closing")
}

func TestEventsOfRetriesNestingAndRefusal(t *testing.T) {
	calls := 0
	flaky := muster.Local(func(ctx context.Context, x int) (int, error) {
		if calls++; calls == 1 {
			return 0, errors.New("again")
		}
		return benchInc.Call(ctx, x)
	}, muster.Retries(1))
	same(t, record(t, muster.Config{CPUs: 1}, func(ctx context.Context) {
		_, _ = flaky.Call(ctx, 1)
		_, _ = benchInc.With(muster.CPUs(2)).Call(ctx, 1)
	}),
		"task-submitted local#1", "task-started local#1 attempt 1", "task-retrying local#1 attempt 1", "task-started local#1 attempt 2",
		"task-submitted bench.inc#2", "task-blocked local#1 attempt 2", "task-started bench.inc#2 attempt 1", "task-done bench.inc#2 attempt 1",
		"task-resumed local#1 attempt 2", "task-done local#1 attempt 2",
		"task-unfit bench.inc#0", "session-closing")
}

func TestEventsOfCancelsAndClose(t *testing.T) {
	same(t, record(t, muster.Config{CPUs: 1}, func(ctx context.Context) {
		r := mainWait.Go(ctx, 0)
		waits := benchInc.Go(ctx, 1)
		waits.Cancel()
		benchInc.Go(muster.Lazy(ctx), 1)
		for range r.Plan().String() {
			break
		}
	}),
		"task-submitted main.wait#1", "task-started main.wait#1 attempt 1", "task-submitted bench.inc#2", "task-canceled bench.inc#2",
		"session-closing items 1", "lazy-unused items 1", "task-canceled main.wait#1 attempt 1")
}

func TestEventsOfStuckFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1, Grace: time.Second, OnEvent: r.tell})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		deaf := muster.Local(func(context.Context, int) (int, error) { <-release; return 0, nil }, muster.Timeout(time.Minute))
		_, _ = deaf.Call(ctx, 0)
		close(release)
		synctest.Wait()
		_ = s.Close()
		same(t, r.brief(t), "session-opened", "task-submitted local#1", "task-started local#1 attempt 1",
			"task-stuck local#1 attempt 1", "task-failed local#1 attempt 1", "task-returned local#1 attempt 1",
			"session-closing", "session-closed")
		if e := r.all[3]; !strings.Contains(e.Text, "events_test.go") {
			t.Error("the stack is missing:", e.Text)
		}
	})
}

func TestEventsOfAMap(t *testing.T) {
	items, failed, chunks := 0, 0, 0
	_ = record(t, muster.Config{CPUs: 2, OnEvent: nil}, func(context.Context) {})
	s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2, OnEvent: func(e event.Event) {
		switch e.Kind {
		case event.TaskDone:
			chunks++
			items += e.Items
		case event.TaskFailed:
			failed++
			if e.Item%3 != 0 || e.Err == nil {
				t.Error(e)
			}
		case event.TaskSubmitted, event.TaskStarted:
			t.Error("more than one event a chunk:", e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range tFail.Map(ctx, count(30_000)) {
	}
	_ = s.Close()
	if items != 20_000 || failed != 10_000 || chunks > 3000 {
		t.Error(items, failed, chunks)
	}
}

func TestOnEventMayCancel(t *testing.T) {
	var ref muster.Ref[int]
	known := make(chan struct{})
	ctx := open(t, muster.Config{OnEvent: func(e event.Event) {
		if e.Kind == event.TaskStarted {
			<-known
			ref.Cancel()
		}
	}})
	ref = mainWait.Go(muster.Lazy(ctx), 0)
	close(known)
	if err := ref.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
}
