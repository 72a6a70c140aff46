package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A script is a case of the table tests. Each line is an event with its answer, the actions that it asks for, and the
// states that it changes: these and no others, in this order.
//
//	event [= answer] [: action, action] [| task state, task state]
//
// Tasks go by the names that submit gives them, scopes by those that open gives. A task that has ended is "over".
// Amounts are whole units (gpu:1), bytes or places; gpu and disk are named resources. The first line may set other
// totals than defaultTotals.
type script struct{ name, text string }

const defaultTotals = "totals cpu=1 io=1 memory=100 gpu=1 disk=1"

var dimNames = []string{"cpu", "io", "memory", "gpu", "disk"}

// player plays a script against a Machine.
type player struct {
	t      testing.TB
	m      *Machine
	ids    map[string]ID
	scopes map[string]ScopeID
	states map[string]State // as they were before the event
	record func(task string, from, to State)
}

func newPlayer(t testing.TB) *player {
	p := &player{t: t, ids: map[string]ID{}, scopes: map[string]ScopeID{"none": 0}, states: map[string]State{}}
	p.totals(strings.Fields(defaultTotals)[1:])
	return p
}

// play plays each line of text; an empty one and what follows # mean nothing, and one that ends in \ goes on in the next.
func (p *player) play(text string) {
	p.t.Helper()
	for i, line := range strings.Split(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		want := strings.Join(strings.Fields(line), " ")
		event := want
		for _, mark := range []string{" = ", " : ", " | "} {
			event, _, _ = strings.Cut(event, mark)
		}
		if got := p.step(event); got != want {
			p.t.Fatalf("line %d\n got: %s\nwant: %s", i+1, got, want)
		}
		if err := structureError(p.m); err != nil {
			p.t.Fatalf("line %d: %s: %v", i+1, event, err)
		}
	}
}

// step plays one event and writes down what came of it, as a line of a script.
func (p *player) step(event string) string {
	p.t.Helper()
	out := event
	if answer := p.do(strings.Fields(event)); answer != "" {
		out += " = " + answer
	}
	if acts := p.m.Actions(); len(acts) > 0 {
		var texts []string
		for _, a := range acts {
			texts = append(texts, p.action(a))
		}
		out += " : " + strings.Join(texts, ", ")
	}
	if changed := p.changes(); len(changed) > 0 {
		out += " | " + strings.Join(changed, ", ")
	}
	return out
}

// changes lists the tasks whose state isn't what it was, by name.
func (p *player) changes() (list []string) {
	for _, name := range slices.Sorted(maps.Keys(p.ids)) {
		was, known := p.states[name]
		now := p.m.State(p.ids[name])
		if known && was == now {
			continue
		}
		p.states[name] = now
		if p.record != nil {
			p.record(name, was, now)
		}
		list = append(list, name+" "+stateText(now))
	}
	return list
}

func stateText(s State) string {
	if s == Free {
		return "over"
	}
	return s.String()
}

var outcomeNames = []string{"ignored", "done", "failed", "canceled", "depfailed", "stuck", "retry", "unfit"}

func (p *player) action(a Action) string {
	s := map[Verb]string{Settle: "settle ", Join: "join ", Interrupt: "interrupt ", Resume: "resume "}[a.Verb] + p.nameOf(a.ID)
	if a.Verb == Settle {
		s += " " + outcomeNames[a.Outcome]
	}
	switch {
	case a.Because != 0:
		s += " " + p.nameOf(a.Because)
	case a.Outcome == Stuck:
		s += " " + dimNames[a.Dim]
	case a.Outcome == Canceled || a.Verb == Interrupt:
		s += " " + strconv.Itoa(int(a.Why))
	}
	if a.Started {
		s += " started"
	}
	return s
}

func (p *player) nameOf(id ID) string {
	for name, i := range p.ids {
		if i == id {
			return name
		}
	}
	return fmt.Sprintf("task %#x", uint64(id))
}
