package mustertest

import (
	"fmt"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

// patience is how long goroutines that are about to end are given.
const patience = time.Second

// leaked is the stacks of the goroutines with the label, as the goroutine profile prints them, or nothing.
//
// A goroutine has the profiler labels of the one that started it, so the label finds what a session's functions have
// started, however deep, and nothing else of the process: tests can run beside each other.
func leaked(label string) string {
	for pause := 50 * time.Microsecond; ; pause *= 2 {
		stacks := labelled(label)
		if stacks == "" || pause > patience {
			return stacks
		}
		time.Sleep(pause)
	}
}

func labelled(label string) string {
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	mark := fmt.Sprintf("%q:%q", engine.LabelKey, label)
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
