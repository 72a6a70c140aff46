//go:build linux

package remote

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// lists is a cluster that has those jobs.
type lists struct {
	Cluster

	jobs []protocol.JobInfo
}

func (l *lists) Ask(_ context.Context, _ string, _, out any) error {
	*out.(*[]protocol.JobInfo) = l.jobs
	return nil
}

// A driver is gone if its process isn't there, on this machine, and it is sure that the job is the own one.
func TestWhoseHolderIsGone(t *testing.T) {
	const none = math.MaxInt32 // no process has that number
	job := func(state protocol.JobState, place string, pid int) protocol.JobInfo {
		return protocol.JobInfo{OpenJob: protocol.OpenJob{Name: "nightly", Place: place, PID: pid}, State: state}
	}
	gone, lives := job(protocol.JobRunning, "here", none), job(protocol.JobRunning, "here", os.Getpid())
	for name, tt := range map[string]struct {
		jobs []protocol.JobInfo
		want bool
	}{
		"gone":                  {[]protocol.JobInfo{gone}, true},
		"beside one that ended": {[]protocol.JobInfo{job(protocol.JobFailed, "here", os.Getpid()), gone}, true},
		"lives":                 {[]protocol.JobInfo{lives}, false},
		"elsewhere":             {[]protocol.JobInfo{job(protocol.JobRunning, "there", none)}, false},
		"unknown":               {[]protocol.JobInfo{job(protocol.JobRunning, "here", 0)}, false},
		"one of two users'":     {[]protocol.JobInfo{gone, lives}, false},
		"the other's":           {[]protocol.JobInfo{lives, gone}, false},
		"none":                  {nil, false},
	} {
		c := Config{Cluster: &lists{jobs: tt.jobs}}
		if got := c.holderIsGone(t.Context(), &protocol.OpenJob{Name: "nightly", Place: "here"}); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
