//go:build linux

package main

import (
	"path/filepath"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// upgrading is a cluster that is upgraded: its head on a machine of its own, two nodes, and a job whose tasks write down
// what they do.
type upgrading struct {
	*place

	newer *place // by the later command
	nodes [2]protocol.NodeInfo
	log   string
}

func (u *upgrading) folder(i int) string { return u.state([]string{"one", "two"}[i]) }

func (u *upgrading) join(i int) {
	u.t.Helper()
	token := read[protocol.TokenInfo](u.place, "token", "new", "--json", "--uses=1").Token
	u.want(0, "this machine is node", short("join", "--state", u.folder(i), "--token", token, "--cpus=2")...)
	for _, n := range read[[]protocol.NodeInfo](u.place, "nodes", "--json") {
		if n.Node != u.nodes[0].Node {
			u.nodes[i] = n
		}
	}
}

// running is how many tasks have begun and not ended.
func (u *upgrading) running() int {
	list := u.entries(u.log)
	return count(list, "begin", "") - count(list, "end", "")
}

func (u *upgrading) allBusy() {
	u.t.Helper()
	u.until("all four CPUs are busy", func() bool { return u.running() == 4 })
}

// upgradeNode upgrades a node while tasks run on both, which end there since their gate is opened meanwhile. The next gate
// holds those that come after them.
func (u *upgrading) upgradeNode(i int, g *gate) {
	u.t.Helper()
	u.newer.want(0, "is being drained", "drain", u.nodes[i].Node, "--deadline=1h")
	g.open()
	u.newer.want(0, "is drained: nothing runs there", "drain", u.nodes[i].Node, "--wait", "--deadline=1h")
	u.newer.want(0, "stopped the agent", "down", "--state", u.folder(i))
	u.newer.want(0, "this machine is node", short("join", "--state", u.folder(i))...)
	u.newer.want(0, "takes tasks again", "undrain", u.nodes[i].Node)
	u.allBusy()
}

// A cluster is upgraded to the next major version while a job runs that was built with the one before: head, agents, and
// then programs. Nothing runs twice, and nobody is refused that is one version behind.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := newPlace(t, gated)
	u := &upgrading{place: p, log: filepath.Join(p.home, "entries")}
	p.cleanUp(u.folder(0), u.folder(1), p.state("state"))
	later := *p
	later.exe = p.buildIn(here(t), "muster", speaks(2))
	u.newer = &later
	program, laterProgram := p.build("gated"), p.build("gated2", speaks(2))
	p.want(0, "the cluster", short("up", "--no-agent")...)
	u.join(0)
	u.join(1)

	gates := []*gate{p.newGate("a"), p.newGate("b"), p.newGate("c")}
	driver, lines := p.startProgram(program, "18", u.log, gates[0].path, gates[1].path, gates[2].path)
	u.allBusy()
	later.want(0, "stopped the head", "down", "--force")
	later.want(0, "is up", short("up", "--no-agent")...)
	u.until("the head has heard of both nodes", func() bool {
		return countAlive(read[[]protocol.NodeInfo](&later, "nodes", "--json")) == 2
	})
	open := p.newGate("open")
	open.open()
	second, said := p.startProgram(laterProgram, "4", p.state("other"), open.path)
	awaitLine(t, said, "this program speaks version 2.0 of the protocol, and the agent of node")

	u.upgradeNode(0, gates[0])
	u.upgradeNode(1, gates[1])
	gates[2].open()
	awaitLine(t, lines, "exact: true <nil>")
	awaitLine(t, said, "exact: true <nil>")
	if p.exit(driver) != 0 || p.exit(second) != 0 {
		t.Error("a driver has failed")
	}
	if list := p.entries(u.log); count(list, "begin", "") != 18 || count(list, "end", "") != 18 {
		t.Errorf("18 tasks have begun and ended: %v", list)
	}
	for _, n := range read[[]protocol.NodeInfo](&later, "nodes", "--json") {
		if n.Major != 2 || n.Drain != "" || !n.Alive {
			t.Errorf("node %+v", n)
		}
	}
}

// here is this package's folder.
func here(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
