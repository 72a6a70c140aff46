package coordinator

import "testing"

var lifecycleCases = []script{
	{"an expired attempt counts as failed, whatever its result", `
		submit x retries=2 | x ready
		next = x | x running
		expire x 1 : interrupt x 0
		expire x 1
		finish x 1 ok = retry | x backoff
		due x 1 | x ready
		next = x | x running
		expire x 1
		finish x 2 error = retry | x backoff
		due x 2 | x ready
		next = x | x running
		finish x 3 ok = done | x over
	`},
	{"an expired attempt that is the last", `
		submit x | x ready
		next = x | x running
		expire x 1 : interrupt x 0
		finish x 1 ok = failed | x over
	`},
	{"a cancel after the time was over", `
		submit x retries=1 | x ready
		next = x | x running
		expire x 1 : interrupt x 0
		cancel x 2 : interrupt x 2
		finish x 1 ok = canceled 2 | x over
	`},
	{"no time runs out after a cancel", `
		submit x retries=1 | x ready
		next = x | x running
		cancel x 2 : interrupt x 2
		expire x 1
		finish x 1 error = canceled 2 | x over
	`},
	{"a fatal failure isn't retried", `
		submit x retries=9 | x ready
		next = x | x running
		finish x 1 fatal = failed | x over
	`},
	{"retries end", `
		submit x retries=1 attempts=1 | x backoff
		due x 1 | x ready
		next = x | x running
		attempt x = 2
		finish x 2 error = failed | x over
		attempt x = 0
	`},
	{"as many retries as there can be", `
		submit x retries=65535 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff
	`},
	{"a cancel before a retry's attempt", `
		submit x retries=1 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff
		due x 1 | x ready
		cancel x 3 : settle x canceled 3 started | x over
	`},
	{"a value whose cancel came while it was assembled ends at the next step", `
		submit a | a ready
		submit x value : join x | x joining
		submit y deps=x | y waiting
		cancel x 6 : interrupt x 6
		join x a : settle x canceled 6, settle y depfailed x | x over, y over
		submit z value : join z | z joining
		cancel z 6 : interrupt z 6
		finish z 0 ok = canceled 6 | z over
	`},
	{"an event about an earlier task in the same place", `
		submit x | x ready
		next = x | x running
		finish x 1 ok = done | x over
		submit y | y ready
		next = y | y running
		finish x 1 ok = ignored
		cancel x 1
		number x = 0
		number y = 2
		finish y 1 ok = done | y over
	`},
	{"a dependency named twice, and one that has ended", `
		submit gone | gone ready
		cancel gone 1 : settle gone canceled 1 | gone over
		submit a | a ready
		submit x deps=a,a,gone,none | x waiting
		submit y deps=gone | y ready
		next = a | a running
		finish a 1 ok = done | a over, x ready
	`},
	{"two dependencies fail, the task once", `
		submit a | a ready
		submit b deps=a | b waiting
		submit x deps=a,b | x waiting
		cancel a 1 : settle a canceled 1, settle x depfailed a, settle b depfailed a | a over, b over, x over
	`},
	{"dependents become ready in the order in which they came", `
		submit a | a ready
		submit b deps=a | b waiting
		submit c deps=a | c waiting
		submit d deps=a | d waiting
		cancel c 1 : settle c canceled 1 | c over
		next = a | a running
		finish a 1 ok = done | a over, b ready, d ready
		next = b | b running
		finish b 1 ok = done | b over
		next = d | d running
	`},
	{"who waits inside a function is woken by the engine", `
		totals cpu=2
		submit x | x ready
		submit a | a ready
		next = x | x running
		next = a | a running
		block x a | x blocked
		finish a 1 fatal = failed | a over
		unblock x = true | x running
	`},
	{"waiting again and again leaves nothing behind", `
		totals cpu=2
		submit a | a ready
		submit x | x ready
		submit y | y ready
		next = a | a running
		next = x | x running
		block x a | x blocked
		next = y | y running
		block y a | y blocked
		unblock x = true | x running
		block x a | x blocked
		unblock y = true | y running
		block y a | y blocked
		unblock x = true | x running
		unblock y = false | y resuming
		finish a 1 ok = done : resume y | a over, y running
	`},
}

func TestLifecycle(t *testing.T) {
	for _, c := range lifecycleCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}

// TestNames checks that states that are printed have names.
func TestNames(t *testing.T) {
	for s := Free; s <= Joining; s++ {
		if s.String() == "" {
			t.Errorf("state %d has no name", s)
		}
	}
}
