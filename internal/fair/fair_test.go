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
	one := func(n int64) Amounts { return Amounts{n} }
	claim := func(weight float64, most, has, least, want int64) Claim {
		return Claim{Weight: weight, Most: one(most), Has: one(has), Least: one(least), Want: one(want)}
	}
	last := func(n int64, c Claim) Claim {
		c.Last = n
		return c
	}
	wants := func(n int64) Claim { return claim(0, 0, 0, 0, n) }
	two := func(has, least, want Amounts) Claim {
		return Claim{Most: Amounts{0, 0}, Has: has, Least: least, Want: want}
	}
	for _, c := range []struct {
		name   string
		limit  Amounts
		claims []Claim
		want   []Amounts
	}{
		{"one has all", one(8), []Claim{wants(0)}, []Amounts{{8}}},
		{"evenly", one(8), []Claim{wants(8), wants(8)}, []Amounts{{4}, {4}}},
		{"by weight", one(8), []Claim{claim(3, 0, 0, 0, 8), wants(8)}, []Amounts{{6}, {2}}},
		{"what one doesn't want others get", one(8), []Claim{wants(1), wants(8)}, []Amounts{{1}, {7}}},
		{"what nobody wants is there for whoever begins", one(8), []Claim{wants(0), wants(0)}, []Amounts{{4}, {4}}},
		{"at most the job's own limit", one(8), []Claim{claim(0, 2, 0, 0, 8), wants(8)}, []Amounts{{2}, {6}}},
		{"others wait until it has come back", one(8), []Claim{claim(0, 0, 8, 0, 8), wants(8)}, []Amounts{{4}, {0}}},
		{"and get what has", one(8), []Claim{claim(0, 0, 6, 0, 8), wants(8)}, []Amounts{{4}, {2}}},
		{"a large task beside small ones", one(8), []Claim{last(1, claim(0, 0, 4, 1, 8)), claim(0, 0, 0, 8, 8)}, []Amounts{{0}, {4}}},
		{"whose turn is over once it has run", one(8), []Claim{claim(0, 0, 0, 1, 8), last(1, claim(0, 0, 8, 8, 8))}, []Amounts{{0}, {0}}},
		{"what is above a lowered limit ends by itself", one(2), []Claim{claim(0, 0, 6, 0, 8)}, []Amounts{{2}}},
		{"no limit but a job's own", one(0), []Claim{claim(0, 3, 0, 0, 8), wants(8)}, []Amounts{{3}, {0}}},
		{
			"in pieces of which each is enough for a task", one(8),
			[]Claim{claim(0, 0, 0, 2, 8), claim(0, 0, 0, 2, 8), claim(0, 0, 0, 2, 8)}, []Amounts{{2}, {2}, {4}},
		},
		{"and the rest goes to whoever can use it", one(10), []Claim{claim(0, 0, 0, 4, 10), claim(0, 0, 0, 1, 10)}, []Amounts{{4}, {6}}},
		{
			"each limit by itself", Amounts{8, 2},
			[]Claim{two(Amounts{0, 0}, Amounts{0, 0}, Amounts{8, 0}), two(Amounts{0, 0}, Amounts{0, 0}, Amounts{2, 2})},
			[]Amounts{{6, 0}, {2, 2}},
		},
		{
			"a task gets all that it needs, or nothing for now: else both would wait for what the other has", Amounts{4, 2},
			[]Claim{two(Amounts{0, 0}, Amounts{4, 2}, Amounts{4, 2}), two(Amounts{0, 0}, Amounts{4, 2}, Amounts{4, 2})},
			[]Amounts{{4, 2}, {0, 0}},
		},
		{
			"whoever has waited longest", Amounts{4, 2},
			[]Claim{last(1, two(Amounts{2, 1}, Amounts{4, 2}, Amounts{4, 2})), two(Amounts{0, 1}, Amounts{4, 2}, Amounts{4, 2})},
			[]Amounts{{0, 0}, {2, 1}},
		},
		{
			"where there is no limit, nothing is divided", Amounts{0, 2},
			[]Claim{two(Amounts{9, 0}, Amounts{4, 1}, Amounts{9, 2}), two(Amounts{0, 0}, Amounts{4, 1}, Amounts{9, 2})},
			[]Amounts{{0, 1}, {0, 1}},
		},
	} {
		scale := func(a Amounts) {
			for d := range a {
				a[d] *= cpu
			}
		}
		for i := range c.claims {
			k := &c.claims[i]
			for _, a := range []Amounts{k.Most, k.Has, k.Least, k.Want, c.want[i]} {
				scale(a)
			}
		}
		units := Amounts{cpu, cpu}[:len(c.limit)]
		scale(c.limit)
		if got := Divide(c.limit, units, c.claims); !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Whatever is claimed, grants and what is still used are never above a limit together, and jobs that take what they are
// granted, and shrink to it, come to use all of each limit if they want it.
func TestDivideKeepsTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.IntRange(1, 3).Draw(t, "dims")
		draw := func(most int64, what string) (a Amounts) {
			for range dims {
				a = append(a, rapid.Int64Range(0, most).Draw(t, what)*cpu)
			}
			return a
		}
		limits, units := draw(64, "limit"), Amounts{cpu, 1, cpu}[:dims]
		n := rapid.IntRange(1, 6).Draw(t, "jobs")
		claims, wanted, used := make([]Claim, n), make(Amounts, dims), make(Amounts, dims)
		for i := range claims {
			claims[i] = Claim{
				Weight: rapid.Float64Range(0, 4).Draw(t, "weight"), Most: draw(20, "most"), Want: draw(80, "want"),
				Has: make(Amounts, dims), Least: make(Amounts, dims),
			}
			for d, w := range claims[i].Want {
				wanted[d] += claims[i].most(d, w)
			}
		}
		for range 6 {
			grants := Divide(limits, units, claims)
			sum := make(Amounts, dims)
			clear(used)
			for i, g := range grants {
				for d := range g {
					if g[d] < 0 || claims[i].Most[d] > 0 && g[d] > claims[i].Most[d] {
						t.Fatalf("job %d of %+v gets %d", i, claims, g)
					}
					sum[d] += max(g[d], claims[i].Has[d])
					claims[i].Has[d] = min(g[d], claims[i].Want[d]) // its tasks have ended, or begun
					used[d] += claims[i].Has[d]
				}
			}
			for d, limit := range limits {
				if limit > 0 && sum[d] > limit {
					t.Fatalf("%d are granted or used, the limit is %d", sum, limits)
				}
				wanted[d] = max(wanted[d], used[d])
			}
		}
		for d, limit := range limits {
			if limit > 0 && used[d] < min(limit, wanted[d]) {
				t.Fatalf("%d of %d are used, though %d are wanted: %+v", used, limits, wanted, claims)
			}
		}
	})
}

// Jobs of which each needs some of several limits for each of its tasks all get to run some, again and again.
func TestDivideStarvesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.IntRange(1, 3).Draw(t, "dims")
		limits := make(Amounts, dims)
		for d := range limits {
			limits[d] = rapid.Int64Range(1, 8).Draw(t, "limit") * cpu
		}
		n := rapid.IntRange(2, 5).Draw(t, "jobs")
		claims, ran := make([]Claim, n), make([]int, n)
		for i := range claims {
			claims[i] = Claim{Most: make(Amounts, dims), Has: make(Amounts, dims), Least: make(Amounts, dims), Want: make(Amounts, dims)}
			for d, limit := range limits {
				if claims[i].Least[d] = rapid.Int64Range(0, limit/cpu).Draw(t, "need") * cpu; claims[i].Least[d] > 0 {
					claims[i].Want[d] = limit
				}
			}
		}
		for round := range int64(40) {
			for i, g := range Divide(limits, Amounts{cpu, cpu, cpu}[:dims], claims) {
				c := &claims[i]
				enough := true
				for d := range g {
					enough = enough && c.Least[d] <= g[d]
				}
				if enough {
					ran[i]++
					c.Last = round
				}
				c.Has = g // what ran before has ended, if it isn't to go on
			}
		}
		if least := slices.Min(ran); least == 0 {
			t.Fatalf("tasks run: %v, of %+v within %v", ran, claims, limits)
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
