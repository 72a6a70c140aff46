package coordinator

import "testing"

var scopeCases = []script{
	{"an empty scope", `
		open s
		idle s = true
		cancelscope s 1
		close s
	`},
	{"a scope is closed with a task in it", `
		open s
		idle s = true
		submit a scope=s | a ready
		submit b scope=s | b ready
		idle s = false
		close s
		open t
		submit c scope=t | c ready
		cancelscope t 1 : settle c canceled 1 | c over
		next = a | a running
		finish a 1 ok = done | a over
		open u
		cancel b 1 : settle b canceled 1 | b over
		open v
		scopes = 3 # the place of s was used again
		submit d scope=v | d ready
		cancelscope t 1
		cancelscope u 1
		cancelscope v 1 : settle d canceled 1 | d over
	`},
	{"the place of a closed scope is used again", `
		open s
		close s
		open t
		submit a scope=t | a ready
		cancelscope t 2 : settle a canceled 2 | a over
	`},
	{"a cancel in each state, the newest first", `
		totals cpu=2
		open s
		submit run scope=s | run ready
		submit blocked scope=s | blocked ready
		next = run | run running
		next = blocked | blocked running
		submit other | other ready
		block blocked other | blocked blocked
		submit ready scope=s | ready ready
		submit waiting scope=s deps=other | waiting waiting
		submit backoff scope=s attempts=1 retries=1 | backoff backoff
		submit joining scope=s value : join joining | joining joining
		cancelscope s 9 : interrupt joining 9, settle backoff canceled 9 started, settle waiting canceled 9, \
			settle ready canceled 9, interrupt blocked 9, interrupt run 9 | backoff over, ready over, waiting over
		cancelscope s 8
		idle s = false
		finish run 1 ok = canceled 9 | run over
		finish blocked 1 error = canceled 9 | blocked over
		finish joining 0 ok = canceled 9 | joining over
		close s
		len = 1
	`},
	{"a cancel ends what waits for it, in other scopes too", `
		open s
		submit a scope=s | a ready
		submit b deps=a | b waiting
		submit c deps=b | c waiting
		submit d scope=s deps=a | d waiting
		submit v value deps=c | v waiting
		cancelscope s 4 : settle d canceled 4, settle a canceled 4, settle b depfailed a, settle c depfailed b, join v \
			| a over, b over, c over, d over, v joining
	`},
	{"adopt takes along what the tasks wait for", `
		open s
		open t
		open u
		submit deep scope=s | deep ready
		submit foreign scope=u | foreign ready
		submit mid scope=s deps=deep,foreign | mid waiting
		submit top scope=s deps=mid,deep | top waiting
		submit stays scope=s | stays ready
		adopt top,none s t
		cancelscope s 1 : settle stays canceled 1 | stays over
		close s
		cancelscope t 2 : settle top canceled 2, settle mid canceled 2, settle deep canceled 2 | deep over, mid over, top over
		idle u = false
	`},
	{"adopt follows a blocked task", `
		open s
		open t
		submit a scope=s | a ready
		next = a | a running
		submit b scope=s | b ready
		block a b | a blocked
		adopt a s t
		close s
		cancelscope t 6 : settle b canceled 6, interrupt a 6 | b over
	`},
	{"adopt into no scope", `
		open s
		submit a scope=s | a ready
		submit b scope=s | b ready
		submit c scope=s | c ready
		adopt b s none
		cancelscope s 1 : settle c canceled 1, settle a canceled 1 | a over, c over
		next = b | b running
	`},
}

func TestScopes(t *testing.T) {
	for _, c := range scopeCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}
