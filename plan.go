package muster

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/musterrun/muster/internal/engine"
)

// Plan is what would run, or ran, for a Ref: its task and all it waits or waited for. It is a picture of the moment it
// was asked for. What a chain of more than 10,000 tasks has behind it is forgotten; a line says where.
type Plan struct {
	tasks []engine.PlanTask // each after what it waits for
}

// String lists the tasks, each after what it waits for: `3 merge #17 done 1.2ms <- 1 2`. #17 is the task's number, as
// errors and events give it; it is missing before the task is submitted, and where it has been forgotten.
func (p *Plan) String() string {
	var b strings.Builder
	for i, t := range p.tasks {
		fmt.Fprintf(&b, "%d %s %s", i+1, named(t), t.State)
		if t.Took > 0 {
			fmt.Fprintf(&b, " %s", took(t.Took))
		}
		for k, d := range t.Deps {
			if k == 0 {
				b.WriteString(" <-")
			}
			fmt.Fprintf(&b, " %d", d+1)
		}
		if t.Cut {
			b.WriteString(" <- (earlier tasks, forgotten)")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// DOT is the plan as a Graphviz graph.
func (p *Plan) DOT() string {
	var b strings.Builder
	b.WriteString("digraph plan {\n\trankdir=LR\n")
	for i, t := range p.tasks {
		fmt.Fprintf(&b, "\tn%d [label=%q]\n", i+1, label(t))
	}
	p.edges(func(from, to int) { fmt.Fprintf(&b, "\tn%d -> n%d\n", from, to) })
	b.WriteString("}\n")
	return b.String()
}

// Mermaid is the plan as a Mermaid flow chart, which many viewers of Markdown draw.
func (p *Plan) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, t := range p.tasks {
		fmt.Fprintf(&b, "\tn%d[\"%s\"]\n", i+1, strings.NewReplacer(`"`, "#quot;", "\n", "<br>").Replace(label(t)))
	}
	p.edges(func(from, to int) { fmt.Fprintf(&b, "\tn%d --> n%d\n", from, to) })
	return b.String()
}

// JSON is the plan as an array of {id, func, task, state, seconds, deps}: id counts from 1 and is what deps names, task is
// the task's number if it is known, seconds has four digits.
func (p *Plan) JSON() ([]byte, error) {
	type task struct {
		ID      int     `json:"id"`
		Func    string  `json:"func"`
		Task    uint64  `json:"task,omitempty"`
		State   string  `json:"state"`
		Seconds float64 `json:"seconds,omitempty"`
		Deps    []int   `json:"deps,omitempty"`
	}
	out := make([]task, len(p.tasks))
	for i, t := range p.tasks {
		out[i] = task{ID: i + 1, Func: t.Func, Task: t.Task, State: t.State, Seconds: rounded(t.Took)}
		for _, d := range t.Deps {
			out[i].Deps = append(out[i].Deps, d+1)
		}
	}
	return json.Marshal(out)
}

// CriticalPath is the chain of tasks whose attempts took longest together, first to last, as `read 1ms -> count 20ms`:
// more cores can't make the plan faster than that. Tasks that have not run count as nothing.
func (p *Plan) CriticalPath() string {
	sum := make([]float64, len(p.tasks))
	prev := make([]int, len(p.tasks))
	last := 0
	for i, t := range p.tasks {
		prev[i] = -1
		for _, d := range t.Deps {
			if prev[i] < 0 || sum[d] > sum[prev[i]] {
				prev[i] = d
			}
		}
		sum[i] = t.Took
		if prev[i] >= 0 {
			sum[i] += sum[prev[i]]
		}
		if sum[i] >= sum[last] {
			last = i
		}
	}
	var path []string
	for i := last; i >= 0; i = prev[i] {
		path = append([]string{strings.TrimSpace(p.tasks[i].Func + " " + took(p.tasks[i].Took))}, path...)
	}
	return strings.Join(path, " -> ")
}

func (p *Plan) edges(each func(from, to int)) {
	for i, t := range p.tasks {
		for _, d := range t.Deps {
			each(d+1, i+1)
		}
	}
}

// named is a task as errors name it.
func named(t engine.PlanTask) string {
	if t.Task == 0 {
		return t.Func
	}
	return fmt.Sprintf("%s #%d", t.Func, t.Task)
}

// rounded keeps four digits: the clock's own are fewer.
func rounded(seconds float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(seconds, 'g', 4, 64), 64)
	if err != nil {
		return seconds
	}
	return r
}

func label(t engine.PlanTask) string {
	s := named(t) + "\n" + t.State
	if t.Took > 0 {
		s += " " + took(t.Took)
	}
	return s
}

// took is a duration with three digits, or nothing for a task that didn't run.
func took(seconds float64) string {
	switch {
	case seconds <= 0:
		return ""
	case seconds < 1e-3:
		return fmt.Sprintf("%.3gus", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3gms", seconds*1e3)
	default:
		return fmt.Sprintf("%.3gs", seconds)
	}
}
