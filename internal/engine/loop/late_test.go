package loop_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// hand is a carrier of which the test plays the nodes.
type hand struct {
	sent  []protocol.Item
	woken atomic.Int64
}

func (*hand) Renew() {}

func (h *hand) Wake()                              { h.woken.Add(1) }
func (h *hand) Send(_ string, it protocol.Item)    { h.sent = append(h.sent, it) }
func (*hand) Decide(_ protocol.Decision, f func()) { f() }

func (*hand) PutValue(context.Context, []byte) (string, int64, error) { return "", 0, nil }
func (*hand) GetValue(context.Context, string, int64) ([]byte, error) { return nil, nil }

var remoteOnly = function("loop.remote", func(_ context.Context, n int) (int, error) { return n, nil },
	engine.Options{CPUs: 1, Retries: 1})

// openHand opens a driver's session, of a job with a name if it has a journal.
func openHand(t *testing.T, named bool) (context.Context, *engine.Session, *hand) {
	t.Helper()
	h := &hand{}
	cfg := engine.Config{CPUs: 1, Concurrency: 1, Grace: time.Second, UnsatisfiableAfter: time.Hour, Carrier: h}
	if named {
		j, err := journal.Open(t.TempDir(), "late", journal.Run{}, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
		cfg.Journal = j
		cfg.Code = func(*engine.Spec) engine.Code {
			return engine.Code{Code: journal.Code{Kind: journal.ByVersion, ID: "1"}}
		}
	}
	s := engine.Open(cfg, engine.Trial{})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Context(context.Background()), s, h
}

// takes gives the one task that a node gets, or nil.
func takes(s *engine.Session, node string) *protocol.Task {
	var b protocol.Batch
	s.Take(&protocol.Offer{Node: node, Most: 1, CPU: 10_000}, false, &b)
	if len(b.Tasks) == 0 {
		return nil
	}
	return &b.Tasks[0]
}

// ended are a task's outcome: a result, or a failure.
func ended(node string, t *protocol.Task, result ...byte) *protocol.Outcomes {
	o := protocol.Outcome{ID: t.ID, Attempt: t.Attempt, Key: t.Key, Status: protocol.Failed, Value: protocol.TextFailure("no")}
	if len(result) > 0 {
		o.Status, o.Value = protocol.Succeeded, protocol.Value{Form: protocol.Inline, Data: result}
	}
	return &protocol.Outcomes{Node: node, List: []protocol.Outcome{o}}
}

func gives(ctx context.Context, t *testing.T, r *engine.Typed[int], want int) {
	t.Helper()
	if !r.Done() {
		t.Fatal("the task hasn't ended")
	}
	if err := r.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if v, err := r.Value(); v != want || err != nil {
		t.Errorf("got %d, %v, not %d", v, err, want)
	}
}

// TestSuccessOfWhatWasTakenBack: it counts, whether the task runs elsewhere meanwhile, waits for room or waits for its next
// attempt. The first success in the journal is the one. (internal/sim, seed 13)
func TestSuccessOfWhatWasTakenBack(t *testing.T) {
	for name, meanwhile := range map[string]func(*engine.Session){
		"it waits for room": func(*engine.Session) {},
		"it runs elsewhere": func(s *engine.Session) { takes(s, "b") },
		"it has failed elsewhere": func(s *engine.Session) {
			s.Outcomes(ended("b", takes(s, "b")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s, _ := openHand(t, false)
			r := remoteOnly.Go(ctx, 7)
			first := takes(s, "a")
			s.Unconfirmed("a", []protocol.Attempt{{Task: first.ID, N: first.Attempt}})
			meanwhile(s)
			s.Outcomes(ended("a", first, 8))
			gives(ctx, t, r, 8)
			s.Outcomes(ended("a", first, 9))
			if again := takes(s, "a"); again != nil {
				t.Error("it is given out again")
			}
			gives(ctx, t, r, 8)
		})
	}
}

// TestSuccessForTheDriverBefore: a node that the new driver hadn't heard of in time has recorded what the former one gave
// it. That is the first success, though the task was given out again. (internal/sim, seed 48)
func TestSuccessForTheDriverBefore(t *testing.T) {
	ctx, s, h := openHand(t, true)
	r := remoteOnly.Go(ctx, 7)
	task := takes(s, "b")
	before := protocol.Task{ID: 99, Attempt: 3, Key: task.Key}
	s.Replay(ended("a", &before, 8))
	gives(ctx, t, r, 8)
	if _, ok := h.sent[len(h.sent)-1].(protocol.Stop); !ok {
		t.Error("the attempt that isn't needed any more isn't told")
	}
	s.Outcomes(ended("b", task, 9))
	gives(ctx, t, r, 8)
}

// TestSuccessForTheDriverBeforeWhileItWaits: so it is if the attempt was taken back meanwhile, whose success comes later.
// (internal/sim, seed 4434)
func TestSuccessForTheDriverBeforeWhileItWaits(t *testing.T) {
	ctx, s, _ := openHand(t, true)
	r := remoteOnly.Go(ctx, 7)
	task := takes(s, "b")
	s.Unconfirmed("b", []protocol.Attempt{{Task: task.ID, N: task.Attempt}})
	s.Replay(ended("a", &protocol.Task{ID: 99, Attempt: 3, Key: task.Key}, 8))
	s.Outcomes(ended("b", task, 9))
	gives(ctx, t, r, 8)
	if again := takes(s, "b"); again != nil {
		t.Error("it is given out again")
	}
}

// TestFirstSuccessOfEarlierDrivers: of two, the first counts.
func TestFirstSuccessOfEarlierDrivers(t *testing.T) {
	ctx, s, _ := openHand(t, true)
	key := keyOfTask(ctx, t, s)
	s.Replay(ended("a", &protocol.Task{ID: 1, Attempt: 1, Key: key}, 8))
	s.Replay(ended("b", &protocol.Task{ID: 2, Attempt: 1, Key: key}, 9))
	r := remoteOnly.Go(ctx, 5)
	if takes(s, "a") != nil {
		t.Error("it is given out though its outcome is there")
	}
	gives(ctx, t, r, 8)
}

// TestHeldAfterItsFailure: a node says that it runs a task for the driver before, and its failure is there already. No
// other outcome will come: the task is given out. (internal/sim, seed 2913)
func TestHeldAfterItsFailure(t *testing.T) {
	ctx, s, _ := openHand(t, true)
	key := keyOfTask(ctx, t, s)
	s.Replay(ended("a", &protocol.Task{ID: 1, Attempt: 1, Key: key}))
	s.Up("a", []protocol.Item{protocol.Held{Key: key}})
	r := remoteOnly.Go(ctx, 5)
	task := takes(s, "b")
	if task == nil {
		t.Fatal("it waits for what won't come")
	}
	s.Outcomes(ended("b", task, 6))
	gives(ctx, t, r, 6)
}

// TestStoppedTasksAreNotShort: how fast tasks end that are stopped says nothing of how long others take.
// (internal/sim, seed 765)
func TestStoppedTasksAreNotShort(t *testing.T) {
	ctx, s, _ := openHand(t, false)
	r := remoteOnly.Go(ctx, 0)
	task := takes(s, "a")
	r.Cancel()
	o := ended("a", task)
	o.List[0].Status = protocol.Canceled
	s.Outcomes(o)
	for n := range 20 {
		remoteOnly.Go(ctx, n)
	}
	var b protocol.Batch
	if s.Take(&protocol.Offer{Node: "a", Most: 100, CPU: 10_000}, false, &b); len(b.Tasks) > 2 {
		t.Errorf("%d are given out for one CPU", len(b.Tasks))
	}
	for i := range b.Tasks {
		s.Outcomes(ended("a", &b.Tasks[i], 1))
	}
}

// keyOfTask is the key of the call remoteOnly(5), as another session of the job gives it.
func keyOfTask(ctx context.Context, t *testing.T, _ *engine.Session) protocol.Key {
	t.Helper()
	_ = ctx
	other, s, _ := openHand(t, true)
	r := remoteOnly.Go(other, 5)
	task := takes(s, "a")
	s.Outcomes(ended("a", task, 1))
	gives(other, t, r, 1)
	return task.Key
}
