package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Options change the cluster that Processes starts.
type Options struct {
	CPUs float64       // of each node. Defaults to 2
	Ages protocol.Ages // Defaults to the package's Ages

	nats *head.External // servers that aren't the head's own; nil for its own
}

// Procs is a cluster whose head and agents are processes of their own, each the test's binary, which the test may kill.
// Each agent's connection goes through a proxy that can be cut. Its methods are for the test's goroutine; they fail the
// test if something doesn't come about in time.
type Procs struct {
	t        testing.TB
	dir      string
	opts     Options
	admin    string // file of the head's identity
	user     string // the same, by way of a proxy
	sessions proxies
	head     *process
	agents   []*agentProcess
	drivers  []*Driving
}

// agentProcess is an agent, and what is to be known to start it again.
type agentProcess struct {
	stage
	*process
	proxy proxies
	left  bool // it was killed, and no successor has cleaned up
}

// stopFor is how long a process may take to stop.
const stopFor = 20 * time.Second

// Processes starts a head and n agents in processes of their own. The test's end stops them, and fails the test if a
// process or a file is left then.
func Processes(t testing.TB, n int, o Options) *Procs {
	t.Helper()
	o.CPUs, o.Ages = cmp.Or(o.CPUs, 2), cmp.Or(o.Ages, Ages)
	c := &Procs{t: t, dir: t.TempDir(), opts: o}
	c.admin, c.user = filepath.Join(c.dir, "admin.json"), filepath.Join(c.dir, "user.json")
	c.must(os.Mkdir(tempDir(c.dir), 0o700))
	t.Cleanup(c.stop)
	c.StartHead()
	id, err := join.Load(c.admin)
	c.must(err)
	c.sessions = c.reroute(&id)
	c.must(id.Save(c.user))
	for i := range n {
		c.join(fmt.Sprintf("node%d", i+1))
	}
	return c
}

func (c *Procs) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("cluster: %v", err)
	}
}

// Config is the configuration of a session on the cluster.
func (c *Procs) Config() muster.Config { return configOf(c.dir, c.user) }

// Context opens a session on the cluster, which the test's end closes.
func (c *Procs) Context() context.Context {
	c.t.Helper()
	return contextOf(c.t, c.Config())
}

// StartHead starts the head again after KillHead: the same one, with its ports and all that it keeps.
func (c *Procs) StartHead() {
	c.t.Helper()
	c.head = c.begin("head", &stage{
		Role: roleHead, Name: "head", Dir: filepath.Join(c.dir, "head"), Identity: c.admin, Ages: c.opts.Ages, NATS: c.opts.nats,
	})
}

// KillHead kills the head.
func (c *Procs) KillHead() { c.head.kill() }

// StartAgent starts the agent of a node again after KillAgent. Nodes count from 0.
func (c *Procs) StartAgent(i int) {
	c.t.Helper()
	n := c.agents[i]
	n.process = c.begin(n.Name, &n.stage)
	n.left = false
}

// KillAgent kills an agent. Its workers end by themselves when they see that.
func (c *Procs) KillAgent(i int) {
	c.agents[i].kill()
	c.agents[i].left = true
}

// KillWorker kills the workers that an agent has, and gives their process ids. There must be one.
func (c *Procs) KillWorker(i int) []int {
	c.t.Helper()
	pids := c.Workers(i)
	if len(pids) == 0 {
		c.t.Fatalf("cluster: no worker of %s runs", c.agents[i].Name)
	}
	for _, pid := range pids {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it may have ended by itself
		}
	}
	return pids
}

// Workers are the process ids of the workers that an agent has.
func (c *Procs) Workers(i int) (pids []int) {
	entries, _ := os.ReadDir(filepath.Join(c.agents[i].Dir, "workers"))
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// CutOff stops all bytes between an agent and the head, without closing the connection, until Heal.
func (c *Procs) CutOff(i int) { c.agents[i].proxy.cut() }

// Heal lets bytes pass again, beginning with those that were on their way.
func (c *Procs) Heal(i int) { c.agents[i].proxy.heal() }

// CutOffDrivers does the same to the test's sessions and its drivers, until HealDrivers.
func (c *Procs) CutOffDrivers() { c.sessions.cut() }

// HealDrivers ends CutOffDrivers.
func (c *Procs) HealDrivers() { c.sessions.heal() }

// begin starts a process and waits until it is ready.
func (c *Procs) begin(name string, s *stage) *process {
	c.t.Helper()
	p, err := startProcess(c.dir, name, s)
	if err == nil {
		var line string
		if line, err = p.next(startFor); err == nil && line != ready {
			err = fmt.Errorf("%s says %q instead of being ready", name, line)
		}
		if err != nil {
			p.kill()
		}
	}
	c.must(err)
	return p
}

// join adds a node, as `muster join` does.
func (c *Procs) join(name string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	id, err := c.enroll(ctx)
	c.must(err)
	n := &agentProcess{proxy: c.reroute(&id)}
	c.agents = append(c.agents, n)
	n.stage = stage{
		Role: roleAgent, Name: name, Dir: filepath.Join(c.dir, name), Identity: filepath.Join(c.dir, name+".json"),
		Ages: c.opts.Ages, CPUs: c.opts.CPUs,
	}
	c.must(id.Save(n.Identity))
	c.StartAgent(len(c.agents) - 1)
}

// reroute starts a proxy to the head, or to each of the servers, and makes an identity use it.
func (c *Procs) reroute(id *join.Identity) (all proxies) {
	c.t.Helper()
	var urls []string
	for _, u := range id.URLs {
		target, err := url.Parse(u)
		c.must(err)
		p, err := startProxy(target.Host)
		c.must(err)
		all, urls = append(all, p), append(urls, target.Scheme+"://"+p.addr())
	}
	id.URLs = urls
	return all
}

// enroll makes a node's identity.
func (c *Procs) enroll(ctx context.Context) (join.Identity, error) {
	var made protocol.TokenInfo
	c.Ask(protocol.OpNewToken, protocol.NewToken{Role: join.RoleAgent, Uses: 1, Life: time.Hour}, &made)
	token, err := join.ParseToken(made.Token)
	if err != nil {
		return join.Identity{}, err
	}
	return join.Join(ctx, token)
}

// Ask asks the head for something as the cluster's admin. The operations are protocol's, with what each takes and gives.
func (c *Procs) Ask(op string, in, out any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	admin, err := join.Load(c.admin)
	c.must(err)
	conn, err := join.Connect(ctx, admin, join.Options{})
	c.must(err)
	defer conn.Close()
	c.must(join.Control{Conn: conn, Who: admin.Name}.Ask(ctx, op, in, out))
}

// stop ends all that runs, and looks for what is left.
func (c *Procs) stop() {
	if c.sessions != nil {
		c.sessions.heal()
		defer c.sessions.close()
	}
	for _, d := range c.drivers {
		if !d.isOver() {
			d.Kill()
		}
		d.tell(c.t)
	}
	for _, n := range c.agents {
		n.proxy.heal()
		if n.process != nil && !n.isOver() {
			if err := n.process.stop(stopFor); err != nil {
				c.t.Errorf("cluster: stop %s: %v", n.Name, err)
			}
			n.tell(c.t)
		}
		n.proxy.close()
	}
	if c.head != nil && !c.head.isOver() {
		if err := c.head.stop(stopFor); err != nil {
			c.t.Errorf("cluster: stop the head: %v", err)
		}
		c.head.tell(c.t)
	}
	c.lookForLeftovers()
}

// lookForLeftovers fails the test if a process still runs something of the cluster's, or files are left that are gone
// when all is well: temporary ones, and what agents keep of jobs.
func (c *Procs) lookForLeftovers() {
	for _, line := range leftProcesses(c.dir, stopFor) {
		c.t.Errorf("cluster: a process is left: %s", line)
	}
	dirs := []string{tempDir(c.dir)}
	for _, n := range c.agents {
		if !n.left {
			dirs = append(dirs, filepath.Join(n.Dir, "jobs"), filepath.Join(n.Dir, "workers"), filepath.Join(n.Dir, "drivers"))
		}
	}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			c.t.Errorf("cluster: a file is left: %s", filepath.Join(dir, e.Name()))
		}
	}
}
