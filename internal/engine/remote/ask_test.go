package remote

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// TestAskThroughTheHead: a user hears by way of the head what the driver says of its tasks, and why nothing comes.
func TestAskThroughTheHead(t *testing.T) {
	h := realHead(t, head.Config{StateDir: t.TempDir(), Ages: protocol.Ages{Renew: time.Minute, Dead: time.Hour, Ask: 100 * time.Millisecond}})
	c, _ := openOn(t, h, Config{Name: "nightly"})
	user, err := Dial(within(t), h.Admin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	ask := func(job string) (l protocol.TaskList, err error) {
		err = user.Ask(within(t), protocol.OpListTasks, protocol.AskTasks{Job: job}, &l)
		return l, err
	}
	for _, job := range []string{"nightly", c.Job()} {
		if l, err := ask(job); err != nil || len(l.Counts) != 1 || len(l.Why) != 0 {
			t.Errorf("%+v %v", l, err)
		}
	}
	c.paused.Store(true)
	l, err := ask("nightly")
	if err != nil || !slices.ContainsFunc(l.Why, func(s string) bool { return strings.Contains(s, "hasn't renewed its job for 1h0m0s") }) {
		t.Errorf("%+v %v", l, err)
	}
	wants := func(job, code, text string) {
		t.Helper()
		var r *protocol.Refusal
		if _, err := ask(job); !errors.As(err, &r) || r.Code != code || !strings.Contains(r.Text, text) {
			t.Errorf("%s: %v, want %s", job, err, text)
		}
	}
	wants("other", protocol.CodeUnknown, "")
	c.mu.Lock()
	for _, sub := range c.subs {
		if sub.Subject == protocol.AskSubject(c.Job()) {
			_ = sub.Unsubscribe()
		}
	}
	c.mu.Unlock()
	wants("nightly", protocol.CodeUnknown, "doesn't answer: is it stopped, cut off")
	if err := c.Close(within(t), errors.New("it failed")); err != nil {
		t.Fatal(err)
	}
	wants("nightly", protocol.CodeUnknown, "isn't running, it is failed")
}

// TestUnconfirmedIsTold: a task whose node hasn't said that it has it.
func TestUnconfirmedIsTold(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{handOver: time.Hour})
	a := newAgent(t, h, c, "a")
	got := a.offer(1)
	s.add(1, 1)
	batch := <-got
	c.mu.Lock()
	defer c.mu.Unlock()
	given := protocol.TaskInfo{ID: batch.Tasks[0].ID, Node: "a"}
	if lines := c.whyGiven(&given); len(lines) != 1 || !strings.Contains(lines[0], "node a hasn't confirmed yet") {
		t.Error(lines)
	}
	c.handed.Confirm("a", batch.Number, time.Now())
	if lines := c.whyGiven(&given); lines != nil {
		t.Error(lines)
	}
	c.roll = dispatch.NewRollCall(2, time.Now())
	if lines := c.whyGiven(&protocol.TaskInfo{}); len(lines) != 1 || !strings.Contains(lines[0], "goes on with an earlier one's job") {
		t.Error(lines)
	}
	c.roll = dispatch.NewRollCall(1, time.Now())
}
