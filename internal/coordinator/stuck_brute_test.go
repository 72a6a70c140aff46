package coordinator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestStuckBruteForce plays small random programs in every order in which a Machine can play them, and compares what it
// declares stuck with a search through all futures.
func TestStuckBruteForce(t *testing.T) { bruteForce(t, nil) }

// TestStuckFarBruteForce does it with tasks that run elsewhere, on one node.
func TestStuckFarBruteForce(t *testing.T) {
	bruteForce(t, func(total []int64) ([]Node, []int64) { return []Node{{Room: total, Suits: anywhere}}, nil })
}

// TestStuckLimitBruteForce does it on two nodes, each of which has enough, with a limit for all tasks together.
func TestStuckLimitBruteForce(t *testing.T) {
	bruteForce(t, func(total []int64) ([]Node, []int64) {
		node := Node{Room: slices.Repeat([]int64{1 << 40}, len(total)), Suits: anywhere}
		limits := slices.Clone(total)
		for d := range FirstNamed {
			limits[d] = 1 << 40
		}
		return []Node{node, node}, limits
	})
}

// bruteForce takes the nodes on which tasks run that have so much together; nil for tasks that run here.
func bruteForce(t *testing.T, far func(total []int64) ([]Node, []int64)) {
	setFlag(t, "rapid.checks", 400)
	victims, histories := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		e := &explorer{T: t, p: drawProgram(t, 1), far: far}
		if rapid.Bool().Draw(t, "larger") {
			e.p = drawProgram(t, 3)
		}
		e.explore()
		victims += e.victims
		histories += e.histories
	})
	if victims < 100 {
		t.Errorf("only %d tasks were stuck in %d histories", victims, histories)
	}
}

// move is one thing that a function or the engine does.
type move struct {
	verb string
	task int
}

// explorer plays a program in every order. A Machine can't be copied: each history is played from the start.
type explorer struct {
	*rapid.T
	p         *program
	far       func(total []int64) ([]Node, []int64) // as bruteForce's
	path      []move
	m         *Machine
	ids       []ID
	phases    []uint8
	victims   int
	histories int
}

func (e *explorer) explore() {
	been := map[string]bool{}
	todo := [][]move{nil}
	for len(todo) > 0 {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		e.play(path)
		if been[string(e.phases)] {
			continue
		}
		been[string(e.phases)] = true
		e.histories++
		moves := e.moves()
		if len(moves) == 0 && e.m.Len() > 0 {
			e.Fatalf("%+v\nafter %v: no progress, %d tasks are left in the phases %v", e.p, path, e.m.Len(), e.phases)
		}
		for _, mv := range moves {
			todo = append(todo, append(slices.Clone(path), mv))
		}
	}
}

// play plays a history from the start.
func (e *explorer) play(path []move) {
	e.path = path
	e.m = New([]int64{Unit, 0, 0, e.p.total[0], e.p.total[1]})
	e.ids, e.phases = nil, make([]uint8, len(e.p.tasks))
	for _, c := range e.p.tasks {
		s := Spec{Need: e.need([]Amount{{FirstNamed, c.need[0]}, {FirstNamed + 1, c.need[1]}}), Value: c.value}
		for _, d := range c.deps {
			s.Deps = append(s.Deps, e.ids[d])
		}
		e.ids = append(e.ids, e.m.Submit(s))
		e.carryOut()
	}
	for _, mv := range path {
		e.do(mv)
	}
	e.checkNobodyForgotten()
}

func (e *explorer) need(amounts []Amount) NeedID {
	if e.far != nil {
		return e.m.AwayNeed(amounts, 0)
	}
	need, err := e.m.Need(amounts)
	if err != nil {
		e.Fatalf("need: %v", err)
	}
	return need
}

// next has the Machine give out a task.
func (e *explorer) next() (ID, bool) {
	if e.far == nil {
		return e.m.Next()
	}
	free := e.p.free(e.phases)
	return e.m.Take(0, []int64{0, 0, 0, free[0], free[1]}, anywhere)
}

// unstick looks for stuck tasks, which a Machine does by itself for those that run here.
func (e *explorer) unstick() {
	if e.far != nil {
		nodes, limits := e.far([]int64{0, 0, 0, e.p.total[0], e.p.total[1]})
		e.m.UnstickFar(nodes, limits, func(id ID) int { return int(id.index()) % len(nodes) })
	}
}

func (e *explorer) moves() (moves []move) {
	for i, ph := range e.phases {
		c := e.p.tasks[i]
		switch {
		case ph == begun:
			moves = append(moves, move{"block", i})
		case ph == inGet && e.phases[c.get] == ended:
			moves = append(moves, move{"unblock", i})
		case ph == afterGet:
			moves = append(moves, move{"finish", i})
		}
		if _, fits := e.p.mayBegin(e.phases, i); fits && e.m.State(e.ids[i]) == Ready && (len(moves) == 0 || moves[0].verb != "next") {
			moves = slices.Insert(moves, 0, move{"next", -1})
		}
	}
	return moves
}

func (e *explorer) do(mv move) {
	switch i := mv.task; mv.verb {
	case "next":
		id, ok := e.next()
		if !ok && len(e.moves()) > 1 {
			return // something holds the room, and others go on until it has it
		}
		i = slices.Index(e.ids, id)
		if _, fits := e.p.mayBegin(e.phases, max(i, 0)); !ok || !fits {
			e.Fatalf("%+v\nafter %v: next gives task %d, %v", e.p, e.path, i, ok)
		}
		e.phases[i] = begun
		if e.p.tasks[i].get < 0 {
			e.phases[i] = afterGet
		}
	case "block":
		e.phases[i] = inGet
		e.m.Block(e.ids[i], e.ids[e.p.tasks[i].get])
	case "unblock":
		e.phases[i] = afterGet
		e.m.Unblock(e.ids[i])
	case "finish":
		e.phases[i] = ended
		e.m.Finish(e.ids[i], 1, Succeeded)
	}
	e.carryOut()
}

// carryOut does what the Machine asks for. Values are done at once.
func (e *explorer) carryOut() {
	e.unstick()
	for acts := e.m.Actions(); len(acts) > 0; acts = e.m.Actions() {
		var values []int
		for _, a := range acts {
			i := slices.Index(e.ids, a.ID)
			switch {
			case a.Verb == Join:
				values = append(values, i)
				continue
			case a.Outcome == Stuck:
				e.checkVictim(i)
			}
			e.phases[i] = ended
		}
		for _, i := range values {
			e.phases[i] = ended
			e.m.Finish(e.ids[i], 0, Succeeded)
		}
		e.unstick()
	}
}

// checkVictim checks a task that is declared stuck: no future starts it, and a holder of a resource waits for it.
func (e *explorer) checkVictim(i int) {
	e.victims++
	if e.p.canStart(e.phases, i) {
		e.Fatalf("%+v\nafter %v: task %d is declared stuck in the phases %v, and can start", e.p, e.path, i, e.phases)
	}
	for j, c := range e.p.tasks {
		if e.phases[j] == inGet && c.need != [2]int64{} && e.p.reaches(c.get, i) {
			return
		}
	}
	e.Fatalf("%+v\nafter %v: task %d is declared stuck in the phases %v, and no holder waits for it", e.p, e.path, i, e.phases)
}

// checkNobodyForgotten checks that what no future starts has been declared stuck. The Machine may notice later while a
// task waits for its dependencies, since it takes it that one whose dependencies can run can run itself, and with larger
// amounts, since it takes it that one holder that can run will do. That it does notice, explore checks.
func (e *explorer) checkNobodyForgotten() {
	if e.p.total != [2]int64{1, 1} || e.p.someWait(e.phases) {
		return
	}
	for i := range e.p.tasks {
		if ready, _ := e.p.mayBegin(e.phases, i); ready && !e.p.canStart(e.phases, i) {
			e.Fatalf("%+v\nafter %v: task %d can never start in the phases %v", e.p, e.path, i, e.phases)
		}
	}
}
