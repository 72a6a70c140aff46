package coordinator

import (
	"slices"

	"pgregory.net/rapid"
)

// program is a small set of tasks over two resources, all of which are submitted at once. CPU plays no part.
type program struct {
	total [2]int64
	tasks []programTask
}

type programTask struct {
	need  [2]int64
	deps  []int
	value bool
	get   int // the task that its function waits for, or -1
}

// A task's phase in a program. A value stays pending until it has ended.
const (
	pending uint8 = iota
	begun         // its function hasn't come to its Get
	inGet
	afterGet // or there is none
	ended
)

// drawProgram makes a program of at most six tasks in which no tasks wait for each other.
func drawProgram(t *rapid.T, most int64) *program {
	number := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
	p := &program{total: [2]int64{int64(number("total", 1, int(most))), int64(number("total", 1, int(most)))}}
	for i := range number("tasks", 2, 6) {
		c := programTask{value: number("value", 0, 4) == 4, get: -1}
		for d := range i {
			if number("dep", 0, 3) == 3 {
				c.deps = append(c.deps, d)
			}
		}
		for d := range c.need {
			if n := number("need", 0, int(p.total[d])); !c.value {
				c.need[d] = int64(n)
			}
		}
		p.tasks = append(p.tasks, c)
	}
	for i := range p.tasks {
		if get := number("get", -1, len(p.tasks)-1); get >= 0 && !p.tasks[i].value && !p.reaches(get, i) {
			p.tasks[i].get = get
		}
	}
	return p
}

// reaches reports whether the task from is to, or waits for it, directly or through others.
func (p *program) reaches(from, to int) bool {
	if from == to {
		return true
	}
	c := p.tasks[from]
	return c.get >= 0 && p.reaches(c.get, to) || slices.ContainsFunc(c.deps, func(d int) bool { return p.reaches(d, to) })
}

func (p *program) free(phases []uint8) [2]int64 {
	free := p.total
	for i, ph := range phases {
		if ph == begun || ph == inGet || ph == afterGet {
			for d := range free {
				free[d] -= p.tasks[i].need[d]
			}
		}
	}
	return free
}

// mayBegin reports whether nothing but the resources keeps the task from starting, and whether they do.
func (p *program) mayBegin(phases []uint8, i int) (ready, fits bool) {
	if phases[i] != pending || slices.ContainsFunc(p.tasks[i].deps, func(d int) bool { return phases[d] != ended }) {
		return false, false
	}
	free := p.free(phases)
	return true, free[0] >= p.tasks[i].need[0] && free[1] >= p.tasks[i].need[1]
}

// someWait reports whether a function's dependencies have not all ended.
func (p *program) someWait(phases []uint8) bool {
	for i, ph := range phases {
		if ready, _ := p.mayBegin(phases, i); ph == pending && !ready && !p.tasks[i].value {
			return true
		}
	}
	return false
}

// canStart tries every future in which functions that have not come to their Get never do, tasks start in any order, and
// nothing fails, and reports whether the task starts in one of them.
func (p *program) canStart(phases []uint8, task int) bool {
	tried := map[string]bool{}
	var try func(phases []uint8) bool
	try = func(phases []uint8) bool {
		if phases[task] != pending {
			return true
		}
		if tried[string(phases)] {
			return false
		}
		tried[string(phases)] = true
		for i, c := range p.tasks {
			next := phases[i]
			switch _, fits := p.mayBegin(phases, i); {
			case fits && c.value:
				next = ended
			case fits:
				next = afterGet
			case next == inGet && phases[c.get] == ended, next == begun:
				next = afterGet
			case next == afterGet:
				next = ended
			}
			if next == phases[i] {
				continue
			}
			then := slices.Clone(phases)
			then[i] = next
			if try(then) {
				return true
			}
		}
		return false
	}
	return try(phases)
}
