package coordinator

import (
	"fmt"
	"strings"
	"testing"
)

// statePrelude brings the task x of scope s into a state. Where another task is named it is y; a dependency is a.
var statePrelude = map[string]string{
	"waiting": `
		open s
		submit a | a ready
		submit x scope=s deps=a retries=1 | x waiting`,
	"ready": `
		open s
		submit x scope=s retries=1 | x ready`,
	"running": `
		open s
		submit x scope=s retries=1 | x ready
		next = x | x running`,
	"blocked": `
		open s
		submit x scope=s retries=1 | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked`,
	"resuming": `
		open s
		submit x scope=s retries=1 | x ready
		next = x | x running
		submit y | y ready
		block x y | x blocked
		next = y | y running
		unblock x = false | x resuming`,
	"backoff": `
		open s
		submit x scope=s retries=1 | x ready
		next = x | x running
		finish x 1 error = retry | x backoff`,
	"joining": `
		open s
		submit x scope=s value retries=1 : join x | x joining`,
	"over": `
		open s
		submit x scope=s | x ready
		next = x | x running
		finish x 1 ok = done | x over`,
}

var stateOrder = strings.Fields("waiting ready running blocked resuming backoff joining over")

// eventTable is the table of docs/decisions/0001-coordinator-states.md: what each event does in each state. A line is a
// state and a script's line that is played in it; each event meets each state.
const eventTable = `
waiting   submit z deps=x | z waiting
ready     submit z deps=x | z waiting
running   submit z deps=x | z waiting
blocked   submit z deps=x | z waiting
resuming  submit z deps=x | z waiting
backoff   submit z deps=x | z waiting
joining   submit z deps=x | z waiting
over      submit z deps=x | z ready

waiting   next = a | a running
ready     next = x | x running
running   next = none
blocked   next = y | y running
resuming  next = none
backoff   next = none
joining   next = none
over      next = none

waiting   finish x 0 ok = ignored
ready     finish x 0 ok = ignored
running   finish x 1 ok = done | x over
blocked   finish x 1 ok = done | x over
resuming  finish x 1 ok = done | x over
backoff   finish x 1 ok = ignored
joining   finish x 0 ok = done | x over
over      finish x 1 ok = ignored

running   finish x 0 ok = ignored
running   finish x 2 ok = ignored
blocked   finish x 0 ok = ignored
resuming  finish x 0 ok = ignored
joining   finish x 1 ok = ignored

waiting   finish x 0 error = ignored
ready     finish x 0 error = ignored
running   finish x 1 error = retry | x backoff
blocked   finish x 1 error = retry | x backoff
resuming  finish x 1 error = retry | x backoff
backoff   finish x 1 error = ignored
joining   finish x 0 error = failed | x over
over      finish x 1 error = ignored

waiting   finish x 0 fatal = ignored
ready     finish x 0 fatal = ignored
running   finish x 1 fatal = failed | x over
blocked   finish x 1 fatal = failed | x over
resuming  finish x 1 fatal = failed | x over
backoff   finish x 1 fatal = ignored
joining   finish x 0 fatal = failed | x over
over      finish x 1 fatal = ignored

waiting   block x a
ready     block x none
running   block x none | x blocked
blocked   block x y
resuming  block x y | x blocked
backoff   block x none
joining   block x none
over      block x none

waiting   unblock x = true
ready     unblock x = true
running   unblock x = true
blocked   unblock x = true | x running
resuming  unblock x = false
backoff   unblock x = true
joining   unblock x = true
over      unblock x = true

waiting   due x 0
ready     due x 0
running   due x 1
blocked   due x 1
resuming  due x 1
backoff   due x 1 | x ready
backoff   due x 0
backoff   due x 2
joining   due x 0
over      due x 1

waiting   cancel x 5 : settle x canceled 5 | x over
ready     cancel x 5 : settle x canceled 5 | x over
running   cancel x 5 : interrupt x 5
blocked   cancel x 5 : interrupt x 5
resuming  cancel x 5 : interrupt x 5
backoff   cancel x 5 : settle x canceled 5 started | x over
joining   cancel x 5 : interrupt x 5
over      cancel x 5

waiting   cancelscope s 5 : settle x canceled 5 | x over
ready     cancelscope s 5 : settle x canceled 5 | x over
running   cancelscope s 5 : interrupt x 5
blocked   cancelscope s 5 : interrupt x 5
resuming  cancelscope s 5 : interrupt x 5
backoff   cancelscope s 5 : settle x canceled 5 started | x over
joining   cancelscope s 5 : interrupt x 5
over      cancelscope s 5

waiting   expire x 0
ready     expire x 0
running   expire x 1 : interrupt x 0
running   expire x 0
blocked   expire x 1 : interrupt x 0
resuming  expire x 1 : interrupt x 0
backoff   expire x 1
joining   expire x 0
over      expire x 1

waiting   join x a
ready     join x none
running   join x none
blocked   join x y
resuming  join x y
backoff   join x none
joining   join x none : join x
over      join x none

waiting   adopt x s none
ready     adopt x s none
running   adopt x s none
blocked   adopt x s none
resuming  adopt x s none
backoff   adopt x s none
joining   adopt x s none
over      adopt x s none
`

// TestEvents plays each line of eventTable in a Machine of its own.
func TestEvents(t *testing.T) {
	met := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(eventTable), "\n") {
		if line == "" {
			continue
		}
		state, event, _ := strings.Cut(line, " ")
		verb := strings.Fields(event)[0]
		met[verb+" "+state] = true
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s/%s", state, strings.TrimSpace(event)), " ", "_"), func(t *testing.T) {
			p := newPlayer(t)
			p.play(statePrelude[state])
			if got := stateText(p.m.State(p.ids["x"])); got != state {
				t.Fatalf("the prelude leaves x %s", got)
			}
			p.play(event)
		})
	}
	for _, verb := range strings.Fields("submit next finish block unblock due cancel cancelscope expire join adopt") {
		for _, state := range stateOrder {
			if !met[verb+" "+state] {
				t.Errorf("%s meets no task that is %s", verb, state)
			}
		}
	}
}
