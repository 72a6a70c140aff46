package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

const roomy = 1 << 30

// folder is one with files of lines.
type folder struct {
	t    *testing.T
	dir  string
	file int
}

func newFolder(t *testing.T) *folder { return &folder{t: t, dir: t.TempDir()} }

func (f *folder) add(lines ...protocol.HistoryLine) {
	f.t.Helper()
	var text bytes.Buffer
	for _, l := range lines {
		if err := json.NewEncoder(&text).Encode(l); err != nil {
			f.t.Fatal(err)
		}
	}
	f.write(text.String())
}

func (f *folder) write(text string) {
	f.t.Helper()
	f.file++
	if err := os.WriteFile(filepath.Join(f.dir, fmt.Sprintf("full-%020d.jsonl", f.file)), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// serve has the lines taken in, and asks.
func (f *folder) serve(limit int64, q protocol.HistoryQuery) protocol.HistoryAnswer {
	f.t.Helper()
	question, _ := json.Marshal(q)
	in, held := io.Pipe() // open, as the head holds it
	go func() { _, _ = held.Write(question) }()
	var out bytes.Buffer
	if err := Serve(f.t.Context(), f.dir, limit, in, &out); err != nil {
		f.t.Fatal(err)
	}
	_ = held.Close()
	var a protocol.HistoryAnswer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		f.t.Fatal(err, out.String())
	}
	return a
}

func (f *folder) ask(what protocol.HistoryKind, owner, job string) *protocol.History {
	f.t.Helper()
	a := f.serve(roomy, protocol.HistoryQuery{AskHistory: protocol.AskHistory{What: what, Job: job}, Owner: owner})
	if a.Error != "" || a.Note != "" || a.History == nil {
		f.t.Fatalf("%s: %+v", what, a)
	}
	return a.History
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func at(minutes int, l protocol.HistoryLine) protocol.HistoryLine {
	l.Time = noon.Add(time.Duration(minutes) * time.Minute)
	return l
}

func jobLine(minutes int, j protocol.JobRun) protocol.HistoryLine {
	return at(minutes, protocol.HistoryLine{Job: &j})
}

// two jobs, of ann and bob, and what came of them.
func (f *folder) fill() {
	ann := protocol.JobRun{Job: "j1", Epoch: 1, Name: "nightly", Owner: "ann", State: protocol.JobRunning, Opened: noon}
	bob := protocol.JobRun{Job: "j2", Epoch: 1, Owner: "bob", State: protocol.JobRunning, Opened: noon.Add(time.Minute)}
	f.add(jobLine(0, ann), jobLine(1, bob),
		at(2, protocol.HistoryLine{Tasks: &protocol.JobTasks{Job: "j1", Epoch: 1, Counts: []protocol.TaskCount{{Func: "f", Done: 3}}}}),
		at(2, protocol.HistoryLine{Tasks: &protocol.JobTasks{Job: "j2", Epoch: 1, Counts: []protocol.TaskCount{{Func: "f", Done: 100}}}}),
		at(2, protocol.HistoryLine{From: "n1", Use: &protocol.NodeUse{Functions: []protocol.FunctionUse{
			{Job: "j1", Func: "f", Succeeded: 3, Ran: 3 * time.Second, Longest: 2 * time.Second, CPU: time.Second, Memory: 500},
			{Job: "j2", Func: "f", Succeeded: 50, Ran: time.Second, Longest: time.Second},
		}}}))
	ann.State, ann.Ended, ann.Error, ann.Done, ann.Failed = protocol.JobFailed, noon.Add(time.Hour), "no", 5, 1
	f.add(
		at(59, protocol.HistoryLine{From: "n2", Use: &protocol.NodeUse{Functions: []protocol.FunctionUse{
			{Job: "j1", Func: "f", Succeeded: 2, Failed: 1, Lost: 1, Ran: 4 * time.Second, Longest: time.Second, Memory: 400},
		}}}),
		at(59, protocol.HistoryLine{Tasks: &protocol.JobTasks{
			Job: "j1", Epoch: 1, Counts: []protocol.TaskCount{{Func: "f", Done: 5, Failed: 1}},
		}}),
		at(59, protocol.HistoryLine{Attempts: []protocol.LostAttempt{
			{Number: 1, Time: noon.Add(5 * time.Minute), Job: "j1", Epoch: 1, Task: 7, Func: "f", Item: -1, Attempt: 1, Node: "n2",
				End: protocol.AttemptLost, Error: "its worker died"},
			{Number: 2, Time: noon.Add(6 * time.Minute), Job: "j1", Epoch: 1, Task: 8, Func: "f", Item: 4, Attempt: 2, Took: time.Second,
				End: protocol.AttemptFailed, Error: "no"},
		}}),
		jobLine(60, ann),
		at(60, protocol.HistoryLine{Node: &protocol.NodeRun{Node: "n1", Name: "rack", Started: noon, State: "alive", Most: 10, CPUs: 4}}),
		at(61, protocol.HistoryLine{Node: &protocol.NodeRun{Node: "n1", Name: "rack", Started: noon, State: "lost", Most: 7, CPUs: 4}}))
}

func TestHistory(t *testing.T) {
	f := newFolder(t)
	f.fill()
	jobs := f.ask(protocol.HistoryJobs, "", "").Jobs
	if len(jobs) != 2 || jobs[0].Job != "j1" || jobs[0].State != protocol.JobFailed || jobs[0].Done != 5 || jobs[0].Error != "no" ||
		!jobs[0].Opened.Equal(noon) || !jobs[0].Ended.Equal(noon.Add(time.Hour)) || jobs[1].State != protocol.JobRunning {
		t.Errorf("jobs: %+v", jobs)
	}
	if tasks := f.ask(protocol.HistoryTasks, "", "").Tasks; len(tasks) != 1 || tasks[0].Done != 105 || tasks[0].Failed != 1 {
		t.Errorf("tasks: %+v", tasks)
	}
	attempts := f.ask(protocol.HistoryAttempts, "", "").Attempts
	if len(attempts) != 2 || attempts[0].End != protocol.AttemptLost || attempts[0].Node != "n2" || attempts[1].Item != 4 ||
		attempts[1].Took != time.Second || attempts[1].Task != 8 {
		t.Errorf("attempts: %+v", attempts)
	}
	nodes := f.ask(protocol.HistoryNodes, "bob", "").Nodes
	if len(nodes) != 1 || nodes[0].State != "lost" || nodes[0].Most != 10 || !nodes[0].Seen.Equal(noon.Add(61*time.Minute)) {
		t.Errorf("nodes: %+v", nodes)
	}
	want := protocol.FunctionUse{
		Func: "f", Succeeded: 55, Failed: 1, Lost: 1, Ran: 8 * time.Second, Longest: 2 * time.Second, CPU: time.Second, Memory: 500,
	}
	if uses := f.ask(protocol.HistoryFunctions, "", "").Functions; len(uses) != 1 || uses[0] != want {
		t.Errorf("functions: %+v, want %+v", uses, want)
	}
}

// A user sees what is the own, whatever is asked for, and one may ask about one job.
func TestOfWhom(t *testing.T) {
	f := newFolder(t)
	f.fill()
	for _, c := range []struct {
		owner, job              string
		jobs, attempts          int
		done, succeededAttempts uint64
	}{
		{"", "", 2, 2, 105, 55},
		{"ann", "", 1, 2, 5, 5},
		{"bob", "", 1, 0, 100, 50},
		{"eve", "", 0, 0, 0, 0},
		{"", "nightly", 1, 2, 5, 5},
		{"", "j2", 1, 0, 100, 50},
		{"bob", "j1", 0, 0, 0, 0},
		{"bob", "nightly", 0, 0, 0, 0},
	} {
		done, succeeded := uint64(0), uint64(0)
		for _, x := range f.ask(protocol.HistoryTasks, c.owner, c.job).Tasks {
			done += x.Done
		}
		for _, x := range f.ask(protocol.HistoryFunctions, c.owner, c.job).Functions {
			succeeded += x.Succeeded
		}
		jobs, attempts := f.ask(protocol.HistoryJobs, c.owner, c.job).Jobs, f.ask(protocol.HistoryAttempts, c.owner, c.job).Attempts
		if len(jobs) != c.jobs || len(attempts) != c.attempts || done != c.done || succeeded != c.succeededAttempts {
			t.Errorf("%+v: %d jobs, %d attempts, %d, %d", c, len(jobs), len(attempts), done, succeeded)
		}
	}
}

func TestSinceAndMost(t *testing.T) {
	f := newFolder(t)
	for i := range 5 {
		j := protocol.JobRun{Job: fmt.Sprint("j", i), Epoch: 1, Owner: "ann", State: protocol.JobDone}
		j.Opened = noon.Add(time.Duration(i) * time.Minute)
		f.add(jobLine(i, j))
	}
	names := func(a protocol.HistoryAnswer) (list []string) {
		for _, j := range a.History.Jobs {
			list = append(list, j.Job)
		}
		return list
	}
	ask := protocol.AskHistory{What: protocol.HistoryJobs, Most: 2}
	if a := f.serve(roomy, protocol.HistoryQuery{AskHistory: ask}); !slices.Equal(names(a), []string{"j3", "j4"}) || !a.History.More {
		t.Errorf("%+v", a)
	}
	ask = protocol.AskHistory{What: protocol.HistoryJobs, Since: noon.Add(3 * time.Minute)}
	if a := f.serve(roomy, protocol.HistoryQuery{AskHistory: ask}); !slices.Equal(names(a), []string{"j3", "j4"}) || a.History.More {
		t.Errorf("%+v", a)
	}
}

// Lines that make no sense are passed over, and a file that was taken in and not removed isn't taken in again.
func TestOnce(t *testing.T) {
	f := newFolder(t)
	f.fill()
	line, _ := json.Marshal(at(70, protocol.HistoryLine{From: "n1", Use: &protocol.NodeUse{
		Functions: []protocol.FunctionUse{{Job: "j1", Func: "g", Succeeded: 1 << 63}},
	}}))
	f.write("{}\nrubbish\n\n" + string(line) + "\n" + `{"job":{"job":"j9","ep`)
	last := filepath.Join(f.dir, fmt.Sprintf("full-%020d.jsonl", f.file))
	data, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		uses := f.ask(protocol.HistoryFunctions, "", "").Functions
		if len(uses) != 2 || uses[1].Func != "g" || uses[1].Succeeded != 1<<62 {
			t.Errorf("%+v", uses)
		}
		if files, _ := filepath.Glob(filepath.Join(f.dir, "*.jsonl")); len(files) > 0 {
			t.Errorf("left: %q", files)
		}
		if err := os.WriteFile(last, data, 0o600); err != nil { // as if the process had been killed before it removed it
			t.Fatal(err)
		}
	}
}

// The oldest goes first, and the file becomes smaller again.
func TestLimit(t *testing.T) {
	f := newFolder(t)
	const limit, days, lines, each = 1 << 20, 4, 20, 100
	long, begin := strings.Repeat("x", 300), time.Now().Add(-days*24*time.Hour)
	number := uint64(0)
	for day := range days {
		at := begin.Add(time.Duration(day) * 24 * time.Hour)
		list := []protocol.HistoryLine{{Time: at, Job: &protocol.JobRun{Job: "j1", Epoch: 1, Owner: "ann", Opened: begin}}}
		for range lines {
			attempts := make([]protocol.LostAttempt, each)
			for i := range attempts {
				number++
				attempts[i] = protocol.LostAttempt{Number: number, Job: "j1", Epoch: 1, Time: at, Error: long}
			}
			list = append(list, protocol.HistoryLine{Time: at, Attempts: attempts})
		}
		f.add(list...)
		if a := f.serve(limit, protocol.HistoryQuery{}); a.Error != "" || a.Note != "" {
			t.Fatalf("%+v", a)
		}
		if info, err := os.Stat(filepath.Join(f.dir, database)); err != nil || info.Size() > limit {
			t.Fatalf("day %d: %d bytes, %v", day, info.Size(), err)
		}
	}
	ask := protocol.AskHistory{What: protocol.HistoryAttempts, Most: protocol.MaxHistory}
	left := f.serve(limit, protocol.HistoryQuery{AskHistory: ask}).History.Attempts
	if len(left) == 0 || left[0].Number <= lines*each || left[len(left)-1].Number != number {
		t.Errorf("%d of %d attempts are left", len(left), number)
	}
}

// What can't be read is moved aside, and the history goes on.
func TestBroken(t *testing.T) {
	path := func(f *folder, name string) string { return filepath.Join(f.dir, name) }
	for name, spoil := range map[string]func(f *folder){
		"no database": func(f *folder) { f.spoil(strings.Repeat("nonsense", 1000)) },
		"cut": func(f *folder) {
			if err := os.Truncate(path(f, database), 5000); err != nil {
				t.Fatal(err)
			}
		},
		"another version": func(f *folder) {
			s, err := Open(t.Context(), f.dir, roomy)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.fill()
			f.ask(protocol.HistoryJobs, "", "")
			spoil(f)
			f.fill()
			a := f.serve(roomy, protocol.HistoryQuery{AskHistory: protocol.AskHistory{What: protocol.HistoryJobs}})
			if a.Error != "" || a.History == nil || len(a.History.Jobs) != 2 || !strings.Contains(a.Note, "begins anew") ||
				strings.Contains(a.Note, "\n") {
				t.Errorf("%+v", a)
			}
			if _, err := os.Stat(path(f, broken)); err != nil {
				t.Error(err)
			}
			f.ask(protocol.HistoryJobs, "", "")
		})
	}
}

func (f *folder) spoil(text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, database), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// Who asked has gone: nothing is done for nobody. And what can't be written is an error, of one line.
func TestNobodyAndNowhere(t *testing.T) {
	f := newFolder(t)
	f.fill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := Serve(ctx, f.dir, roomy, strings.NewReader("{}"), &out); err != nil || !strings.Contains(out.String(), "error") {
		t.Error(err, out.String())
	}
	if err := Serve(t.Context(), f.dir, roomy, strings.NewReader(""), &out); err == nil {
		t.Error("no question is no error")
	}
	f.dir = filepath.Join(f.dir, "not", "there")
	if a := f.serve(roomy, protocol.HistoryQuery{}); a.Error == "" || strings.Contains(a.Error, "\n") {
		t.Errorf("%+v", a)
	}
}

// Its file is its owner's alone.
func TestMode(t *testing.T) {
	f := newFolder(t)
	f.fill()
	f.ask(protocol.HistoryJobs, "", "")
	if info, err := os.Stat(filepath.Join(f.dir, database)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}
