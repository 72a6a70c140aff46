package head

import (
	"context"
	"os"
	"time"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// metrics is what the head counts, as Prometheus reads it.
func (h *Head) metrics(ctx context.Context) []byte {
	var t metrics.Text
	t.Add(metrics.HeadInfo, 1, h.cfg.Version)
	t.Add(metrics.HeadStarted, float64(h.started.UnixMilli())/1000)
	t.Add(metrics.HeadResident, float64(metrics.Resident(os.Getpid())))
	h.addNodes(&t)
	h.addJobs(&t)
	journal := uint64(0)
	if info, err := h.js.AccountInfo(ctx); err == nil {
		journal = info.Store
	}
	t.Add(metrics.HeadJournal, float64(journal))
	free, _ := h.cfg.free(string(h.folder))
	t.Add(metrics.HeadDiskFree, float64(free))
	h.counters.add(&t)
	return t.Bytes()
}

func (h *Head) addNodes(t *metrics.Text) {
	states := map[string]uint64{"alive": 0, "dead": 0, "stopped": 0}
	var cpus, used float64
	var memory, resident int64
	var workers int
	for _, n := range h.nodes.list(time.Now(), "") {
		switch {
		case n.Stopped:
			states["stopped"]++
			continue
		case !n.Alive:
			states["dead"]++
			continue
		}
		states["alive"]++
		cpus += n.CPUs
		used += n.CPUs - n.FreeCPU
		memory += n.Memory
		resident += n.Resident
		workers += n.Workers
	}
	t.AddCounts(metrics.HeadNodes, states)
	t.Add(metrics.HeadCPUs, cpus)
	t.Add(metrics.HeadCPUsUsed, used)
	t.Add(metrics.HeadMemory, float64(memory))
	t.Add(metrics.HeadMemoryUsed, float64(resident))
	t.Add(metrics.HeadWorkers, float64(workers))
}

func (h *Head) addJobs(t *metrics.Text) {
	states := map[string]uint64{}
	for _, s := range []protocol.JobState{protocol.JobRunning, protocol.JobOrphaned, protocol.JobDone, protocol.JobFailed} {
		states[string(s)] = 0
	}
	waiting, running := h.jobs.tally(states)
	t.AddCounts(metrics.HeadJobs, states)
	t.Add(metrics.HeadQueued, float64(waiting))
	t.Add(metrics.HeadRunning, float64(running))
}

// tally counts the jobs that have a record by their states, and the tasks of those that run.
func (t *jobs) tally(states map[string]uint64) (waiting, running int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.all {
		states[string(j.info.State)]++
		if j.live() {
			waiting += j.info.Load.Waiting
			running += j.info.Load.Running
		}
	}
	return waiting, running
}
