package remote

import (
	"context"

	"github.com/musterrun/muster/protocol"
)

// holderIsGone reports whether the driver that has a job ran on this machine and runs no more. The head can't know that if
// it has been started anew since it heard of that driver last, and takes a driver for alive for some time. An admin sees
// other users' jobs of that name too, and can't tell here which is the own one: then it isn't known.
func (c *Config) holderIsGone(ctx context.Context, in *protocol.OpenJob) bool {
	var jobs []protocol.JobInfo
	if in.Place == "" || c.Cluster.Ask(ctx, protocol.OpListJobs, protocol.JobID{Job: in.Name}, &jobs) != nil {
		return false
	}
	running, gone := 0, false
	for i := range jobs {
		if j := &jobs[i]; j.Name == in.Name && j.State == protocol.JobRunning {
			running++
			gone = j.Place == in.Place && j.PID > 0 && isGone(j.PID)
		}
	}
	return running == 1 && gone
}
