package head

import (
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// waits adds a job to a queue.
func waits(q *queue, driver string, p *places, now time.Time) string {
	r := q.ask(&protocol.JobInfo{OpenJob: protocol.OpenJob{Driver: driver}, Owner: driver[:1]}, p, now)
	if r == nil {
		return ""
	}
	return r.Text
}

// A place goes to the user with the fewest open jobs, by weight, and among the user's in the order in which they came.
func TestQueue(t *testing.T) {
	shares := map[string]protocol.UserShare{"a": {Name: "a"}, "b": {Name: "b", Weight: 2}, "c": {Name: "c", Jobs: 1}}
	p := &places{limit: 4, open: 4, of: map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}, users: func(n string) protocol.UserShare {
		u := shares[n]
		u.Name = n
		return u
	}}
	q, now := &queue{}, time.Now()
	for _, driver := range []string{"a1", "b1", "b2", "c1"} {
		if text := waits(q, driver, p, now); !strings.Contains(text, "the job waits for a place: ") {
			t.Errorf("%s gets a place: %q", driver, text)
		}
	}
	if text := waits(q, "b2", p, now); text != "the job waits for a place: 4 jobs are open, which is as many as this cluster takes at once;"+
		" of the same user, 1 wait before it" {
		t.Errorf("b2 hears %q", text)
	}
	if text := waits(q, "c1", p, now); text != "the job waits for a place: user c has 1 jobs open, and is limited to as many (muster user)" {
		t.Errorf("c1 hears %q", text)
	}
	p.open = 3 // d's has ended
	for _, step := range []struct {
		driver string
		gets   bool
	}{{"a1", false}, {"b2", false}, {"c1", false}, {"b1", true}} {
		if text := waits(q, step.driver, p, now); (text == "") != step.gets {
			t.Errorf("%s hears %q", step.driver, text)
		}
	}
	p.of["b"]++ // it is open
	if text := waits(q, "b2", p, now); text == "" {
		t.Error("b's second job comes before a's first, though b has two by a weight of two")
	}
	if text := waits(q, "a1", p, now); text != "" {
		t.Errorf("a1 hears %q", text)
	}
	p.open, p.of = 3, map[string]int{"c": 0}
	if text := waits(q, "b2", p, now.Add(time.Minute)); text != "" {
		t.Errorf("who asks no more keeps others out: %q", text)
	}
}

// Above the limit of open jobs the next one waits, is listed, says why, can be cancelled, and opens when another ends.
func TestJobsWait(t *testing.T) {
	c := start(t, Config{Limits: Limits{LiveJobs: 1}})
	ann, bob := c.join(join.RoleUser, "ann"), c.join(join.RoleUser, "bob")
	first, _ := c.open(ann, "")
	second, _ := opening(t, "later")
	third, _ := opening(t, "")
	ann.refused(protocol.CodeQueued, protocol.OpOpenJob, second)
	bob.refused(protocol.CodeQueued, protocol.OpOpenJob, third)
	var list []protocol.JobInfo
	if ann.ask(protocol.OpListJobs, nil, &list); len(list) != 2 || list[1].State != protocol.JobWaiting || list[1].Name != "later" {
		t.Fatalf("ann sees %+v", list)
	}
	waiting := list[1].Job
	var tasks protocol.TaskList
	ann.ask(protocol.OpListTasks, protocol.AskTasks{Job: "later"}, &tasks)
	if len(tasks.Why) != 1 || tasks.Why[0] != "the job waits for a place: 1 jobs are open, which is as many as this cluster takes at once" {
		t.Errorf("why: %q", tasks.Why)
	}
	bob.refused(protocol.CodeUnknown, protocol.OpListTasks, protocol.AskTasks{Job: waiting})
	bob.refused(protocol.CodeUnknown, protocol.OpCancelJob, protocol.JobID{Job: waiting})
	if bob.ask(protocol.OpListJobs, nil, &list); len(list) != 1 {
		t.Fatalf("bob sees %+v", list)
	}
	bob.ask(protocol.OpCancelJob, protocol.JobID{Job: list[0].Job}, nil)
	bob.refused(protocol.CodeSuperseded, protocol.OpOpenJob, third)
	ann.ask(protocol.OpCloseJob, protocol.CloseJob{Job: first.Job, Epoch: 1}, nil)
	var opened protocol.JobOpened
	ann.ask(protocol.OpOpenJob, second, &opened)
	if opened.Epoch != 1 || opened.Job != waiting {
		t.Errorf("opened: %+v", opened)
	}
	var again []protocol.JobInfo
	if ann.ask(protocol.OpListJobs, protocol.JobID{Job: "later"}, &again); len(again) != 1 || again[0].State != protocol.JobRunning {
		t.Errorf("ann sees %+v", again)
	}
}
