package engine

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/protocol"
)

// load watches how many attempts run at once, to notice a program that uses one core of many.
type load struct {
	done    uint64 // tasks, and items of Maps
	failed  uint64
	open    int // attempts
	running int // those of them that don't wait for a Ref
	most    int
	ran     int
	busy    time.Duration
	byFunc  []endings // with a Carrier: by the number of a registered function, from 1; 0 is for the others
}

// endings counts the tasks of a function that have, and items of Maps.
type endings struct{ done, failed uint64 }

func (l *load) started() {
	l.open++
	l.running++
	l.most = max(l.most, l.running)
}

func (l *load) ended(took time.Duration) {
	l.open--
	l.running--
	l.ran++
	l.busy += took
}

// hint is what a program hears that had enough to do for all cores, or a cluster, and kept one core busy.
func (l *load) hint(cpus float64, cluster bool) string {
	if cpus < 2 && !cluster || l.most != 1 || l.ran < 16 || l.busy < time.Second {
		return ""
	}
	where := "a cluster"
	if !cluster {
		where = fmt.Sprintf("%v cores", cpus)
	}
	return fmt.Sprintf("%d tasks ran one at a time on %s: start them with Go or Map before you wait for the first", l.ran, where)
}

// count counts a task that has ended; a chunk of a Map counts its items.
func (l *load) count(t *Task, kind event.Kind) {
	if t.is(joins) && !t.up {
		return
	}
	n, bad := 1, 0
	if t.is(quiet) {
		n, bad = t.ops.(interface{ tally() (items, failed int) }).tally()
	}
	switch kind {
	case event.TaskDone:
		l.add(t, uint64(n-bad), uint64(bad))
	case event.TaskFailed, event.TaskUnfit:
		l.add(t, 0, uint64(n))
	}
}

// functions are the functions of which tasks have ended, and how many.
func (l *load) functions() (list []protocol.TaskCount) {
	fns := functions()
	for i, e := range l.byFunc {
		if e == (endings{}) {
			continue
		}
		name := "local"
		if i > 0 && i <= len(fns) {
			name = fns[i-1].name
		}
		list = append(list, protocol.TaskCount{Func: name, Done: e.done, Failed: e.failed})
	}
	return list
}

func (l *load) add(t *Task, done, failed uint64) {
	l.done += done
	l.failed += failed
	if t.s.cfg.Carrier == nil {
		return
	}
	i := 0
	if reg := t.ops.Spec().reg; reg != nil {
		i = int(reg.index) + 1
	}
	for i >= len(l.byFunc) {
		l.byFunc = append(l.byFunc, endings{})
	}
	l.byFunc[i].done += done
	l.byFunc[i].failed += failed
}
