package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/musterrun/muster/cluster/join"
)

// notLetIn is for how long who follows something asks on though the servers turn its identity down: a new one may be on
// its way.
const notLetIn = 5 * time.Second

// repeat does something once, or again and again until ctx ends, which is no error then. When following, a head that is
// away is waited for, since that is what one wants to see the end of: tell is given the first error, and nil with the first
// success after it.
func repeat(ctx context.Context, follow bool, every time.Duration, tell func(error), do func(context.Context) error) error {
	err := do(ctx)
	if !follow || err != nil {
		return err
	}
	again := time.NewTicker(every)
	defer again.Stop()
	var away, denied bool // so it was the last time
	var since time.Time   // when it was denied first
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		err := do(ctx)
		if ctx.Err() != nil {
			return nil
		}
		no := errors.Is(err, join.ErrRefused)
		if no && !denied {
			since = time.Now()
		}
		if refused(err) || no && time.Since(since) >= notLetIn {
			return err
		}
		if denied = no; away != (err != nil) {
			tell(err)
		}
		away = err != nil
	}
}

// awayTo tells people.
func awayTo(w io.Writer) func(error) {
	return func(err error) {
		if err == nil {
			fmt.Fprintln(w, "muster: the head answers again")
			return
		}
		fmt.Fprintf(w, "muster: %v (waiting until it answers, or Ctrl-C)\n", err)
	}
}
