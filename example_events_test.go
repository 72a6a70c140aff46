package muster_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
)

var eventsFlaky = muster.Func("events.flaky", muster.PlainErr(func(x int) (int, error) {
	return 0, errors.New("no connection")
}), muster.Retries(1))

// Every change of a task's state is told to OnEvent, from one goroutine at a time.
func ExampleConfig_onEvent() {
	session, ctx, err := muster.Open(context.Background(), muster.Config{
		CPUs:    2,
		OnEvent: func(e event.Event) { fmt.Println(e) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = eventsFlaky.Go(ctx, 1).Wait(ctx)
	session.Close() // returns when the last event has been told
	// Output:
	// 1 session-opened: 2 CPUs
	// 2 task-submitted events.flaky #1
	// 3 task-started events.flaky #1
	// 4 task-retrying events.flaky #1: events.flaky: no connection
	// 5 task-started events.flaky #1 attempt 2
	// 6 task-failed events.flaky #1 attempt 2: events.flaky: attempt 2: no connection
	// 7 session-closing
	// 8 session-closed
}
