package coordinator

import "testing"

// arrow is a change of state that one event may make, as it is seen after the event. Free stands for both ends.
type arrow struct{ from, to State }

// arrows are all there are, each with a case that makes it.
var arrows = map[arrow]string{
	{Free, Waiting}: `
		submit a | a ready
		submit x deps=a | x waiting`,
	{Free, Ready}: `
		submit x | x ready`,
	{Free, Joining}: `
		submit x value : join x | x joining`,
	{Free, Backoff}: `
		submit x attempts=2 retries=5 | x backoff
		attempt x = 2`,
	{Free, Free}: ` # it ends before Submit returns
		submit a need=gpu:1 | a ready
		next = a | a running
		submit v value deps=a | v waiting
		block a v | a blocked
		submit x need=gpu:1 : settle x stuck gpu | x over`,
	{Waiting, Ready}: `
		submit a | a ready
		submit b | b ready
		submit x deps=a,b | x waiting
		next = a | a running
		finish a 1 ok = done | a over
		next = b | b running
		finish b 1 ok = done | b over, x ready`,
	{Waiting, Joining}: `
		submit a | a ready
		submit b | b ready
		submit x value deps=a,b | x waiting
		cancel a 1 : settle a canceled 1 | a over
		next = b | b running
		finish b 1 fatal = failed : join x | b over, x joining`,
	{Joining, Waiting}: `
		submit a | a ready
		submit x value : join x | x joining
		join x a | x waiting
		next = a | a running
		finish a 1 ok = done : join x | a over, x joining
		join x a : join x
		finish x 0 ok = done | x over`,
	{Ready, Running}: `
		submit x | x ready
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
		next = x | x running
		free = cpu:0 io:1 memory:100 gpu:1 disk:1
		attempt x = 1`,
	{Running, Blocked}: `
		submit a | a ready
		submit x need=cpu:0.5+gpu:1+memory:10 | x ready
		next = a | a running
		next = none
		finish a 1 ok = done | a over
		next = x | x running
		free = cpu:0.5 io:1 memory:90 gpu:0 disk:1
		submit y | y ready
		block x y | x blocked
		free = cpu:1 io:1 memory:90 gpu:0 disk:1`,
	{Blocked, Running}: `
		submit x | x ready
		next = x | x running
		block x none | x blocked
		unblock x = true | x running
		free = cpu:0 io:1 memory:100 gpu:1 disk:1`,
	{Blocked, Resuming}: `
		submit x | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		next = y | y running
		unblock x = false | x resuming
		free = cpu:0 io:1 memory:100 gpu:1 disk:1`,
	{Resuming, Blocked}: ` # another goroutine of the function begins to wait
		submit x | x ready
		next = x | x running
		submit y | y ready
		block x none | x blocked
		next = y | y running
		unblock x = false | x resuming
		block x y | x blocked
		finish y 1 ok = done | y over
		unblock x = true | x running
		free = cpu:0 io:1 memory:100 gpu:1 disk:1`,
	{Resuming, Running}: `
		submit x | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		next = y | y running
		unblock x = false | x resuming
		finish y 1 ok = done : resume x | x running, y over
		free = cpu:0 io:1 memory:100 gpu:1 disk:1`,
	{Running, Backoff}: `
		submit x retries=1 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
		attempt x = 1`,
	{Blocked, Backoff}: ` # the engine gives up a function that doesn't return
		submit x retries=1 | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		finish x 1 error = retry | x backoff
		free = cpu:1 io:1 memory:100 gpu:1 disk:1`,
	{Resuming, Backoff}: `
		submit x retries=1 | x ready
		next = x | x running
		submit y | y ready
		block x none | x blocked
		next = y | y running
		unblock x = false | x resuming
		finish x 1 error = retry | x backoff
		free = cpu:0 io:1 memory:100 gpu:1 disk:1`,
	{Backoff, Ready}: `
		submit x retries=1 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff
		next = none
		due x 1 | x ready
		next = x | x running
		attempt x = 2
		finish x 1 ok = ignored
		finish x 2 error = failed | x over`,
	{Waiting, Free}: `
		submit a | a ready
		submit b deps=a | b waiting
		submit x deps=b | x waiting
		submit c deps=a | c waiting
		next = a | a running
		finish a 1 fatal = failed : settle c depfailed a, settle b depfailed a, settle x depfailed b | a over, b over, c over, x over`,
	{Ready, Free}: `
		submit x | x ready
		submit y | y ready
		cancel x 7 : settle x canceled 7 | x over
		next = y | y running`,
	{Running, Free}: `
		submit x | x ready
		submit y deps=x | y waiting
		next = x | x running
		cancel x 7 : interrupt x 7
		cancel x 8
		finish x 1 ok = canceled 7 : settle y depfailed x | x over, y over
		free = cpu:1 io:1 memory:100 gpu:1 disk:1`,
	{Blocked, Free}: `
		submit x retries=3 | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		cancel x 7 : interrupt x 7
		finish x 1 error = canceled 7 | x over
		free = cpu:1 io:1 memory:100 gpu:1 disk:1`,
	{Resuming, Free}: `
		submit x | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		next = y | y running
		unblock x = false | x resuming
		finish x 1 ok = done | x over
		finish y 1 ok = done | y over
		free = cpu:1 io:1 memory:100 gpu:1 disk:1`,
	{Backoff, Free}: `
		submit x retries=1 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff
		cancel x 7 : settle x canceled 7 started | x over
		due x 1`,
	{Joining, Free}: `
		submit x value : join x | x joining
		submit y deps=x | y waiting
		finish x 0 fatal = failed : settle y depfailed x | x over, y over
		len = 0`,
}

func TestTransitions(t *testing.T) {
	for a, text := range arrows {
		t.Run(stateText(a.from)+" to "+stateText(a.to), func(t *testing.T) {
			p := newPlayer(t)
			var last []arrow // of x
			p.record = func(task string, from, to State) {
				if _, ok := arrows[arrow{from, to}]; !ok {
					t.Fatalf("no arrow from %v to %v", from, to)
				}
				if task == "x" {
					last = append(last, arrow{from, to})
				}
			}
			p.play(text)
			for _, l := range last {
				if l == a {
					return
				}
			}
			t.Fatalf("x went %v", last)
		})
	}
}
