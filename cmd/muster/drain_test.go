//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
	"github.com/musterrun/muster/protocol"
)

// gated is a program whose tasks write down where they begin and end, and in between wait until their gate is opened: the
// first tasks for the first gate, and so on.
const gated = `package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/musterrun/muster"
)

type Work struct { N int; Gate, Log string }

var Do = muster.Func("do", func(ctx context.Context, w Work) (int, error) {
	note := func(what string) {
		f, err := os.OpenFile(w.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(f, what, w.N, muster.Info(ctx).Node)
			err = f.Close()
		}
		if err != nil {
			panic(err)
		}
	}
	note("begin")
	if _, err := os.ReadFile(w.Gate); err != nil { // a pipe until it is opened
		return 0, err
	}
	note("end")
	return w.N * w.N, nil
})

func main() {
	muster.Config{UnsatisfiableAfter: time.Hour}.Main(func(ctx context.Context) error {
		var n int
		fmt.Sscan(os.Args[1], &n)
		var refs []muster.Ref[int]
		for i := range n {
			refs = append(refs, Do.Go(ctx, Work{i, os.Args[3+i*(len(os.Args)-3)/n], os.Args[2]}))
		}
		got, err := muster.Gather(ctx, refs...).Get(ctx)
		want := make([]int, n)
		for i := range want {
			want[i] = i * i
		}
		fmt.Println("exact:", slices.Equal(got, want), err)
		return err
	})
}
`

// gate is a file on which tasks wait until it is opened.
type gate struct {
	t    testing.TB
	path string
	pipe *os.File
}

func (p *place) newGate(name string) *gate {
	p.t.Helper()
	g := &gate{t: p.t, path: p.state(name)}
	err := syscall.Mkfifo(g.path, 0o600)
	if err == nil {
		g.pipe, err = os.OpenFile(g.path, os.O_RDWR, 0) // so that who reads waits for what is written, without end
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(g.open)
	return g
}

func (g *gate) open() {
	g.t.Helper()
	if g.pipe == nil {
		return
	}
	err := os.WriteFile(g.path+".open", nil, 0o600)
	if err == nil {
		err = os.Rename(g.path+".open", g.path)
	}
	if err != nil {
		g.t.Error(err)
	}
	_ = g.pipe.Close() // it was never written to
	g.pipe = nil
}

// entry is a line of what gated tasks write down.
type entry struct {
	what string
	n    int
	node string
}

func (p *place) entries(log string) (list []entry) {
	p.t.Helper()
	data, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e entry
		if _, err := fmt.Sscan(line, &e.what, &e.n, &e.node); err != nil {
			p.t.Fatal(line, err)
		}
		list = append(list, e)
	}
	return list
}

func count(list []entry, what, node string) (n int) {
	for _, e := range list {
		if e.what == what && (node == "" || e.node == node) {
			n++
		}
	}
	return n
}

// pair is a cluster of two machines.
func (p *place) pair() (first, second protocol.NodeInfo) {
	p.t.Helper()
	p.want(0, "the cluster", short("up", "--cpus=2", "--label=at=first")...)
	token := read[protocol.TokenInfo](p, "token", "new", "--json", "--uses=1").Token
	p.want(0, "this machine is node", short("join", "--state", p.state("second"), "--token", token, "--cpus=2")...)
	for _, n := range read[[]protocol.NodeInfo](p, "nodes", "--json") {
		if n.Labels["at"] == "first" {
			first = n
		} else {
			second = n
		}
	}
	return first, second
}

// Nodes are drained by command and by SIGTERM while a job runs: what has begun ends there and runs once, all else runs on
// the other node, and what is beyond the deadline runs again.
func TestDrain(t *testing.T) {
	t.Parallel()
	p := newPlace(t, gated)
	p.cleanUp(p.state("second"), p.state("state"))
	first, second := p.pair()
	exe := p.build("gated")
	log := filepath.Join(p.home, "entries")
	busy := func(want int) func() bool {
		return func() bool { return count(p.entries(log), "begin", "") == want }
	}

	g := p.newGate("gate")
	driver, lines := p.startProgram(exe, "20", log, g.path)
	p.until("all four CPUs are busy", busy(4))
	p.want(1, "there is no node nosuch", "drain", "nosuch")
	p.want(0, "is being drained: ", "drain", second.Node, "--deadline=1h")
	p.want(0, "  draining  ", "nodes")
	waiting, waited := p.start("drain", second.Node, "--wait", "--deadline=1h")
	g.open()
	awaitLine(t, lines, "exact: true <nil>")
	awaitLine(t, waited, "is drained: nothing runs there")
	if p.exit(driver) != 0 || p.exit(waiting) != 0 {
		t.Error("the driver or who waits has failed")
	}
	list := p.entries(log)
	if b, e, there := count(list, "begin", ""), count(list, "end", ""), count(list, "begin", second.Node); b != 20 || e != 20 || there != 2 {
		t.Errorf("20 tasks have begun %d times and ended %d times, and %d began on the node that is drained", b, e, there)
	}

	p.want(0, "stopped the agent", "down", "--state", p.state("second"))
	p.want(0, "this machine is node", short("join", "--state", p.state("second"))...)
	p.want(0, "  drained  ", "nodes")
	p.overdue(exe, first, second, log)
	p.terminated(exe, first, second, log)
	p.want(0, "node.undrained", "events")
}

// overdue drains one node with no time to end while the other takes tasks again.
func (p *place) overdue(exe string, first, second protocol.NodeInfo, log string) {
	p.t.Helper()
	_ = os.Remove(log) // it is read anew
	g := p.newGate("gate2")
	driver, lines := p.startProgram(exe, "3", log, g.path)
	p.until("the first node is busy", func() bool { return count(p.entries(log), "begin", first.Node) == 2 })
	p.until("why the third waits", func() bool {
		jobs := read[[]protocol.JobInfo](p, "jobs", "--json")
		out, code := p.muster("why", jobs[len(jobs)-1].Job+"/3") // the survey of nodes may be to come
		return code == 0 && strings.Contains(out, "(drained, it takes no tasks until muster undrain)")
	})
	p.want(0, "takes tasks again", "undrain", second.Node)
	p.want(0, "is drained: nothing runs there", "drain", first.Node, "--wait", "--deadline=0s")
	p.until("they run again", func() bool { return count(p.entries(log), "begin", second.Node) == 2 })
	g.open()
	awaitLine(p.t, lines, "exact: true <nil>")
	p.exit(driver)
	if list := p.entries(log); count(list, "end", first.Node) != 0 || count(list, "end", second.Node) != 3 {
		p.t.Errorf("what was given back has ended here too: %v", list)
	}
}

// terminated has the second agent end by SIGTERM while tasks run there, and lets it take tasks when it is started again.
func (p *place) terminated(exe string, first, second protocol.NodeInfo, log string) {
	p.t.Helper()
	_ = os.Remove(log) // it is read anew
	g := p.newGate("gate3")
	driver, lines := p.startProgram(exe, "2", log, g.path)
	p.until("the second node is busy", func() bool { return count(p.entries(log), "begin", second.Node) == 2 })
	agent, _, err := daemon.Folder(p.state("second")).Running(serviceAgent)
	if err == nil {
		err = syscall.Kill(agent.PID, syscall.SIGTERM)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("it is drained", func() bool { return strings.Contains(p.want(0, "", "nodes"), "  draining  ") })
	g.open()
	awaitLine(p.t, lines, "exact: true <nil>")
	p.exit(driver)
	p.until("it is gone", func() bool { return len(processes(p.t, p.state("second"))) == 0 })
	if list := p.entries(log); len(list) != 4 || count(list, "end", second.Node) != 2 {
		p.t.Errorf("what had begun didn't run once: %v", list)
	}
	p.want(0, "takes tasks again", "undrain", first.Node)
	p.want(0, "this machine is node", short("join", "--state", p.state("second"))...)
	if out := p.want(0, "", "nodes"); strings.Count(out, "  alive  ") != 2 {
		p.t.Errorf("both take tasks: %s", out)
	}
}

// until waits until something holds.
func (p *place) until(what string, holds func() bool) {
	p.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	limit := time.NewTimer(watchdog)
	defer limit.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-limit.C:
			p.t.Fatal(what, ": it doesn't come")
		}
	}
}
