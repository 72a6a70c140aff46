package fair

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// smallNode gives its CPUs to two jobs, one at a time, and knows only by a digest what they have elsewhere.
type smallNode struct {
	cpus   int64
	used   [2]int64
	told   [2]int64           // as the others know it
	drifts map[string]float64 // of the users
	left   []time.Duration    // of the tasks
	of     []int              // whose they are
}

// first is the job that comes first on the node, as an agent ranks them.
func (n *smallNode) first(weights [2]float64, total int64, all []*smallNode) int {
	jobs := make([]Job, 2)
	for k := range jobs {
		known := int64(0)
		for _, o := range all {
			known += o.told[k]
		}
		scale := float64(total) / float64(n.cpus)
		used := float64(known) + float64(n.used[k]-n.told[k])*scale
		jobs[k] = Job{
			ID: string(rune('a' + k)), User: string(rune('a' + k)), UserWeight: weights[k], Used: Amounts{int64(max(0, used) * 10_000)},
			UserDrift: n.drifts[string(rune('a'+k))] / float64(n.cpus),
		}
	}
	r := Ranks(nil, Amounts{total * 10_000}, jobs)
	if r[1].Compare(r[0]) < 0 {
		return 1
	}
	return 0
}

func (n *smallNode) drift(weights [2]float64, total int64, all []*smallNode, passed time.Duration) {
	jobs := make([]Job, 2)
	for k := range jobs {
		known := n.used[k] - n.told[k]
		for _, o := range all {
			known += o.told[k]
		}
		jobs[k] = Job{User: string(rune('a' + k)), UserWeight: weights[k], Used: Amounts{known}}
	}
	Drift(n.drifts, make([]float64, 2), passed.Seconds(), Amounts{total}, jobs)
}

// Two jobs that always want more share small nodes by their weights over some time, whatever their tasks take, though at no
// moment can they. Digests come once a second.
func TestSmallNodesShareByWeightOverTime(t *testing.T) {
	const tick = 10 * time.Millisecond
	chance := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		weights [2]float64
		sizes   []int64
		took    [2]time.Duration
	}{
		{[2]float64{4, 1}, []int64{2, 3}, [2]time.Duration{200 * time.Millisecond, 200 * time.Millisecond}},
		{[2]float64{4, 1}, []int64{2, 3}, [2]time.Duration{time.Second, time.Second}},
		{[2]float64{4, 1}, []int64{2, 3}, [2]time.Duration{150 * time.Millisecond, 700 * time.Millisecond}},
		{[2]float64{1, 1}, []int64{1, 2}, [2]time.Duration{300 * time.Millisecond, 300 * time.Millisecond}},
		{[2]float64{1, 4}, []int64{2, 2}, [2]time.Duration{250 * time.Millisecond, 250 * time.Millisecond}},
	} {
		var all []*smallNode
		total := int64(0)
		for _, n := range c.sizes {
			all = append(all, &smallNode{cpus: n, drifts: map[string]float64{}})
			total += n
		}
		var had [2]float64
		for now := time.Duration(0); now < 100*time.Second; now += tick {
			for i, n := range all {
				for k := len(n.left) - 1; k >= 0; k-- {
					if n.left[k] -= tick; n.left[k] <= 0 {
						n.used[n.of[k]]--
						n.left, n.of = slices.Delete(n.left, k, k+1), slices.Delete(n.of, k, k+1)
					}
				}
				n.drift(c.weights, total, all, tick)
				for n.used[0]+n.used[1] < n.cpus {
					j := n.first(c.weights, total, all)
					n.used[j]++
					n.left, n.of = append(n.left, time.Duration(float64(c.took[j])*(0.7+0.6*chance.Float64()))), append(n.of, j)
				}
				for j := range had {
					had[j] += float64(n.used[j])
				}
				if (now+time.Duration(i)*300*time.Millisecond)%time.Second == 0 {
					n.told = n.used
				}
			}
		}
		ratio, want := had[0]/had[1], c.weights[0]/c.weights[1]
		if math.Abs(ratio-want) > 0.1*want {
			t.Errorf("weights %v on %v CPUs, tasks of about %v: %.2f to 1, want %.2f", c.weights, c.sizes, c.took, ratio, want)
		}
	}
}

func TestDriftIsBounded(t *testing.T) {
	jobs := []Job{{User: "a", UserWeight: 4, Used: Amounts{2}}, {User: "b", UserWeight: 1, Used: Amounts{8}}}
	users, d := map[string]float64{}, []float64{0, 0}
	for range 1000 {
		Drift(users, d, 1, Amounts{10}, jobs)
	}
	if users["a"] != -1 || users["b"] != 1 || d[0] != 0 || d[1] != 0 {
		t.Error(users, d)
	}
	jobs[0].User = "b"
	for range 1000 {
		Drift(users, d, 1, Amounts{10}, jobs)
	}
	if users["b"] != 0 || d[0] != -1 || d[1] != 1 {
		t.Error("jobs of one user:", users, d)
	}
	users["a"], users["b"], d = 0.25, -0.25, []float64{0.5, -0.5}
	Drift(users, d, 1, Amounts{10}, []Job{{User: "a"}, {User: "b"}})
	if users["a"] != 0.25 || users["b"] != -0.25 || d[0] != 0.5 || d[1] != -0.5 {
		t.Error("it changes while nobody has anything:", users, d)
	}
	// Jobs of one user divide the user's part by their own weights.
	jobs = []Job{{User: "a", Weight: 3, Used: Amounts{3}}, {User: "a", Weight: 1, Used: Amounts{1}}, {User: "b", Used: Amounts{4}}}
	users, d = map[string]float64{}, []float64{0, 0, 0}
	Drift(users, d, 1, Amounts{8}, jobs)
	if slices.ContainsFunc(append(d, users["a"], users["b"]), func(x float64) bool { return math.Abs(x) > 1e-9 }) {
		t.Error("who has its part drifts:", users, d)
	}
}
