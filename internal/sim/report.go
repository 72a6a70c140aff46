package sim

import (
	"fmt"
	"time"
)

// Report is how a simulation went.
type Report struct {
	Seed       uint64
	Makespan   time.Duration
	Ideal      time.Duration // all CPUs busy until the end, or the longest chain of tasks
	Fairness   float64       // Jain's index of the CPU time that jobs got until the first of them ended
	Tasks      int
	Executions int
	Lost       string // executions that had to be done again, by reason
	Decisions  int
	Decision   time.Duration // mean real time of one
	Messages   int
}

// Stretch is the makespan as a multiple of the ideal.
func (r *Report) Stretch() float64 { return float64(r.Makespan) / float64(r.Ideal) }

// String is the report on one line.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: makespan %v, ideal %v (%.3f), fairness %.3f, %d tasks, %d executions (lost: %s), "+
		"%d decisions of %v, %d messages",
		r.Seed, r.Makespan.Round(time.Millisecond), r.Ideal.Round(time.Millisecond), r.Stretch(), r.Fairness,
		r.Tasks, r.Executions, r.Lost, r.Decisions, r.Decision, r.Messages)
}

func (s *sim) report() *Report {
	r := &Report{
		Seed: s.cfg.Seed, Fairness: jain(s.shares), Executions: len(s.truth.execs) - 1, Lost: s.truth.excuses(), Messages: s.net.count,
	}
	brains := s.brains
	var total, longest time.Duration
	for _, j := range s.jobs {
		r.Tasks += j.program.called
		sum, chain := j.program.cost()
		total, longest = total+sum, max(longest, chain)
		r.Makespan = max(r.Makespan, j.ended)
		brains = append(brains, &j.driver.brain)
	}
	r.Ideal = max(longest, total/time.Duration(s.cfg.Nodes*s.cfg.CPUs))
	var took time.Duration
	timed := 0
	for _, b := range brains {
		r.Decisions += b.count
		took, timed = took+b.took, timed+b.timed
	}
	r.Decision = took / time.Duration(max(1, timed))
	return r
}

// jain is Jain's index of fairness: 1 if all have the same, 1/n if one has all.
func jain(shares []time.Duration) float64 {
	var sum, squares float64
	for _, x := range shares {
		sum += x.Seconds()
		squares += x.Seconds() * x.Seconds()
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / squares / float64(len(shares))
}
