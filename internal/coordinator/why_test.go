package coordinator

import "testing"

var whyCases = []script{
	{"what it depends on", `
		submit a | a ready
		submit b | b ready
		submit c deps=b,a | c waiting
		submit v value deps=c | v waiting
		why c = tasks 2 a
		why v = tasks 1 c
		next = a | a running
		why a = runs
		finish a 1 ok = done | a over
		why a = over
		why c = tasks 1 b
	`},
	{"its turn", `
		submit a | a ready
		submit b | b ready
		submit c | c ready
		submit late prio=-1 | late ready
		next = a | a running
		why b = room cpu
		why c = turn 1 b
		why late = turn 2 b
		finish a 1 ok = done | a over
		why b = start
	`},
	{"a resource, and who holds it", `
		submit a need=cpu:1+gpu:1 | a ready
		next = a | a running
		submit b need=gpu:1 | b ready
		why b = room gpu a
		finish a 1 ok = done | a over
		why b = start
	`},
	{"room that is kept for another", `
		totals cpu=2
		submit a | a ready
		next = a | a running
		submit wide need=cpu:2 prio=1 | wide ready
		submit low need=cpu:0.5 | low ready
		why wide = room cpu
		why low = hold wide
	`},
	{"what its function waits for", `
		submit a | a ready
		next = a | a running
		submit b | b ready
		submit c | c ready
		include set c | set set
		include set b
		block a set | a blocked
		why a = any of tasks 2 b
		next = b | b running
		finish b 1 ok = done | b over
		why a = cpu
		next = c | c running
		unblock a = false | a resuming
		why a = cpu
	`},
	{"something else", `
		submit a retries=1 | a ready
		next = a | a running
		block a none | a blocked
		why a = outside
		unblock a = true | a running
		finish a 1 error = retry | a backoff
		why a = due
		submit v value : join v | v joining
		why v = value
	`},
}

func TestWhy(t *testing.T) {
	for _, c := range whyCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}

func TestWhyElsewhere(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 1)
	var ids []ID
	for range MaxCounted + 10 {
		ids = append(ids, m.Submit(Spec{Need: need}))
	}
	if w := m.Why(ids[0]); w != (Wait{Cause: ForRoom}) {
		t.Error(w)
	}
	if w := m.Why(ids[3]); w != (Wait{Cause: ForTurn, N: 3, On: ids[0]}) {
		t.Error(w)
	}
	if w := m.Why(ids[MaxCounted+5]); w.N != MaxCounted {
		t.Error("it counts on:", w.N)
	}
}

// TestEachFrom: parts of the table make the whole of it.
func TestEachFrom(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	want := map[ID]bool{}
	for range 2500 {
		want[m.Submit(Spec{})] = true
	}
	if next := m.EachFrom(1, 1<<20, func(ID, State) {}); next != 0 {
		t.Error("it goes on at", next)
	}
	for place := 1; place > 0; {
		place = m.EachFrom(place, 1000, func(id ID, s State) {
			if !want[id] || s != Ready {
				t.Error("twice, or wrong:", id, s)
			}
			delete(want, id)
		})
	}
	if len(want) > 0 {
		t.Error("passed over:", len(want))
	}
}
