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
// away is waited for, since that is what one wants to see the end of: away is told of the first error, and with nil of the
// first success after it.
func repeat(ctx context.Context, follow bool, every time.Duration, away func(error), do func(context.Context) error) error {
	err := do(ctx)
	if !follow || err != nil {
		return err
	}
	again := time.NewTicker(every)
	defer again.Stop()
	var since time.Time // when the head went away; zero while it is there
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
			if refused(err) {
				return err
			}
			return nil
		case err == nil && !since.IsZero():
			since = time.Time{}
			away(nil)
		case err == nil:
		case refused(err), errors.Is(err, join.ErrRefused) && !since.IsZero() && time.Since(since) >= notLetIn:
			return err
		case since.IsZero():
			since = time.Now()
			away(err)
		}
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
