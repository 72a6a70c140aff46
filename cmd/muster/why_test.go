package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

func TestWhatIsAsked(t *testing.T) {
	job := func(id, name string, state protocol.JobState) protocol.JobInfo {
		j := protocol.JobInfo{Job: id, State: state}
		j.Name = name
		return j
	}
	one := []protocol.JobInfo{job("j1", "nightly", protocol.JobDone), job("j2", "nightly", protocol.JobRunning)}
	two := append([]protocol.JobInfo{job("j3", "", protocol.JobRunning), job("j4", "7", protocol.JobDone)}, one...)
	for _, c := range []struct {
		jobs       []protocol.JobInfo
		name, want string
	}{
		{one, "j1", "j1 0"}, {one, "nightly", "j2 0"}, {one, "nightly/12", "j2 12"}, {one, "nightly/#12", "j2 12"},
		{one, "12", "j2 12"}, {one, "#12", "j2 12"}, {two, "7", "j4 0"}, {two, "j3/7", "j3 7"},
		{two, "12", "2 jobs run, and each counts its own tasks: name JOB/NUMBER, of j3, nightly"},
		{nil, "12", "no job runs"},
		{one, "other/12", "there is no job other"}, {one, "nightly/x", `"nightly/x" is neither a job of the cluster nor a task`},
		{one, "nightly/0", "neither"}, {one, "nightly/-1", "neither"}, {one, "other", "neither"}, {one, "", "neither"},
	} {
		ask, err := whatIsAsked(c.jobs, "ann", c.name)
		got := fmt.Sprint(ask.Job, " ", ask.Task)
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.want || !strings.Contains(got, c.want) {
			t.Errorf("%q: %s, want %s", c.name, got, c.want)
		}
	}
}
