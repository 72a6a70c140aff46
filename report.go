package muster

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/musterrun/muster/event"
)

// report gathers what Main says at the end: the first errors, how many more there were, and hints.
type report struct {
	mu     sync.Mutex
	failed map[string]int // by function
	total  int
	first  []event.Event
	hints  []string
	cache  int       // troubles of the cache
	now    io.Writer // where hints are told at once, on a cluster: they say why something waits
}

// reportFirst is how many errors are shown whole.
const reportFirst = 3

func (r *report) mask() event.Mask {
	return event.Of(event.TaskFailed, event.TaskUnfit, event.TaskStuck, event.Hint, event.LazyUnused,
		event.CacheCorrupt, event.CacheFailed)
}

func (r *report) observe(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case event.CacheCorrupt, event.CacheFailed:
		if r.cache++; r.cache <= reportFirst {
			r.hints = append(r.hints, e.Text)
		}
	case event.Hint:
		if r.now != nil {
			fmt.Fprintf(r.now, "muster: %s\n", e.Text)
			return
		}
		r.hints = append(r.hints, e.Text)
	case event.LazyUnused:
		r.hints = append(r.hints, unused(e.Items))
	case event.TaskFailed, event.TaskUnfit:
		if r.failed == nil {
			r.failed = map[string]int{}
		}
		if passedOn(e) {
			return
		}
		r.failed[e.Func]++
		r.total++
		if len(r.first) < reportFirst {
			r.first = append(r.first, e)
		}
	case event.TaskStuck:
		r.hints = append(r.hints, fmt.Sprintf("%s #%d hasn't returned since its cancel or timeout:\n%s", e.Func, e.Task, indent(e.Text)))
	}
}

func unused(calls int) string {
	if calls == 1 {
		return "1 lazy call never ran: nothing asked for its Ref"
	}
	return fmt.Sprintf("%d lazy calls never ran: nothing asked for their Refs", calls)
}

// passedOn reports whether the error is that of a task before it, which has been counted.
func passedOn(e event.Event) bool {
	var te *TaskError
	return errors.As(e.Err, &te) && (te.Func != e.Func || te.Task != e.Task)
}

// print writes the hints, and if tasks failed the first errors and a last line with the counts. Stacks are shown when
// the run itself failed.
func (r *report) print(w io.Writer, runErr error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.hints {
		fmt.Fprintf(w, "muster: %s\n", h)
	}
	if more := r.cache - reportFirst; more > 0 {
		fmt.Fprintf(w, "muster: the cache had %d more troubles: Config.OnEvent is told of each\n", more)
	}
	if r.total == 0 {
		return
	}
	if runErr != nil {
		for _, e := range r.first {
			r.printOne(w, e)
		}
	}
	fmt.Fprintf(w, "muster: %d failed: %s", r.total, counts(r.failed))
	if more := r.total - len(r.first); runErr != nil && more > 0 {
		fmt.Fprintf(w, " (%d more than shown: Config.OnEvent is told of each)", more)
	}
	if runErr == nil {
		fmt.Fprintf(w, "; the first: %s", firstLine(r.first[0].Err.Error()))
	}
	fmt.Fprintln(w)
}

func (r *report) printOne(w io.Writer, e event.Event) {
	fmt.Fprintf(w, "muster: %s", e.Func)
	if e.Task > 0 {
		fmt.Fprintf(w, " #%d", e.Task)
	}
	if e.Item >= 0 {
		fmt.Fprintf(w, " item %d", e.Item)
	}
	if e.Attempt > 0 {
		fmt.Fprintf(w, " attempt %d", e.Attempt)
	}
	fmt.Fprintf(w, ": %s\n", firstLine(cause(e.Err).Error()))
	var te *TaskError
	if errors.As(e.Err, &te) && te.Stack != "" {
		fmt.Fprintln(w, indent(te.Stack))
	}
}

// cause is the error without what names the task.
func cause(err error) error {
	var te *TaskError
	if errors.As(err, &te) {
		return te.Err
	}
	return err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// stackLines is how much of a stack is shown: the function's own frames come first.
const stackLines = 20

func indent(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > stackLines {
		lines = append(lines[:stackLines], "...")
	}
	return "\t" + strings.Join(lines, "\n\t")
}
