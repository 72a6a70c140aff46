package coordinator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// farPlayer plays tasks on nodes: gpus says how many each has.
type farPlayer struct {
	*testing.T
	m     *Machine
	gpu   Dim
	gpus  []int64
	limit int64 // of all together; 0 for none
	ids   map[string]ID
	on    map[ID]int
	suits func(node int, class uint32) bool
}

func newFarPlayer(t *testing.T, gpus ...int64) *farPlayer {
	p := &farPlayer{T: t, m: New([]int64{Unit, 1, 1, Unit}), gpus: gpus, ids: map[string]ID{}, on: map[ID]int{}}
	p.suits = func(int, uint32) bool { return true }
	p.gpu = p.m.AddDim()
	return p
}

// submit makes a task of so many GPUs.
func (p *farPlayer) submit(name string, gpus int64, deps ...string) ID {
	s := Spec{Need: p.m.AwayNeed([]Amount{{CPU, Unit}, {p.gpu, gpus * Unit}}, 0)}
	for _, d := range deps {
		s.Deps = append(s.Deps, p.ids[d])
	}
	p.ids[name] = p.m.Submit(s)
	return p.ids[name]
}

// start has the next task start on a node.
func (p *farPlayer) start(name string, node int) {
	p.Helper()
	offered := make([]int64, int(p.gpu)+1)
	offered[CPU], offered[p.gpu] = Unit, p.gpus[node]*Unit
	id, ok := p.m.Take(0, offered, anywhere)
	if !ok || id != p.ids[name] {
		p.Fatalf("%s doesn't start: %v, %v", name, id, ok)
	}
	p.on[id] = node
}

func (p *farPlayer) block(name string, on ...string) {
	var ids []ID
	for _, o := range on {
		ids = append(ids, p.id(o))
	}
	p.m.Block(p.ids[name], ids...)
}

func (p *farPlayer) id(name string) ID {
	if name == "outside" {
		return Outside
	}
	return p.ids[name]
}

// stuck are the tasks that are found stuck, and what they lack.
func (p *farPlayer) stuck() string {
	p.Helper()
	nodes := make([]Node, len(p.gpus))
	for v, n := range p.gpus {
		room := make([]int64, int(p.gpu)+1)
		room[CPU], room[p.gpu] = 4*Unit, n*Unit
		nodes[v] = Node{Room: room, Suits: func(class uint32) bool { return p.suits(v, class) }}
	}
	var limits []int64
	if p.limit > 0 {
		limits = []int64{Unit, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}[:p.gpu+1]
		limits[p.gpu] = p.limit * Unit
	}
	p.m.UnstickFar(nodes, limits, func(id ID) int {
		if v, ok := p.on[id]; ok {
			return v
		}
		return -1
	})
	var names []string
	for _, a := range p.m.Actions() {
		for name, id := range p.ids {
			if id == a.ID && a.Outcome == Stuck {
				names = append(names, fmt.Sprint(name, ":", a.Dim == p.gpu))
			}
		}
	}
	if err := structureError(p.m); err != nil {
		p.Error(err)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (p *farPlayer) want(stuck string) {
	p.Helper()
	if got := p.stuck(); got != stuck {
		p.Errorf("stuck: %q, want %q", got, stuck)
	}
}

func TestStuckOnNodes(t *testing.T) {
	for name, play := range map[string]func(p *farPlayer){
		"a child needs what its parent holds": func(p *farPlayer) {
			p.gpus = []int64{1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 1)
			p.want("") // nobody waits yet
			p.block("parent", "child")
			p.want("child:true")
			p.want("")
			if !p.m.Unblock(p.ids["parent"]) {
				p.Error("the parent can't go on")
			}
		},
		"another node has one": func(p *farPlayer) {
			p.gpus = []int64{1, 1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 1)
			p.block("parent", "child")
			p.want("")
			p.suits = func(node int, _ uint32) bool { return node == 0 }
			p.want("child:true")
		},
		"another node's will be free": func(p *farPlayer) {
			p.gpus = []int64{1, 1}
			p.submit("parent", 1)
			p.submit("runs", 1)
			p.start("parent", 0)
			p.start("runs", 1)
			p.submit("child", 1)
			p.block("parent", "child")
			p.want("")
			p.block("runs", "outside")
			p.want("")
			p.m.Finish(p.ids["runs"], 1, Succeeded)
			p.want("")
		},
		"two parents, each on a node": func(p *farPlayer) {
			p.gpus = []int64{1, 1}
			p.submit("first", 1)
			p.submit("second", 1)
			p.start("first", 0)
			p.start("second", 1)
			p.submit("one", 1)
			p.submit("two", 1)
			p.block("first", "one")
			p.want("")
			p.block("second", "two")
			p.want("two:true")
			p.m.Unblock(p.ids["second"])
			p.want("") // the second's will be free
		},
		"no node could ever": func(p *farPlayer) {
			p.gpus = []int64{1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 2)
			p.block("parent", "child")
			p.want("") // that is refused otherwise
		},
		"part of what a node has": func(p *farPlayer) {
			p.gpus = []int64{3}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("small", 2)
			p.block("parent", "small")
			p.want("") // whoever else has it gives it back
			p.submit("large", 3)
			p.block("parent", "large")
			p.want("") // the small one ends the wait
			p.m.Cancel(p.ids["small"], 1)
			p.m.Actions()
			p.want("") // its wait is over
			p.m.Unblock(p.ids["parent"])
			p.block("parent", "large")
			p.want("large:true")
		},
		"by way of others": func(p *farPlayer) {
			p.gpus = []int64{1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("mid", 0)
			p.block("parent", "mid")
			p.want("")
			p.start("mid", 0)
			p.submit("child", 1)
			p.submit("after", 0, "child")
			p.block("mid", "after")
			p.want("child:true")
		},
		"a holder on a node that isn't known": func(p *farPlayer) {
			p.gpus = []int64{1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 1)
			p.block("parent", "child")
			p.on[p.ids["parent"]] = -1
			p.want("")
		},
		"a limit is what the child lacks": func(p *farPlayer) {
			p.gpus = []int64{2, 2}
			p.limit = 2
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 1)
			p.block("parent", "child")
			p.want("")
			p.submit("large", 2)
			p.submit("above", 3)
			p.m.Unblock(p.ids["parent"])
			p.block("parent", "large")
			p.want("large:true") // not above, which could never keep to the limit
		},
		"a limit that others will leave": func(p *farPlayer) {
			p.gpus = []int64{2, 2}
			p.limit = 2
			p.submit("parent", 1)
			p.submit("runs", 1)
			p.start("parent", 0)
			p.start("runs", 1)
			p.submit("child", 1)
			p.block("parent", "child")
			p.want("")
			p.submit("second", 1)
			p.block("runs", "second")
			p.want("second:true")
			p.m.Unblock(p.ids["runs"])
			p.want("")
		},
		"those who merely queue survive": func(p *farPlayer) {
			p.gpus = []int64{1}
			p.submit("parent", 1)
			p.start("parent", 0)
			p.submit("child", 1)
			p.submit("later", 1)
			p.block("parent", "child")
			p.want("child:true")
			p.m.Unblock(p.ids["parent"])
			p.m.Finish(p.ids["parent"], 1, Succeeded)
			p.start("later", 0)
		},
	} {
		t.Run(name, func(t *testing.T) { play(newFarPlayer(t)) })
	}
}

// TestStuckHereAndThere: the driver's own tasks and those of nodes wait for each other.
func TestStuckHereAndThere(t *testing.T) {
	p := newFarPlayer(t, 1)
	need, err := p.m.Need([]Amount{{FirstNamed, Unit}})
	if err != nil {
		t.Fatal(err)
	}
	p.submit("there", 1)
	p.start("there", 0)
	p.ids["here"] = p.m.Submit(Spec{Need: need})
	if id, ok := p.m.Next(); !ok || id != p.ids["here"] {
		t.Fatal(id, ok)
	}
	p.submit("gpu", 1)
	p.ids["licence"] = p.m.Submit(Spec{Need: need})
	p.block("here", "gpu")
	p.want("")
	p.block("there", "licence")
	if got := p.stuck(); got != "licence:false" && got != "gpu:true" {
		t.Errorf("stuck: %q", got)
	}
}

func TestHoldersFar(t *testing.T) {
	p := newFarPlayer(t, 4)
	for _, name := range []string{"a", "b", "c"} {
		p.submit(name, 1)
		p.start(name, 0)
	}
	p.m.GiveBack(p.ids["a"], 1, false)
	p.m.Finish(p.ids["c"], 1, Succeeded)
	var held []ID
	p.m.HoldersFar(p.gpu, func(id ID) { held = append(held, id) })
	if !slices.Equal(held, []ID{p.ids["b"]}) {
		t.Error(held)
	}
	p.want("")
}
