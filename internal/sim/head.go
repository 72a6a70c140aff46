package sim

import (
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// head is a model of the head's control service (cluster/head). What it knows of nodes is gone when it is started again;
// what it knows of jobs isn't, but for when it heard of them.
type head struct {
	s       *sim
	life    *life
	host    *host
	started time.Duration
	nodes   []seen
	jobs    []*jobRecord
	number  uint64
	loads   [][]ledger.Room // what jobs have, by node
	used    []ledger.Room   // by job
	total   ledger.Room     // of the nodes that live
	nodesUp int

	divisions int64
}

// seen is when a node reported.
type seen struct {
	at    time.Duration
	known bool
	dead  bool
}

// jobRecord is a job's record.
type jobRecord struct {
	job      *job
	epoch    uint32
	driver   *driver
	seen     time.Duration
	heard    bool
	orphaned bool
	over     bool

	allotment allotment
}

type jobEpoch struct {
	job   *job
	epoch uint32
	used  ledger.Room
}

const adoptFor = 10 * time.Minute

func newHead(s *sim) *head {
	h := &head{s: s, nodes: make([]seen, s.cfg.Nodes)}
	for _, j := range s.jobs {
		h.jobs = append(h.jobs, &jobRecord{job: j})
	}
	h.boot()
	return h
}

func (h *head) boot() {
	h.life, h.started = &life{}, h.s.now
	h.host = h.s.net.join(&host{life: h.life})
	clear(h.nodes)
	h.loads, h.used = make([][]ledger.Room, h.s.cfg.Nodes), make([]ledger.Room, len(h.jobs))
	for _, j := range h.jobs {
		j.seen, j.heard, j.allotment = h.s.now, false, allotment{}
	}
	h.s.every(h.life, time.Second, time.Second, h.keepHouse)
}

// kill ends the head, and with it the server if there is but one.
func (h *head) kill(back time.Duration) {
	h.life.over = true
	if h.s.cfg.Servers == 1 {
		h.s.net.serverDown()
	}
	h.s.after(back, func() {
		h.s.net.serverUp()
		h.boot()
	})
}

// ask asks the head: what it answers is done by who asked, if the answer comes.
func (h *head) ask(from *host, do func(*head) func()) {
	s := h.s
	s.net.send(from, h.host, func() {
		answer := do(h)
		s.net.send(h.host, from, answer)
	})
}

func (h *head) report(a *agent) { h.nodes[a.n] = seen{at: h.s.now, known: true} }

// load hears what jobs have on a node.
func (h *head) load(a *agent, load []ledger.Room) {
	for n, had := range h.loads[a.n] {
		h.used[n].CPU -= had.CPU
		h.used[n].Memory -= had.Memory
	}
	for n, has := range load {
		h.used[n].CPU += has.CPU
		h.used[n].Memory += has.Memory
	}
	h.loads[a.n] = load
}

// open gives a job to a driver, unless it has one that may live.
func (h *head) open(d *driver) (epoch uint32, last int, ok bool) {
	j := h.jobs[d.job.n]
	if j.driver == d {
		return j.epoch, len(d.job.stream.records), true
	}
	lives := j.driver != nil && !j.orphaned && h.s.now-j.seen <= ages.Dead && (!j.heard || !j.driver.life.over)
	if lives || j.over {
		return 0, 0, false
	}
	j.epoch++
	j.driver, j.seen, j.heard, j.orphaned = d, h.s.now, true, false
	if j.epoch > 1 {
		j.job.changed = h.s.now
	}
	j.allotment.load = load{kept: anything}
	h.allot(j.job.user)
	for _, a := range h.s.agents {
		h.s.net.send(h.host, a.host, func() { a.know(j.job, j.epoch) })
	}
	return j.epoch, len(d.job.stream.records), true
}

// renew keeps a job its driver's, and answers whose it is.
func (h *head) renew(d *driver, l load) (epoch uint32) {
	j := h.jobs[d.job.n]
	if j.driver == d && !j.over {
		if j.orphaned {
			j.job.changed = h.s.now
		}
		j.allotment.heard(l, h.divisions)
		defer h.allot(j.job.user)
		j.seen, j.heard, j.orphaned = h.s.now, true, false
	}
	return j.epoch
}

func (h *head) close(d *driver) {
	j := h.jobs[d.job.n]
	if j.driver != d || j.over {
		return
	}
	j.over = true
	for _, a := range h.s.agents {
		h.s.net.send(h.host, a.host, func() {
			if w := a.jobs[j.job.n]; w != nil {
				w.end()
			}
		})
	}
}

// running are the jobs that nodes are to know.
func (h *head) running() (list []jobEpoch) {
	for _, j := range h.jobs {
		if j.driver != nil && !j.over && (!j.orphaned || h.s.now-j.seen < adoptFor) {
			list = append(list, jobEpoch{j.job, j.epoch, h.used[j.job.n]})
		}
	}
	return list
}

// count counts what a node has that lives.
func (h *head) count(i int, n *seen) {
	if !n.dead {
		h.nodesUp++
		h.total.CPU += h.s.agents[i].ledger.Total.CPU
		h.total.Memory += h.s.agents[i].ledger.Total.Memory
	}
}

// keepHouse tells everybody, once a second, which nodes and jobs there are.
func (h *head) keepHouse() {
	up := h.s.now - h.started
	h.number++
	c := &protocol.ClusterDigest{Number: h.number, Up: up.Seconds()}
	h.nodesUp, h.total = 0, ledger.Room{}
	for i := range h.nodes {
		n := &h.nodes[i]
		if !n.known {
			continue
		}
		h.count(i, n)
		age := h.s.now - n.at
		if age > ages.Dead && up >= ages.Dead && !n.dead {
			n.dead = true
			h.load(h.s.agents[i], nil)
		}
		c.Nodes = append(c.Nodes, protocol.NodeDigest{Node: h.s.agents[i].name, Age: age.Seconds(), Dead: n.dead})
	}
	for _, j := range h.jobs {
		if j.driver == nil || j.over {
			continue
		}
		if h.s.now-j.seen > ages.Dead && up > ages.Dead {
			j.orphaned, j.job.changed = true, h.s.now
		}
		d := j.driver
		h.s.net.send(h.host, d.host, func() { d.onDigest(c) })
	}
	jobs, settled := h.running(), up >= ages.Dead
	for _, a := range h.s.agents {
		h.s.net.send(h.host, a.host, func() { a.onJobs(jobs, settled) })
	}
}
