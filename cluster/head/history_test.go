package head

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// keeper stands for the process that keeps the history: it reads the lines, and answers with what it was asked.
type keeper struct {
	t     *testing.T
	mu    sync.Mutex
	lines []protocol.HistoryLine
	asked []protocol.HistoryQuery
	fails error
	note  string
}

func (k *keeper) keep(_ context.Context, dir string, question []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails != nil {
		return nil, k.fails
	}
	var q protocol.HistoryQuery
	if err := json.Unmarshal(question, &q); err != nil {
		k.t.Error(err)
	}
	k.asked = append(k.asked, q)
	files, _ := filepath.Glob(filepath.Join(dir, "full-*.jsonl"))
	slices.Sort(files)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			k.t.Error(err)
		}
		for line := range strings.Lines(string(data)) {
			var l protocol.HistoryLine
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Time.IsZero() {
				k.t.Error(err, line)
			}
			k.lines = append(k.lines, l)
		}
		if err := os.Remove(f); err != nil {
			k.t.Error(err)
		}
	}
	return json.Marshal(protocol.HistoryAnswer{History: &protocol.History{}, Note: k.note})
}

// jobs is what was noted of jobs, and tasks how many were done by the last word of a job's function.
func (k *keeper) jobs() (states []protocol.JobState, done map[string]uint64, attempts []protocol.LostAttempt, uses int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	done = map[string]uint64{}
	for _, l := range k.lines {
		switch {
		case l.Job != nil:
			states = append(states, l.Job.State)
		case l.Tasks != nil:
			for _, c := range l.Tasks.Counts {
				done[c.Func] = c.Done
			}
		case l.Use != nil:
			uses += len(l.Use.Functions)
		}
		attempts = append(attempts, l.Attempts...)
	}
	return states, done, attempts, uses
}

var lookNow = protocol.AskHistory{What: protocol.HistoryJobs}

// What drivers and nodes report is noted down, and goes to who keeps the history when somebody asks.
func TestHistoryIsNoted(t *testing.T) {
	k := &keeper{t: t}
	c := start(t, Config{History: k.keep, Ages: shortAges})
	ann, node := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	node.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "one", CPUs: 4}, nil)
	use := protocol.NodeUse{Life: 5, Number: 1, Functions: []protocol.FunctionUse{{Job: "j", Func: "f", Succeeded: 3}}}
	node.ask(protocol.OpReportUse, use, nil)
	node.ask(protocol.OpReportUse, use, nil) // the answer was lost
	opened, job := c.open(ann, "")
	renewal := protocol.RenewJob{
		Job: opened.Job, Epoch: 1, Done: 4, Functions: []protocol.TaskCount{{Func: "f", Done: 4}},
		Attempts: []protocol.LostAttempt{
			{Number: 1, Func: "f", Item: -1, Error: "no\nat all", Job: "another", Epoch: 9}, {Number: 2, Func: "f", Error: strings.Repeat("x", 9999)},
		},
	}
	job.ask(protocol.OpRenewJob, renewal, nil)
	renewal.Functions[0].Done, renewal.Done = 9, 9
	renewal.Attempts = append(renewal.Attempts, protocol.LostAttempt{Number: 3, Func: "g"})
	job.ask(protocol.OpRenewJob, renewal, nil)
	var jobs []protocol.JobInfo
	ann.ask(protocol.OpListJobs, nil, &jobs)
	if len(jobs) != 1 || jobs[0].Load.Done != 9 || jobs[0].Load.Functions != nil || jobs[0].Load.Attempts != nil {
		t.Errorf("the job's record: %+v", jobs)
	}
	job.ask(protocol.OpCloseJob, protocol.CloseJob{Job: opened.Job, Epoch: 1}, nil)
	ann.ask(protocol.OpHistory, lookNow, nil)
	states, done, attempts, uses := k.jobs()
	if !slices.Equal(states, []protocol.JobState{protocol.JobRunning, protocol.JobDone}) || done["f"] != 9 || uses != 1 {
		t.Errorf("noted: %v, %v, %d uses", states, done, uses)
	}
	if len(attempts) != 3 || attempts[0].Job != opened.Job || attempts[0].Epoch != 1 || attempts[0].Error != "no" ||
		len(attempts[1].Error) > maxHistoryText+3 || attempts[2].Func != "g" {
		t.Errorf("attempts: %+v", attempts)
	}
}

// A user is answered about the own jobs, an admin about all; whatever else they say.
func TestHistoryOfWhom(t *testing.T) {
	k := &keeper{t: t}
	c := start(t, Config{History: k.keep})
	c.join(join.RoleUser, "ann").ask(protocol.OpHistory, map[string]any{"what": "jobs", "owner": "bob"}, nil)
	c.connect(c.Admin()).ask(protocol.OpHistory, protocol.AskHistory{What: protocol.HistoryNodes, Job: "x", Most: 7}, nil)
	k.mu.Lock()
	asked := k.asked
	k.mu.Unlock()
	if len(asked) != 2 || asked[0].Owner != "ann" || asked[1].Owner != "" || asked[1].Job != "x" || asked[1].Most != 7 {
		t.Errorf("%+v", asked)
	}
	bob := c.join(join.RoleUser, "bob")
	bob.refused(protocol.CodeMalformed, protocol.OpHistory, protocol.AskHistory{What: "secrets"})
	bob.refused(protocol.CodeMalformed, protocol.OpHistory, protocol.AskHistory{What: protocol.HistoryJobs, Job: strings.Repeat("x", 1<<20)})
	c.join(join.RoleAgent, "").refused(protocol.CodeForbidden, protocol.OpHistory, lookNow)
	bob.refused(protocol.CodeForbidden, protocol.OpReportUse, nil)
	start(t, Config{}).join(join.RoleUser, "eve").refused(protocol.CodeUnknown, protocol.OpHistory, lookNow)
}

// A history that fails costs the cluster nothing; people are told once that it does, and once that it is over.
func TestHistoryThatFails(t *testing.T) {
	k := &keeper{t: t, fails: errors.New("the disk\nis full")}
	c := start(t, Config{History: k.keep})
	ann := c.join(join.RoleUser, "ann")
	for range 3 {
		ann.refused(protocol.CodeInternal, protocol.OpHistory, lookNow)
	}
	opened, job := c.open(ann, "")
	job.ask(protocol.OpCloseJob, protocol.CloseJob{Job: opened.Job, Epoch: 1}, nil)
	k.mu.Lock()
	k.fails, k.note = nil, "it begins anew"
	k.mu.Unlock()
	ann.ask(protocol.OpHistory, lookNow, nil)
	if states, _, _, _ := k.jobs(); len(states) != 2 {
		t.Errorf("what was noted meanwhile is gone: %v", states)
	}
	var events []protocol.ClusterEvent
	ann.ask(protocol.OpEvents, nil, &events)
	if !slices.ContainsFunc(events, func(e protocol.ClusterEvent) bool { return e.Kind == "history.lost" }) {
		t.Errorf("events: %+v", events)
	}
}

func TestHistorianTells(t *testing.T) {
	c := start(t, Config{})
	k := newHistorian(c.Head)
	for _, err := range []error{nil, errors.New("a\nb"), errors.New("c"), nil, nil} {
		k.tell(err)
	}
	var kinds []string
	for _, e := range c.events.list() {
		if strings.HasPrefix(e.Kind, "history.") {
			kinds = append(kinds, e.Kind)
		}
	}
	if !slices.Equal(kinds, []string{"history.failed", "history.kept"}) {
		t.Errorf("%q", kinds)
	}
}

func TestSpool(t *testing.T) {
	now := time.Unix(1000, 0)
	s := spool{dir: filepath.Join(t.TempDir(), "history"), now: func() time.Time { return now }}
	if err := errors.Join(s.write(), s.turn()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // at one moment
		s.note(protocol.HistoryLine{})
		if err := errors.Join(s.write(), s.turn()); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(-time.Hour) // the clock was set back
	s.note(protocol.HistoryLine{Job: &protocol.JobRun{Job: "last"}})
	if err := errors.Join(s.write(), s.turn()); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(s.dir, "full-*.jsonl"))
	data, err := os.ReadFile(files[len(files)-1])
	if len(files) != 4 || err != nil || !strings.Contains(string(data), "last") {
		t.Errorf("%q, %v, %s", files, err, data)
	}
	long := protocol.HistoryLine{Job: &protocol.JobRun{Error: strings.Repeat("x", maxNoted/4)}}
	for range 6 {
		s.note(long)
	}
	if err := s.write(); err == nil || !strings.Contains(err.Error(), "lacks 3 lines") {
		t.Error(err)
	}
	if s.look(); s.files == 0 {
		t.Error("it doesn't see its files")
	}
	s.files = maxSpooled
	s.note(long)
	if err := s.write(); err == nil || !strings.Contains(err.Error(), "64 MiB wait for it already") {
		t.Error(err)
	}
	if err := s.write(); err != nil {
		t.Error(err)
	}
}
