package coordinator

import (
	"fmt"
	"strings"
	"testing"
)

var holdCases = []script{
	{"one that becomes urgent while it waits for its CPU", `
		# a waits for two CPUs, b behind it for one: the holder of what r lacks waits for b.
		totals cpu=3 gpu=1
		submit h need=cpu:1+gpu:1 | h ready
		next = h | h running
		submit a need=cpu:2 | a ready
		next = a | a running
		submit b | b ready
		block h b | h blocked
		next = b | b running
		block a none | a blocked
		block b none | b blocked
		submit x | x ready
		next = x | x running
		submit y | y ready
		next = y | y running
		unblock a = false | a resuming
		unblock b = false | b resuming
		submit r need=gpu:1 : resume b | b running, r ready
	`},
	{"what lacks room holds it against lower priorities", `
		totals cpu=2
		submit a | a ready
		submit b | b ready
		next = a | a running
		next = b | b running
		submit c | c ready
		submit wide need=cpu:2 prio=1 | wide ready
		submit least need=cpu:0.5 prio=-3 | least ready
		finish a 1 ok = done | a over
		next = none
		finish b 1 ok = done | b over
		next = wide | wide running
		finish wide 1 ok = done | wide over
		next = c | c running
	`},
	{"it holds what it lacks and nothing else", `
		totals cpu=2 gpu=1
		submit g need=cpu:1+gpu:1 | g ready
		next = g | g running
		submit wants need=cpu:1+gpu:1 prio=1 | wants ready
		submit low | low ready
		submit lowgpu need=gpu:1 | lowgpu ready
		next = low | low running
		finish g 1 ok = done | g over
		next = wants | wants running
		finish wants 1 ok = done | wants over
		next = lowgpu | lowgpu running
	`},
	{"a lower priority may take what another dimension's holder leaves", `
		submit d need=disk:1 | d ready
		next = d | d running
		submit wants need=gpu:1+disk:1 prio=1 | wants ready
		submit g need=gpu:1 | g ready
		submit low | low ready
		next = g | g running
		next = low | low running
	`},
	{"while tasks wait to be resumed, lower priorities don't take what others need beside the CPU", `
		totals cpu=1 gpu=1
		submit x | x ready
		next = x | x running
		block x none | x blocked
		submit y | y ready
		next = y | y running
		unblock x = false | x resuming
		submit wants need=cpu:1+gpu:1 prio=1 | wants ready
		submit g need=gpu:1 | g ready
		next = none
		finish y 1 ok = done : resume x | x running, y over
		finish x 1 ok = done | x over
		next = wants | wants running
	`},
	{"what the holder of the lacking room waits for isn't held back", `
		totals cpu=2 gpu=2
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit other | other ready
		next = other | other running
		submit wide need=cpu:2+gpu:2 prio=5 | wide ready
		submit dep need=cpu:1 | dep ready
		submit child need=cpu:1+gpu:1 deps=dep | child waiting
		block parent child | parent blocked
		next = dep | dep running
		submit later | later ready
		finish other 1 ok = done | other over
		next = none
		finish dep 1 ok = done | child ready, dep over
		next = child | child running
		finish child 1 ok = done | child over
		unblock parent = true | parent running
		finish parent 1 ok = done | parent over
		next = wide | wide running
	`},
	{"a child that is started later isn't held back either", `
		totals cpu=2 gpu=2
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit wide need=gpu:2 prio=5 | wide ready
		submit child need=gpu:1 | child ready
		next = none
		block parent child | parent blocked
		next = child | child running
	`},
	{"nor is one of a set", `
		totals cpu=2 gpu=2
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit wide need=gpu:2 prio=5 | wide ready
		submit child need=gpu:1 | child ready
		include set child | set set
		block parent set | parent blocked
		submit second need=gpu:1 | second ready
		include set second
		next = child | child running
		finish child 1 ok = done | child over
		next = second | second running
	`},
	{"nor what a blocked holder of a full dimension waits for when that fills up", `
		totals cpu=3 gpu=2
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=cpu:1 | child ready
		block parent child | parent blocked
		submit other prio=2 | other ready
		submit g1 need=gpu:1 prio=3 | g1 ready
		submit g2 need=gpu:1 prio=3 | g2 ready
		next = g1 | g1 running
		next = child | child running
	`},
}

func TestHolds(t *testing.T) {
	for _, c := range holdCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}

// TestPatience lets a task be passed over as often as it is said, and then no more, whatever the depth of the others.
func TestPatience(t *testing.T) {
	var b strings.Builder
	b.WriteString("totals cpu=2 io=1\n submit t0 | t0 ready\n next = t0 | t0 running\n submit wide need=cpu:2 | wide ready\n")
	for i := range patience {
		fmt.Fprintf(&b, "submit t%d | t%[1]d ready\n next = t%[1]d | t%[1]d running\n", i+1)
		fmt.Fprintf(&b, "finish t%d 1 ok = done | t%[1]d over\n", i)
	}
	fmt.Fprintf(&b, `submit low prio=-1 | low ready
		submit next | next ready
		submit io need=io:1 | io ready
		submit front front | front ready
		next = front | front running
		finish front 1 ok = done | front over
		next = io | io running
		next = none
		finish t%d 1 ok = done | t%[1]d over
		next = wide | wide running
		finish wide 1 ok = done | wide over
		next = next | next running
		next = low | low running`, patience)
	newPlayer(t).play(b.String())
}
