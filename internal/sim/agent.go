package sim

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// agent is a model of a machine's agent (cluster/agent): it divides the machine's room among the jobs, starts workers,
// and says what becomes of tasks until it is heard.
type agent struct {
	s      *sim
	n      int
	name   string
	life   *life
	host   *host
	slow   float64 // how much longer tasks take here
	ledger ledger.Ledger
	hold   *hold

	draining bool
	jobs     []*work // by the job's number; nil for those that it doesn't know
	resume   []*run  // those whose wait has ended, and that want their CPUs back
	armed    time.Duration
	again    time.Duration // before that nothing is offered if no CPU is free
	heard    []ledger.Room // what the head has heard of jobs here

	scratch [2]fair.Amounts
	claims  []fair.Job // scratch
}

const memory = 64 << 30

// work is what an agent does for one job.
type work struct {
	a       *agent
	job     *job
	epoch   uint32
	life    uint64
	info    bool // the head has said what the job is
	telling bool // a new driver hasn't heard yet what runs on for the one before
	lends   int  // runs that wait
	missing int  // digests in a row that didn't list the job
	offer   offered
	used    ledger.Room // but for what is lent
	quota   ledger.Room // what the job has on other nodes, but for what they are taken to have done since
	cpus    [1]int64    // scratch
	place   fair.Rank
	moved   bool // what place comes from has changed
	tasks   map[protocol.Attempt]*run
	former  []*run // of earlier epochs
	main    *worker
	singles []*worker
	waiting []*run // for a worker of their own
	came    []uint64
	up      uplink
	out     outbox
	over    bool
}

func newAgent(s *sim, n, cpus int) *agent {
	a := &agent{s: s, n: n, name: fmt.Sprintf("n%d", n), slow: 1}
	a.ledger = ledger.New(ledger.Room{CPU: int64(cpus) * ledger.Unit, Memory: memory})
	if s.net.chance(s.faults.Slow) {
		a.slow = 1 + 2*s.rng.Float64()
	}
	a.life, a.jobs = &life{over: true}, make([]*work, len(s.jobs))
	a.host = &host{life: a.life}
	s.after(time.Second+s.upTo(time.Second), a.boot)
	return a
}

// boot starts the agent's process: nothing is left of one before.
func (a *agent) boot() {
	a.life = &life{}
	a.host = a.s.net.join(&host{life: a.life, server: a.s.rng.IntN(servers), back: nil})
	a.host.back = a.connected
	a.ledger, a.resume, a.armed = ledger.New(a.ledger.Total), nil, 0
	a.hold, a.draining = nil, false
	a.jobs, a.heard = make([]*work, len(a.s.jobs)), make([]ledger.Room, len(a.s.jobs))
	a.s.every(a.life, a.s.upTo(time.Second), time.Second, a.tick)
	a.s.every(a.life, a.s.upTo(time.Second), ages.Renew, a.report)
	a.report()
	if a.s.net.down {
		a.host.linked = false
		return
	}
	a.connected()
}

func (a *agent) report() {
	a.s.head.ask(a.host, func(h *head) func() {
		h.report(a)
		return func() {}
	})
}

// connected learns what has happened meanwhile, and sends again what may have got lost.
func (a *agent) connected() {
	for _, w := range a.jobs {
		if w != nil {
			w.offer.parked = false
			w.out.repeat(0)
			w.out.resend()
		}
	}
	a.offer()
	a.s.head.ask(a.host, func(h *head) func() {
		jobs := h.running()
		return func() {
			for _, j := range jobs {
				a.know(j.job, j.epoch)
			}
		}
	})
}

// onJobs compares the jobs with those that there are.
func (a *agent) onJobs(list []jobEpoch, settled bool) {
	for _, w := range a.jobs {
		if w != nil && settled {
			w.missing++
		}
	}
	for _, j := range list {
		if w := a.know(j.job, j.epoch); w != nil {
			w.missing = 0
			had := a.heard[j.job.n]
			w.moved = true
			w.quota = ledger.Room{CPU: j.used.CPU - w.asIfAll(had.CPU), Memory: j.used.Memory - w.asIfAll(had.Memory)}
		}
	}
	for _, w := range a.jobs {
		if w != nil && w.missing >= 2 {
			w.end()
		}
	}
}

// know makes the agent know a job, or its next epoch.
func (a *agent) know(j *job, epoch uint32) *work {
	w := a.jobs[j.n]
	switch {
	case w == nil:
		w = &work{a: a, job: j, epoch: epoch, life: a.s.rng.Uint64() | 1, moved: true, tasks: map[protocol.Attempt]*run{}}
		w.up.w, w.out.w = w, w
		w.up.begin()
		a.jobs[j.n] = w
		w.learn()
	case epoch > w.epoch:
		w.nextEpoch(epoch)
	default:
		return w
	}
	w.offer.rest, w.offer.pause = 0, 0
	return w
}

// learn asks the head what the job needs.
func (w *work) learn() {
	a := w.a
	a.s.head.ask(a.host, func(h *head) func() {
		return func() {
			if !w.info && !w.over {
				w.info = true
				a.offer()
			}
		}
	})
	a.s.within(a.life, time.Second, func() {
		if !w.info && !w.over {
			w.learn()
		}
	})
}

// nextEpoch begins to work for the job's new driver. What runs for the one before goes on, and counts by its key.
func (w *work) nextEpoch(epoch uint32) {
	a := w.a
	w.epoch = epoch
	list := append(sorted(w.tasks), w.former...)
	w.former = nil
	w.tasks = map[protocol.Attempt]*run{}
	w.came, w.offer, w.telling, w.missing = nil, offered{number: w.offer.number}, false, 0
	w.up.begin()
	var held []protocol.Item
	for _, r := range list {
		switch {
		case !r.given:
			w.forget(r)
			continue
		case r.orphan:
		case r.spoke:
			r.orphan = true
			a.s.truth.excuse(r, "orphan")
			a.s.within(a.life, time.Millisecond, func() { r.stop() })
		case !a.s.has(hidesRunning):
			held = append(held, protocol.Held{Key: keyOf(r.task), Life: w.life})
			r.told = true
		}
		if w.former = append(w.former, r); a.s.has(freesRunning) {
			c := r.Charge
			a.ledger.Release(&c)
		}
	}
	w.waiting = nil
	if w.main != nil {
		w.main.last, w.main = true, nil
	}
	for _, p := range w.singles {
		p.last = true
	}
	w.singles = nil
	if len(held) > 0 {
		w.telling = true
		w.up.after = append(w.up.after, func() {
			w.telling = false
			a.offer()
		})
		w.up.say(held...)
	}
	w.info = false
	w.learn()
	a.grantResumes()
}

// end ends all that the agent does for a job.
func (w *work) end() {
	if w.over {
		return
	}
	w.over = true
	w.a.jobs[w.job.n] = nil
	for _, r := range append(sorted(w.tasks), w.former...) {
		if !r.over {
			w.a.s.truth.excuse(r, "ended with its job")
			w.forget(r)
		}
	}
	for _, task := range w.out.unconfirmed() {
		w.a.s.truth.excuseTask(w.job, task, "recorded after its job's end")
	}
	w.a.offer()
}

// tick repeats what got no answer.
func (a *agent) tick() {
	for _, w := range a.jobs {
		if w != nil {
			if !w.out.idle() {
				w.out.repeat(repeatAfter)
			}
			w.up.repeat()
		}
	}
	a.tellLoad()
	a.offer()
}

// tellLoad tells the head what jobs have here, if that has changed.
func (a *agent) tellLoad() {
	load, news := make([]ledger.Room, len(a.jobs)), false
	for n, w := range a.jobs {
		if w != nil {
			load[n] = w.used
		}
		news = news || load[n].CPU != a.heard[n].CPU || load[n].Memory != a.heard[n].Memory
	}
	if news {
		a.s.head.ask(a.host, func(h *head) func() {
			h.load(a, load)
			return func() { a.heard = load }
		})
	}
}

// lose notes that nothing will come of what runs, and of what isn't recorded.
func (w *work) lose(why string) {
	for _, r := range append(sorted(w.tasks), w.former...) {
		w.a.s.truth.excuse(r, why)
	}
	for _, task := range w.out.unconfirmed() {
		w.a.s.truth.excuseTask(w.job, task, why)
	}
}

// kill ends the machine, or its agent: workers go with it. It comes back after a while.
func (a *agent) kill(back time.Duration) {
	a.life.over = true
	for _, w := range a.jobs {
		if w != nil {
			w.over = true
			w.lose("killed with its node")
		}
	}
	a.jobs = make([]*work, len(a.s.jobs))
	a.s.after(back, func() {
		a.boot()
	})
}
