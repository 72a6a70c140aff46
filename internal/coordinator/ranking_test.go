package coordinator

import (
	"math"
	"testing"
)

var rankingCases = []script{
	{"first come, first served", `
		submit a | a ready
		submit b | b ready
		next = a | a running
		next = none
		finish a 1 ok = done | a over
		next = b | b running
	`},
	{"priority before depth, depth before age, front before all", `
		totals cpu=9
		submit old | old ready
		submit low prio=-1 depth=9 front | low ready
		submit deep depth=2 | deep ready
		submit high prio=1 | high ready
		submit front front | front ready
		submit least prio=-5 depth=99 | least ready
		next = front | front running
		next = low | low running
		next = high | high running
		next = deep | deep running
		next = old | old running
		next = least | least running
		next = none
	`},
	{"among needs the same", `
		totals cpu=9 gpu=9
		submit cpu | cpu ready
		submit gpu need=gpu:1 | gpu ready
		submit both need=cpu:1+gpu:1 prio=1 | both ready
		submit nothing need=nothing | nothing ready
		next = both | both running
		next = cpu | cpu running
		next = gpu | gpu running
		next = nothing | nothing running
	`},
	{"one that doesn't fit lets others of its priority pass", `
		totals cpu=2
		submit a | a ready
		submit wide need=cpu:2 | wide ready
		submit b | b ready
		next = a | a running
		next = b | b running
		next = none
	`},
	{"what is waited for inherits the priority", `
		submit other | other ready
		submit a | a ready
		submit b deps=a | b waiting
		submit c deps=b prio=3 | c waiting
		submit d prio=2 | d ready
		next = a | a running
		finish a 1 ok = done | a over, b ready
		next = b | b running
		finish b 1 ok = done | b over, c ready
		next = c | c running
		finish c 1 ok = done | c over
		next = d | d running
		finish d 1 ok = done | d over
		next = other | other running
	`},
	{"what is in a set inherits the priority of who waits for it", `
		submit waits prio=2 | waits ready
		next = waits | waits running
		submit old | old ready
		submit a | a ready
		submit b | b ready
		submit other prio=1 | other ready
		include set b | set set
		block waits set | waits blocked
		include set a
		next = b | b running
		finish b 1 ok = done | b over
		unblock waits = true | waits running
		finish waits 1 ok = done | waits over
		next = a | a running
		finish a 1 ok = done | a over, set over
		next = other | other running
	`},
	{"a lower priority changes nothing", `
		submit other | other ready
		submit a | a ready
		submit b deps=a prio=-2 | b waiting
		next = other | other running
	`},
	{"a blocked task hands on its priority, and later what it inherits", `
		submit x prio=2 | x ready
		next = x | x running
		submit mid prio=1 | mid ready
		submit a | a ready
		submit b prio=3 | b ready
		block x a | x blocked
		submit y deps=x prio=4 | y waiting
		next = a | a running
		finish a 1 ok = done | a over
		next = b | b running
	`},
	{"a value hands on its priority when it goes on to wait", `
		submit a | a ready
		submit b | b ready
		submit v value prio=1 : join v | v joining
		join v b | v waiting
		next = b | b running
	`},
	{"a resumed task goes before new ones that need CPU", `
		submit x need=cpu:1 | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		next = y | y running
		submit new prio=9 | new ready
		submit io need=io:1 | io ready
		unblock x = false | x resuming
		next = io | io running
		next = none
		finish y 1 ok = done : resume x | x running, y over
		next = none
	`},
	{"resumed tasks by rank, each once it fits", `
		totals cpu=2
		submit one | one ready
		submit small need=cpu:0.5 prio=-1 | small ready
		next = one | one running
		next = small | small running
		submit wide need=cpu:2 | wide ready
		block one none | one blocked
		block small none | small blocked
		next = wide | wide running
		block wide none | wide blocked
		submit c need=cpu:1.5 | c ready
		next = c | c running
		unblock wide = false | wide resuming
		unblock small = false | small resuming
		unblock one = false | one resuming
		finish c 1 ok = done : resume wide | c over, wide running
		finish wide 1 ok = done : resume one, resume small | one running, small running, wide over
	`},
	{"a resumed task that rises to the top and fits goes on at once", `
		totals cpu=2
		submit wide need=cpu:2 | wide ready
		next = wide | wide running
		block wide none | wide blocked
		submit one | one ready
		next = one | one running
		block one none | one blocked
		submit c | c ready
		next = c | c running
		unblock wide = false | wide resuming
		unblock one = false | one resuming
		submit d deps=one prio=1 : resume one | d waiting, one running
	`},
	{"a resumed task of the highest rank that fits goes on at once", `
		totals cpu=2
		submit wide need=cpu:2 | wide ready
		next = wide | wide running
		block wide none | wide blocked
		submit one prio=1 | one ready
		next = one | one running
		block one none | one blocked
		submit c | c ready
		next = c | c running
		unblock wide = false | wide resuming
		unblock one = false : resume one | one running
	`},
	{"a resumed task that needs no CPU doesn't queue for it", `
		submit x | x ready
		next = x | x running
		block x none | x blocked
		submit io need=io:1 | io ready
		submit y | y ready
		next = io | io running
		next = y | y running
		block io none | io blocked
		unblock x = false | x resuming
		unblock io = true | io running
	`},
	{"an end in the queue of the resumed lets the next go on", `
		totals cpu=2
		submit wide need=cpu:2 | wide ready
		next = wide | wide running
		block wide none | wide blocked
		submit one | one ready
		next = one | one running
		block one none | one blocked
		submit c | c ready
		next = c | c running
		unblock wide = false | wide resuming
		unblock one = false | one resuming
		finish wide 1 fatal = failed : resume one | one running, wide over
	`},
}

func TestRanking(t *testing.T) {
	for _, c := range rankingCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}

// TestRankOrder checks that a rank compares as front, priority and depth do, at their limits too.
func TestRankOrder(t *testing.T) {
	ascending := []record{
		{priority: math.MinInt32}, {priority: math.MinInt32, depth: 1}, {priority: math.MinInt32, depth: math.MaxInt32},
		{priority: -1}, {priority: -1, depth: math.MaxInt32}, {}, {depth: 1}, {depth: math.MaxInt32},
		{flags: isReturned}, {depth: 1, flags: isReturned}, {depth: math.MaxInt32, flags: isReturned}, {priority: 1},
		{priority: math.MaxInt32}, {priority: math.MaxInt32, depth: math.MaxInt32},
		{priority: math.MinInt32, flags: isFront}, {flags: isFront | isCanceled}, {priority: math.MaxInt32, flags: isFront},
	}
	for i := range ascending[1:] {
		if low, high := ascending[i].rank(), ascending[i+1].rank(); low >= high {
			t.Errorf("rank %d is %#x, rank %d is %#x", i, low, i+1, high)
		}
	}
	if deep, deepest := (&record{depth: math.MaxInt32}).rank(), (&record{depth: math.MaxUint32}).rank(); deep != deepest {
		t.Errorf("depth changes the priority: %#x, %#x", deep, deepest)
	}
}

// TestQueuesAreForgotten checks that ranks that are used no more cost nothing.
func TestQueuesAreForgotten(t *testing.T) {
	m := New([]int64{Unit, 0, 0})
	for p := range int32(10_000) {
		id := m.Submit(Spec{Priority: p})
		if got, ok := m.Next(); !ok || got != id {
			t.Fatalf("Next = %v, %v", got, ok)
		}
		m.Finish(id, 1, Succeeded)
	}
	if n := len(m.needs[0].ready.queues); n > keptQueues+1 {
		t.Errorf("%d queues are left", n)
	}
	if err := structureError(m); err != nil {
		t.Error(err)
	}
}
