package fair

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// crowdedNode gives its CPUs to several jobs, one at a time.
type crowdedNode struct {
	jobs   []Job
	users  map[string]float64
	drifts []float64
	total  Amounts
	left   []time.Duration // of the tasks
	of     []int           // whose they are
	had    []float64       // CPU time
	given  int64           // tasks
}

// pass lets time pass, and gives what becomes free then to tasks of some length.
func (n *crowdedNode) pass(tick time.Duration, took func() time.Duration) {
	for k := len(n.left) - 1; k >= 0; k-- {
		if n.left[k] -= tick; n.left[k] <= 0 {
			n.jobs[n.of[k]].Used[0]--
			n.left, n.of = slices.Delete(n.left, k, k+1), slices.Delete(n.of, k, k+1)
		}
	}
	Drift(n.users, n.drifts, tick.Seconds(), n.total, n.jobs)
	for len(n.left) < int(n.total[0]) {
		for k := range n.jobs {
			j := &n.jobs[k]
			j.UserDrift, j.Drift = n.users[j.User]/float64(n.total[0]), n.drifts[k]/float64(n.total[0])
		}
		r := Ranks(nil, n.total, n.jobs)
		first := slices.Index(r, slices.MinFunc(r, Rank.Compare))
		n.jobs[first].Used[0]++
		n.given++
		n.jobs[first].Last = n.given
		n.left, n.of = append(n.left, took()), append(n.of, first)
	}
	for k := range n.jobs {
		n.had[k] += float64(n.jobs[k].Used[0])
	}
}

// crowd is a node of so many CPUs with these jobs, after 500 times as long as a task takes.
func crowd(cpus int64, took time.Duration, jobs ...Job) *crowdedNode {
	chance := rand.New(rand.NewPCG(1, 2))
	n := &crowdedNode{jobs: jobs, users: map[string]float64{}, total: Amounts{cpus}}
	n.drifts, n.had = make([]float64, len(jobs)), make([]float64, len(jobs))
	for k := range jobs {
		jobs[k].Used = Amounts{0}
	}
	for range 500 * 20 {
		n.pass(took/20, func() time.Duration { return time.Duration(float64(took) * (0.7 + 0.6*chance.Float64())) })
	}
	return n
}

// Nine jobs have together what one has, however long their tasks take, and none of them waits for ever.
func TestManyJobsShareTheirUsersPart(t *testing.T) {
	for _, took := range []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second} {
		for _, cpus := range []int64{1, 2, 3, 4} {
			jobs := []Job{{ID: "only", User: "one"}}
			for k := range 9 {
				jobs = append(jobs, Job{ID: strconv.Itoa(k), User: "many", Weight: float64(1 + k%2)})
			}
			n := crowd(cpus, took, jobs...)
			many := 0.0
			for _, had := range n.had[1:] {
				many += had
			}
			if math.Abs(many/n.had[0]-1) > 0.1 {
				t.Errorf("tasks of %v on %d CPUs: nine jobs had %.2f times what one had", took, cpus, many/n.had[0])
			}
			if least := 9 * slices.Min(n.had[1:]) / many; least < 0.5 {
				t.Errorf("tasks of %v on %d CPUs: one of the jobs had %.2f of the mean", took, cpus, least)
			}
		}
	}
}

// More users than CPUs take turns, however long their tasks take.
func TestUsersTakeTurns(t *testing.T) {
	for _, took := range []time.Duration{time.Second, 30 * time.Second} {
		var jobs []Job
		for k := range 5 {
			jobs = append(jobs, Job{ID: strconv.Itoa(k), User: strconv.Itoa(k)})
		}
		n := crowd(2, took, jobs...)
		if least, most := slices.Min(n.had), slices.Max(n.had); least < 0.8*most {
			t.Errorf("tasks of %v: one had %.2f of what another had", took, least/most)
		}
	}
}
