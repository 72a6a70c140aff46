package fair

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The example of the paper on dominant resource fairness: 9 CPUs and 18 GB; A's tasks need 1 CPU and 4 GB, B's 3 CPUs and
// 1 GB. Giving the next task to the smallest share ends with 3 of A's and 2 of B's: two thirds each.
func TestDominantShares(t *testing.T) {
	total := Amounts{9, 18}
	needs := []Amounts{{1, 4}, {3, 1}}
	got := []int{0, 0}
	jobs := []Job{{ID: "a", User: "a", Used: Amounts{0, 0}}, {ID: "b", User: "b", Used: Amounts{0, 0}}}
	for free := (Amounts{9, 18}); ; {
		next := order(total, jobs)[0]
		if needs[next][0] > free[0] || needs[next][1] > free[1] {
			break
		}
		got[next]++
		for d, n := range needs[next] {
			jobs[next].Used[d] += n
			free[d] -= n
		}
	}
	if !slices.Equal(got, []int{3, 2}) {
		t.Errorf("%v tasks run, want 3 and 2", got)
	}
}

// order is the jobs in the order of their ranks.
func order(total Amounts, jobs []Job) []int {
	ranks := Ranks(nil, total, jobs)
	list := make([]int, len(jobs))
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int { return ranks[a].Compare(ranks[b]) })
	return list
}

func TestOrder(t *testing.T) {
	total := Amounts{8, 100}
	for _, c := range []struct {
		name string
		jobs []Job
		want []int
	}{
		{"less first", []Job{{ID: "1", User: "a", Used: Amounts{2, 0}}, {ID: "2", User: "b", Used: Amounts{1, 0}}}, []int{1, 0}},
		{"the dominant resource counts", []Job{{ID: "1", User: "a", Used: Amounts{1, 50}}, {ID: "2", User: "b", Used: Amounts{3, 1}}}, []int{1, 0}},
		{"by weight", []Job{{ID: "1", User: "a", UserWeight: 4, Used: Amounts{3, 0}}, {ID: "2", User: "b", Used: Amounts{1, 0}}}, []int{0, 1}},
		{
			"many jobs of one user have one user's share",
			[]Job{{ID: "1", User: "a", Used: Amounts{1}}, {ID: "2", User: "a", Used: Amounts{1}}, {ID: "3", User: "b", Used: Amounts{1}}},
			[]int{2, 0, 1},
		},
		{
			"among a user's jobs by their weights",
			[]Job{{ID: "1", User: "a", Used: Amounts{1}}, {ID: "2", User: "a", Weight: 3, Used: Amounts{2}}},
			[]int{1, 0},
		},
		{
			"a user's sum is of vectors: CPU here and memory there are no more than the larger of the two",
			[]Job{
				{ID: "1", User: "a", Used: Amounts{4, 0}},
				{ID: "2", User: "a", Used: Amounts{0, 50}},
				{ID: "3", User: "b", Used: Amounts{5, 0}},
			},
			[]int{0, 1, 2},
		},
		{"names decide between equals", []Job{{ID: "2", User: "a"}, {ID: "1", User: "a"}}, []int{1, 0}},
	} {
		if got := order(total, c.jobs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLess(t *testing.T) {
	r := Ranks(nil, Amounts{8}, []Job{{ID: "1", User: "a"}, {ID: "2", User: "b"}, {ID: "3", User: "c", Used: Amounts{1}}})
	if r[0].Less(r[1]) || r[1].Less(r[0]) || !r[0].Less(r[2]) || r[2].Less(r[0]) {
		t.Errorf("equal shares have the same claim, and smaller ones a better one: %+v", r)
	}
}

const cpu = 10_000

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		name   string
		limit  int64
		claims []Claim
		want   []int64
	}{
		{"one has all", 8, []Claim{{}}, []int64{8}},
		{"evenly", 8, []Claim{{Want: 8}, {Want: 8}}, []int64{4, 4}},
		{"by weight", 8, []Claim{{Want: 8, Weight: 3}, {Want: 8}}, []int64{6, 2}},
		{"what one doesn't want others get", 8, []Claim{{Want: 1}, {Want: 8}}, []int64{1, 7}},
		{"what nobody wants is there for whoever begins", 8, []Claim{{}, {}}, []int64{4, 4}},
		{"at most the job's own limit", 8, []Claim{{Want: 8, Most: 2}, {Want: 8}}, []int64{2, 6}},
		{"others wait until it has come back", 8, []Claim{{Want: 8, Has: 8}, {Want: 8}}, []int64{4, 0}},
		{"and get what has", 8, []Claim{{Want: 8, Has: 6}, {Want: 8}}, []int64{4, 2}},
		{"a large task beside small ones", 8, []Claim{{Want: 8, Least: 1, Has: 4}, {Want: 8, Least: 8}}, []int64{0, 4}},
		{"whose turn is over once it has run", 8, []Claim{{Want: 8, Least: 1}, {Want: 8, Least: 8, Has: 8}}, []int64{0, 4}},
		{"what is above a lowered limit ends by itself", 2, []Claim{{Want: 8, Has: 6}}, []int64{2}},
		{"no limit but a job's own", 0, []Claim{{Want: 8, Most: 3}, {Want: 8}}, []int64{3, 0}},
	} {
		for i := range c.claims {
			k := &c.claims[i]
			k.Most, k.Has, k.Least, k.Want = k.Most*cpu, k.Has*cpu, k.Least*cpu, k.Want*cpu
			c.want[i] *= cpu
		}
		if got := Divide(c.limit*cpu, cpu, c.claims); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Whatever is claimed, grants and what is still used are never above the limit together, and jobs that take what they are
// granted, and shrink to it, come to use all of the limit if they want it.
func TestDivideKeepsTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 64).Draw(t, "limit") * cpu
		n := rapid.IntRange(1, 6).Draw(t, "jobs")
		claims := make([]Claim, n)
		wanted := int64(0)
		for i := range claims {
			claims[i] = Claim{
				Weight: rapid.Float64Range(0, 4).Draw(t, "weight"),
				Most:   rapid.Int64Range(0, 20).Draw(t, "most") * cpu,
				Want:   rapid.Int64Range(0, 80).Draw(t, "want") * cpu,
			}
			w := claims[i].Want
			if m := claims[i].Most; m > 0 {
				w = min(w, m)
			}
			wanted += w
		}
		for range 6 {
			grants := Divide(limit, cpu, claims)
			sum, used := int64(0), int64(0)
			for i, g := range grants {
				if g < 0 || claims[i].Most > 0 && g > claims[i].Most {
					t.Fatalf("job %d of %+v gets %d", i, claims, g)
				}
				sum += max(g, claims[i].Has)
				claims[i].Has = min(g, claims[i].Want) // its tasks have ended, or begun
				used += claims[i].Has
			}
			if sum > limit {
				t.Fatalf("%d are granted or used, the limit is %d", sum, limit)
			}
			wanted = max(wanted, used)
		}
		used := int64(0)
		for i := range claims {
			used += claims[i].Has
		}
		if used < min(limit, wanted) {
			t.Fatalf("%d of %d are used, though %d are wanted: %+v", used, limit, wanted, claims)
		}
	})
}

func TestPart(t *testing.T) {
	for _, c := range []struct {
		name string
		free int64
		jobs []Job
		want int64
	}{
		{"alone", 8, []Job{{User: "a", Used: Amounts{0}}}, 8},
		{"half of an empty machine", 8, []Job{{User: "a", Used: Amounts{0}}, {User: "b", Used: Amounts{0}}}, 4},
		{"what is left for the other", 4, []Job{{User: "a", Used: Amounts{0}}, {User: "b", Used: Amounts{4}}}, 4},
		{"at least one", 1, []Job{{User: "a", Used: Amounts{6}}, {User: "b", Used: Amounts{1}}}, 1},
		{"less than one, if no more is free", 0, []Job{{User: "a", Used: Amounts{0}}, {User: "b", Used: Amounts{8}}}, 0},
		{"by weight", 8, []Job{{User: "a", UserWeight: 3, Used: Amounts{0}}, {User: "b", Used: Amounts{0}}}, 6},
		{
			"two jobs of one user have one user's part", 8,
			[]Job{{User: "a", Used: Amounts{0}}, {User: "b", Used: Amounts{0}}, {User: "a", Used: Amounts{0}}}, 2,
		},
		{
			"among a user's jobs by their weights", 8,
			[]Job{{User: "a", Weight: 3, Used: Amounts{0}}, {User: "a", Used: Amounts{0}}}, 6,
		},
	} {
		for i := range c.jobs {
			c.jobs[i].Used[0] *= cpu
		}
		if got := Part(c.free*cpu, cpu, c.jobs, 0); got != c.want*cpu {
			t.Errorf("%s: %d, want %d", c.name, got, c.want*cpu)
		}
	}
}
