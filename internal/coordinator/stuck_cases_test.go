package coordinator

import "testing"

// Each holds the only GPU unless it says otherwise, and waits.
var stuckCases = []script{
	{"a child needs what its parent holds", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=cpu:1+gpu:1 | child ready
		holders gpu = parent
		block parent child : settle child stuck gpu | child over, parent blocked
		unblock parent = true | parent running
	`},
	{"a child that becomes stuck at once", `
		submit parent need=gpu:1 | parent ready
		next = parent | parent running
		submit first value deps=parent | first waiting
		block parent first | parent blocked
		submit child need=gpu:1 : settle child stuck gpu | child over
	`},
	{"a holder that runs gives it back", `
		totals cpu=2 gpu=2
		submit a need=cpu:1+gpu:1 | a ready
		submit b need=cpu:1+gpu:1 | b ready
		next = a | a running
		next = b | b running
		submit c need=cpu:1+gpu:2 | c ready
		block a c | a blocked
		finish b 1 ok = done : settle c stuck gpu | b over, c over
	`},
	{"what it waits for will run", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit other need=gpu:1 | other ready
		submit child | child ready
		block parent child | parent blocked
		next = child | child running
		finish child 1 ok = done | child over
		unblock parent = true | parent running
		finish parent 1 ok = done | parent over
		next = other | other running
	`},
	{"the next of two that become ready together", `
		# x is ready a moment before w; w is what the holder waits for, so x isn't stuck.
		totals cpu=2 gpu=1
		submit holder need=cpu:1+gpu:1 | holder ready
		submit r | r ready
		next = holder | holder running
		next = r | r running
		submit x need=cpu:1+gpu:1 deps=r | x waiting
		submit w deps=r | w waiting
		block holder w | holder blocked
		finish r 1 ok = done | r over, w ready, x ready
	`},
	{"a value that goes on to wait", `
		submit holder need=cpu:1+gpu:1 | holder ready
		next = holder | holder running
		submit flat value : join flat | flat joining
		submit inner need=gpu:1 | inner ready
		block holder flat | holder blocked
		join flat inner : settle inner stuck gpu, join flat | inner over
	`},
	{"a retry gives back the last live share", `
		totals cpu=2 gpu=2
		submit a need=cpu:1+gpu:1 | a ready
		submit b need=cpu:1+gpu:1 retries=1 | b ready
		next = a | a running
		next = b | b running
		submit c need=gpu:2 | c ready
		block a c | a blocked
		finish b 1 error = retry : settle c stuck gpu | b backoff, c over
	`},
	{"the second thing it lacks", `
		totals cpu=2 gpu=1 disk=1
		submit g need=cpu:1+gpu:1 | g ready
		submit d need=cpu:1+disk:1 | d ready
		next = g | g running
		next = d | d running
		submit child need=gpu:1+disk:1 | child ready
		block d child : settle child stuck disk | child over, d blocked
	`},
	{"in turn, each holds what the other's child needs", `
		totals cpu=2 gpu=1 disk=1
		submit g need=cpu:1+gpu:1 | g ready
		submit d need=cpu:1+disk:1 | d ready
		next = g | g running
		next = d | d running
		submit gd need=disk:1 | gd ready
		submit dg need=gpu:1 | dg ready
		block g gd | g blocked
		block d dg : settle dg stuck gpu | d blocked, dg over
		unblock d = true | d running
		finish d 1 ok = done | d over
		next = gd | gd running
	`},
	{"those who merely queue survive", `
		totals cpu=2 gpu=1
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=gpu:1 | child ready
		submit later need=gpu:1 | later ready
		submit waits | waits ready
		next = waits | waits running
		block waits later | waits blocked
		block parent child : settle child stuck gpu | child over, parent blocked
		unblock parent = true | parent running
		finish parent 1 ok = done | parent over
		next = later | later running
	`},
	{"through a value", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=gpu:1 | child ready
		submit later need=gpu:1 | later ready
		submit all value deps=child | all waiting
		block parent all : settle child stuck gpu, join all | all joining, child over, parent blocked
		finish all 0 fatal = failed | all over
		unblock parent = true | parent running
	`},
	{"holders that wait for each other", `
		totals cpu=2 gpu=2
		submit a need=cpu:1+gpu:1 | a ready
		submit b need=cpu:1+gpu:1 | b ready
		next = a | a running
		next = b | b running
		submit old need=gpu:1 | old ready
		submit new need=gpu:1 | new ready
		block a b | a blocked
		block b a : settle new stuck gpu, settle old stuck gpu | b blocked, new over, old over
	`},
	{"an interrupted holder will end", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=gpu:1 | child ready
		cancel parent 3 : interrupt parent 3
		block parent child | parent blocked
		finish parent 1 ok = canceled 3 | parent over
		next = child | child running
	`},
	{"it waits for something outside as well", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=cpu:1+gpu:1 | child ready
		block parent none | parent blocked
		block parent child,outside
		unblock parent = true | parent running
		block parent child : settle child stuck gpu | child over, parent blocked
	`},
	{"it waits for what has ended, and then for more", `
		submit done | done ready
		next = done | done running
		finish done 1 ok = done | done over
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit child need=gpu:1 | child ready
		submit second | second ready
		block parent done | parent blocked
		block parent second
		next = second | second running
		finish second 1 ok = done | second over
		block parent child : settle child stuck gpu | child over
	`},
	{"any of a set wakes it", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit free | free ready
		submit a need=gpu:1 | a ready
		submit b need=gpu:1 | b ready
		include set a | set set
		include set free
		block parent set | parent blocked
		next = free | free running
		finish free 1 ok = done | free over
		unblock parent = true | parent running
		include set b
		block parent set : settle b stuck gpu | b over, parent blocked
		unblock parent = true | parent running
		block parent set : settle a stuck gpu | a over, parent blocked, set over
	`},
	{"a set grows while it is waited for", `
		submit parent need=cpu:1+gpu:1 | parent ready
		next = parent | parent running
		submit free | free ready
		submit a need=gpu:1 | a ready
		include set free | set set
		block parent set | parent blocked
		include set a
		cancel free 1 : settle free canceled 1 | free over
		unblock parent = true | parent running
		block parent set : settle a stuck gpu | a over, parent blocked, set over
	`},
	{"CPU is lent, so it is never the reason", `
		submit parent | parent ready
		next = parent | parent running
		submit child | child ready
		block parent child | parent blocked
		next = child | child running
		submit grandchild | grandchild ready
		block child grandchild | child blocked
		next = grandchild | grandchild running
	`},
}

func TestStuck(t *testing.T) {
	for _, c := range stuckCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}
