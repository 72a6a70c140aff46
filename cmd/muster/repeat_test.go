package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Who follows something is told once that the head is away, and once that it is back; and isn't left waiting where the
// identity isn't let in any more.
func TestRepeat(t *testing.T) {
	gone := errors.New("nobody answers")
	no := &protocol.Refusal{}
	turnedDown := fmt.Errorf("ask: %w", join.ErrRefused)
	for name, row := range map[string]struct {
		answers []error // the last one again and again
		ends    error
		told    []error
	}{
		"refused at once":      {[]error{gone}, gone, nil},
		"refused later":        {[]error{nil, no}, no, nil},
		"away and back":        {[]error{nil, gone, gone, nil, nil, gone, nil, no}, no, []error{gone, nil, gone, nil}},
		"turned down":          {[]error{nil, turnedDown}, turnedDown, []error{turnedDown}},
		"turned down a moment": {[]error{nil, turnedDown, nil, no}, no, []error{turnedDown, nil}},
		"away for long, and turned down a moment": {
			slices.Concat([]error{nil}, slices.Repeat([]error{gone}, 10), []error{turnedDown, nil, no}), no, []error{gone, nil},
		},
		"until Ctrl-C": {[]error{nil, gone}, nil, []error{gone}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			n, told := 0, []error(nil)
			err := repeat(ctx, true, time.Second, func(err error) { told = append(told, err) }, func(context.Context) error {
				n++
				return row.answers[min(n, len(row.answers))-1]
			})
			if !errors.Is(err, row.ends) || err != nil && row.ends == nil {
				t.Errorf("%s: ends with %v, want %v", name, err, row.ends)
			}
			if !slices.Equal(told, row.told) {
				t.Errorf("%s: told of %v, want %v", name, told, row.told)
			}
		})
	}
}
