package main

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// One's own jobs come first; of others' a name may stand for several, and then it stands for none.
func TestJobIn(t *testing.T) {
	job := func(id, owner, name string) protocol.JobInfo {
		j := protocol.JobInfo{Job: id, Owner: owner}
		j.Name = name
		return j
	}
	jobs := []protocol.JobInfo{
		job("j1", "ann", "nightly"), job("j2", "ann", "nightly"), job("j3", "bob", "nightly"),
		job("j4", "bob", "train"), job("j5", "bob", "train"), job("j6", "bob", ""), job("j7", "eve", "j1"),
	}
	for _, c := range []struct{ me, name, want string }{
		{"ann", "nightly", "j2"}, {"bob", "nightly", "j3"}, {"admin", "train", "j5"}, {"admin", "j6", "j6"},
		{"admin", "nightly", "2 users have a job nightly: name one of ann/nightly, bob/nightly"},
		{"admin", "ann/nightly", "j2"}, {"admin", "bob/nightly", "j3"}, {"admin", "eve/nightly", ""},
		{"admin", "j1", "j1"}, {"eve", "j1", "j1"}, {"eve", "eve/j1", "j7"}, {"admin", "", ""}, {"admin", "bob/", ""}, {"admin", "other", ""},
	} {
		j, ok, err := jobIn(jobs, c.me, c.name)
		got := j.Job
		if err != nil {
			got = err.Error()
		}
		if got != c.want || ok != strings.HasPrefix(c.want, "j") {
			t.Errorf("%s means %q: got %q, %v, want %q", c.me, c.name, got, ok, c.want)
		}
	}
}
