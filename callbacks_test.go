package muster_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

// A RetryIf that doesn't answer is a no, and the task's error says so.
func TestRetryIfThatDoesntAnswer(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	for trouble, retryIf := range map[string]func(error) bool{
		"panicked: mend":        func(error) bool { panic("mend") },
		"called runtime.Goexit": func(error) bool { runtime.Goexit(); return true },
	} {
		f := tFail.With(muster.Retries(3), muster.RetryIf(retryIf))
		_, err := f.Call(ctx, 3)
		oneLine(t, err, "bad 3: file does not exist (and its RetryIf "+trouble+")")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		n := 0
		for v, err := range f.Map(ctx, count(10)) {
			if n%3 == 0 {
				oneLine(t, err, "(and its RetryIf "+trouble+")")
			} else if v != n || err != nil {
				t.Error(n, v, err)
			}
			n++
		}
		if n != 10 {
			t.Error(n)
		}
	}
}

// A listener's panic reaches whoever caused the event, if the caller did, and locks nothing.
func TestListenerThatPanics(t *testing.T) {
	var events atomic.Int32
	s, ctx, err := muster.Open(context.Background(), muster.Config{OnEvent: func(e event.Event) {
		events.Add(1)
		if e.Kind == event.TaskSubmitted {
			panic("listener")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var r muster.Ref[int]
	if text := panicOf(func() { r = mainWait.Go(ctx, 0) }); text != "listener" || !r.IsZero() {
		t.Error(text)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := events.Load(); n < 5 {
		t.Error("events after the panic were lost:", n)
	}
}

// A listener may call t.FailNow, which is a Goexit, on the goroutine of a task.
func TestListenerThatCallsGoexit(t *testing.T) {
	for _, kind := range []event.Kind{event.TaskDone, event.TaskFailed, event.TaskStarted} {
		var once atomic.Bool
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1, OnEvent: func(e event.Event) {
			if e.Kind == kind && once.CompareAndSwap(false, true) {
				runtime.Goexit()
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		refs := make(chan []muster.Ref[int], 1)
		go func() { // which may be the one that tells
			var all []muster.Ref[int]
			defer func() { refs <- all }()
			all = append(all, tPanic.Go(ctx, 1))
			for i := range 20 {
				all = append(all, tFail.Go(ctx, i))
			}
		}()
		for _, r := range <-refs {
			_ = r.Wait(ctx)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFunctionThatNobodyMade(t *testing.T) {
	ctx := open(t, muster.Config{})
	f := &muster.Function[int, int]{}
	var none *muster.Function[int, int]
	var nothing *muster.Function[[]int, int]
	for _, call := range []func(){
		func() { none.With() },
		func() { none.Weight(nil) },
		func() { none.CacheKey(nil) },
		func() { none.CacheValid(nil) },
		func() { none.Go(ctx, 1) },
		func() { none.From(ctx, muster.Put(ctx, 1)) },
		func() { _, _ = none.Call(ctx, 1) },
		func() { none.Map(ctx, count(1)) },
		func() { none.Pipe(ctx, nil) },
		func() { none.Unordered(ctx, count(1)) },
		func() { muster.Reduce(ctx, nothing, []muster.Ref[int]{muster.Put(ctx, 1)}) },
		func() { f.Go(ctx, 1) },
		func() { f.From(ctx, muster.Put(ctx, 1)) },
		func() { _, _ = muster.Collect(f.Map(ctx, count(1))) },
	} {
		inOrder(t, panicOf(call), []string{"muster: a Function that nobody has made was called: set it with Func or Local"})
	}
}

func TestLoopsOverNoSequence(t *testing.T) {
	ctx := open(t, muster.Config{})
	const want = "the sequence of items is nil: pass one, such as slices.Values(items)"
	for _, loop := range []iter.Seq2[int, error]{benchInc.Map(ctx, nil), benchInc.Pipe(ctx, nil)} {
		n := 0
		for _, err := range loop {
			n++
			oneLine(t, err, want)
		}
		if n != 1 {
			t.Error(n, "items")
		}
	}
	for r := range benchInc.Unordered(ctx, nil) {
		if r.Index != -1 {
			t.Error(r)
		}
		oneLine(t, r.Err, want)
	}
}
