package sim

import (
	"testing"

	"github.com/musterrun/muster/internal/coordinator"
)

// BenchmarkDecision is the cost of one event in the coordinator of a job whose tasks fill 1,000 nodes of 64 CPUs, with as
// many that wait: a task ends, another is given out for its CPU, and a new one comes.
func BenchmarkDecision(b *testing.B) {
	const nodes, cpus, kinds = 1000, 64, 8
	m := coordinator.New([]int64{0, 0, 0})
	needs := make([]coordinator.NeedID, kinds)
	for i := range needs {
		needs[i] = m.AwayNeed([]coordinator.Amount{{Dim: coordinator.CPU, N: coordinator.Unit}}, uint32(i))
	}
	submit := func(i int) {
		m.Submit(coordinator.Spec{Need: needs[i%kinds], Priority: int32(i % 3)})
	}
	for i := range 2 * nodes * cpus {
		submit(i)
	}
	suits := func(uint32) bool { return true }
	take := func() coordinator.ID {
		id, ok := m.Take(0, []int64{coordinator.Unit, 0, 0}, suits)
		if !ok {
			b.Fatal("nothing is ready")
		}
		return id
	}
	running := make([]coordinator.ID, nodes*cpus)
	for i := range running {
		running[i] = take()
	}
	b.ResetTimer()
	for i := range b.N {
		at := i * 7919 % len(running)
		m.Finish(running[at], 1, coordinator.Succeeded)
		running[at] = take()
		submit(i)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3, "ns/decision")
}
