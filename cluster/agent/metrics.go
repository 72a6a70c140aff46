package agent

import (
	"os"
	"sync/atomic"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// counters are what the agent counts from its start on, for its metrics. They are the Agent's mutex's, but for those that
// have their own ways.
type counters struct {
	ended           [protocol.Canceled + 1]uint64 // attempts by their status
	deaths          uint64                        // of workers
	offers, batches uint64
	backs           givenBack
	confirms        metrics.Durations
}

// givenBack counts what is given back, by the reason. Nil counts nothing.
type givenBack [protocol.Returned + 1]atomic.Uint64

func (b *givenBack) count(i protocol.Item) {
	if g, ok := i.(protocol.GiveBack); ok && b != nil && int(g.Reason) < len(b) {
		b[g.Reason].Add(1)
	}
}

// metrics is what the agent counts, as Prometheus reads it.
func (a *Agent) metrics() []byte {
	var t metrics.Text
	t.Add(metrics.NodeInfo, 1, a.cfg.Version)
	t.Add(metrics.NodeStarted, float64(a.started.UnixMilli())/1000)
	workers := int64(0)
	for _, pid := range a.addState(&t) {
		workers += metrics.Resident(pid)
	}
	t.Add(metrics.NodeResident, float64(metrics.Resident(os.Getpid())), "agent")
	t.Add(metrics.NodeResident, float64(workers), "workers")
	t.Add(metrics.NodeOutbox, float64(a.outbox.Load()))
	t.AddCounts(metrics.NodeGiveBacks, map[string]uint64{
		"not_started": a.counters.backs[protocol.NotStarted].Load(), "worker_died": a.counters.backs[protocol.WorkerDied].Load(),
		"returned": a.counters.backs[protocol.Returned].Load(),
	})
	t.AddDurations(metrics.NodeConfirms, &a.counters.confirms)
	return t.Bytes()
}

// addState adds what the mutex guards, and gives the workers' processes.
func (a *Agent) addState(t *metrics.Text) (pids []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	free, total := &a.ledger.Free, &a.ledger.Total
	t.Add(metrics.NodeCPUs, float64(total.CPU)/unit)
	t.Add(metrics.NodeCPUsUsed, float64(total.CPU-free.CPU)/unit)
	t.Add(metrics.NodeMemory, float64(total.Memory))
	t.Add(metrics.NodeMemoryTaken, float64(total.Memory-free.Memory))
	running, waiting := 0, 0
	for _, j := range a.jobs {
		waiting += len(j.waiting)
		for _, p := range j.procs() {
			running += p.tasks.len()
			if pid := p.PID(); pid != 0 {
				pids = append(pids, pid)
			}
		}
	}
	t.Add(metrics.NodeWorkers, float64(len(pids)))
	t.Add(metrics.NodeJobs, float64(len(a.jobs)))
	t.Add(metrics.NodeRunning, float64(running))
	t.Add(metrics.NodeWaiting, float64(waiting))
	c := &a.counters
	t.AddCounts(metrics.NodeTasks, map[string]uint64{
		"succeeded": c.ended[protocol.Succeeded], "failed": c.ended[protocol.Failed], "canceled": c.ended[protocol.Canceled],
	})
	t.Add(metrics.NodeDeaths, float64(c.deaths))
	t.Add(metrics.NodeOffers, float64(c.offers))
	t.Add(metrics.NodeBatches, float64(c.batches))
	return pids
}
