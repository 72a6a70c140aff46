package cache

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// group runs n calls at once and returns when the first computes and the others wait.
func group(n int, call func(i int)) (wait func()) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { call(i) })
	}
	synctest.Wait()
	return wg.Wait
}

func TestOneComputationInOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		var computed, hit atomic.Int32
		gate := make(chan struct{})
		c := callFor("once", Value{})
		c.Compute = func(context.Context) (Value, error) {
			computed.Add(1)
			<-gate
			return Value{Data: []byte("once")}, nil
		}
		wait := group(50, func(int) {
			v, h, err := s.Do(t.Context(), c)
			if err != nil || string(v.Data) != "once" {
				t.Errorf("%q, %v", v.Data, err)
			}
			if h {
				hit.Add(1)
			}
		})
		close(gate)
		wait()
		if computed.Load() != 1 || hit.Load() != 49 {
			t.Errorf("computed %d times, hit %d times", computed.Load(), hit.Load())
		}
		closeStore(t, s)
	})
}

// Different keys are computed at the same time.
func TestKeysDontWaitForEachOther(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	outer, inner := callFor("outer", Value{}), callFor("inner", Value{Data: []byte("in")})
	outer.Compute = func(ctx context.Context) (Value, error) {
		v, _, err := s.Do(ctx, inner)
		return Value{Data: append(v.Data, "out"...)}, err
	}
	stores(t, s, outer)
	hits(t, s, outer, []byte("inout"))
	hits(t, s, inner, []byte("in"))
}

// A failure, a panic or an exit isn't stored, and is nobody else's: the next computes.
func TestFailureGoesToTheNext(t *testing.T) {
	errFirst := errors.New("first")
	for name, fail := range map[string]func() error{
		"error": func() error { return errFirst },
		"panic": func() error { panic(errFirst) },
		"exit":  func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := open(t, t.TempDir(), 1<<30)
				var computed, failed, fine atomic.Int32
				gate := make(chan struct{})
				c := callFor("failing", Value{})
				c.Compute = func(context.Context) (Value, error) {
					<-gate
					if computed.Add(1) == 1 {
						return Value{}, fail()
					}
					return Value{Data: []byte("second")}, nil
				}
				wait := group(10, func(int) {
					ended := false
					defer func() {
						if recover() == errFirst || !ended { //nolint:errorlint // the panic's very value
							failed.Add(1)
						}
					}()
					v, _, err := s.Do(t.Context(), c)
					ended = err == nil
					if err == nil && string(v.Data) == "second" {
						fine.Add(1)
					}
				})
				close(gate)
				wait()
				if computed.Load() != 2 || failed.Load() != 1 || fine.Load() != 9 {
					t.Errorf("computed %d times, %d failed, %d have the value", computed.Load(), failed.Load(), fine.Load())
				}
				noParts(t, s)
				closeStore(t, s)
			})
		})
	}
}

func TestContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		gate := make(chan struct{})
		c := callFor("slow", Value{})
		c.Compute = func(context.Context) (Value, error) { <-gate; return Value{Data: []byte("x")}, nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		owner := group(1, func(int) { stores(t, s, c) })
		if _, hit, err := s.Do(ctx, c); hit || err != context.DeadlineExceeded { //nolint:errorlint // the promise is the bare error
			t.Errorf("hit %v, error %v", hit, err)
		}
		close(gate)
		owner()
		hits(t, s, c, []byte("x"))
		closeStore(t, s)
	})
}

// Waiting goes through Lend, and only waiting.
func TestLend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		gate := make(chan struct{})
		var lent, back atomic.Int32
		c := callFor("lending", Value{})
		c.Compute = func(context.Context) (Value, error) { <-gate; return Value{Data: []byte("x")}, nil }
		c.Lend = func(wait func() error) error {
			lent.Add(1)
			defer back.Add(1)
			return wait()
		}
		wait := group(3, func(int) {
			if _, _, err := s.Do(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
		if lent.Load() != 2 || back.Load() != 0 {
			t.Errorf("while waiting: lent %d, back %d, want 2, 0", lent.Load(), back.Load())
		}
		close(gate)
		wait()
		hits(t, s, c, []byte("x"))
		if lent.Load() != 2 || back.Load() != 2 {
			t.Errorf("at the end: lent %d, back %d, want 2, 2", lent.Load(), back.Load())
		}
		closeStore(t, s)
	})
}

// A call that needs its own result fails: it would wait for itself.
func TestCallThatNeedsItself(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("itself", Value{})
	between := callFor("between", Value{})
	var self error
	c.Compute = func(ctx context.Context) (Value, error) {
		between.Compute = func(ctx context.Context) (Value, error) {
			_, _, self = s.Do(ctx, c)
			return Value{Data: []byte("b")}, nil
		}
		v, _, err := s.Do(ctx, between)
		return v, err
	}
	stores(t, s, c)
	if self == nil || !strings.Contains(self.Error(), "the result of test.itself needs itself") {
		t.Errorf("the inner call's error is %v", self)
	}
	hits(t, s, c, []byte("b"))
}

// Waiters for a result that can't be stored get a copy each: the owner's memory is its own.
func TestWaitersOfAnUnstoredResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := open(t, t.TempDir(), 4096)
		gate := make(chan struct{})
		var computed atomic.Int32
		c := callFor("too large", Value{})
		c.Compute = func(context.Context) (Value, error) {
			computed.Add(1)
			<-gate
			return Value{Data: []byte(strings.Repeat("x", 10_000)), Raw: true}, nil
		}
		var asked atomic.Int32
		c.Accept = func(v Value) bool { return asked.Add(1) > 0 && len(v.Data) == 10_000 }
		wait := group(5, func(int) {
			v, _, err := s.Do(t.Context(), c)
			if err != nil || string(v.Data) != strings.Repeat("x", 10_000) || !v.Raw {
				t.Errorf("%d bytes, %v", len(v.Data), err)
			}
			clear(v.Data) // the race detector finds whom it belongs to as well
		})
		close(gate)
		wait()
		if all := n.take(); computed.Load() != 1 || len(all) != 1 || asked.Load() != 4 {
			t.Errorf("computed %d times, reported %v, %d of 4 copies were accepted", computed.Load(), all, asked.Load())
		}
		closeStore(t, s)
	})
}

// A panic of Accept leaves no lock behind, whenever it comes.
func TestAcceptPanics(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("refused", Value{Data: []byte("x")})
	stores(t, s, c)
	asked := 0
	bad := c
	bad.Accept = func(Value) bool {
		if asked++; asked == 2 { // under the claim
			panic("twice")
		}
		return false
	}
	func() {
		defer func() { _ = recover() }()
		_, _, _ = s.Do(t.Context(), bad)
	}()
	noParts(t, s)
	other, _ := open(t, s.Dir(), 1<<30) // what another process sees
	refused := c
	refused.Accept = func(Value) bool { return false }
	ctx, cancel := context.WithCancel(t.Context())
	refused.Lend = func(func() error) error { cancel(); return ctx.Err() } // it would wait for ever
	if _, hit, err := other.Do(ctx, refused); hit || err != nil || asked != 2 {
		t.Errorf("hit %v, %v, asked %d times", hit, err, asked)
	}
}

// Calls that need each other fail, whoever began them: they would wait for ever.
func TestCallsThatNeedEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		names := []string{"a", "b", "c"}
		calls := make([]Call, len(names))
		gate := make(chan struct{})
		for i, name := range names {
			calls[i] = callFor(name, Value{})
			calls[i].Compute = func(ctx context.Context) (Value, error) {
				<-gate // until all three are computed
				v, _, err := s.Do(ctx, calls[(i+1)%len(calls)])
				return v, err
			}
		}
		wait := group(len(calls), func(i int) {
			if _, hit, err := s.Do(t.Context(), calls[i]); hit || err == nil || !strings.Contains(err.Error(), "needs itself") {
				t.Errorf("%s: hit %v, error %v", names[i], hit, err)
			}
		})
		close(gate)
		wait()
		closeStore(t, s)
	})
}

// Who waits for a computation that is given up goes on, here and in other processes; its value isn't stored.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		other, _ := open(t, s.Dir(), 1<<30) // what another process has
		gate, chain := make(chan struct{}), make(chan *Chain, 1)
		var computed atomic.Int32
		c := callFor("stuck", Value{})
		c.Compute = func(ctx context.Context) (Value, error) {
			if computed.Add(1) == 1 {
				chain <- ChainOf(ctx)
				<-gate
				return Value{Data: []byte("late")}, nil
			}
			return Value{Data: []byte("second")}, nil
		}
		stuck := group(1, func(int) {
			if v, hit, err := s.Do(t.Context(), c); string(v.Data) != "late" || hit || err != nil {
				t.Errorf("%q, hit %v, %v", v.Data, hit, err)
			}
		})
		wait := group(6, func(i int) {
			store := []*Store{s, other}[i%2]
			if v, _, err := store.Do(t.Context(), c); string(v.Data) != "second" || err != nil {
				t.Errorf("%q, %v", v.Data, err)
			}
		})
		given := <-chain
		given.GiveUp()
		given.GiveUp() // twice is once
		wait()
		close(gate)
		stuck()
		if computed.Load() != 2 {
			t.Errorf("computed %d times", computed.Load())
		}
		hits(t, s, c, []byte("second"))
		noParts(t, s)
		given.GiveUp()
	})
}
