package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

// Config is what is simulated.
type Config struct {
	Seed    uint64
	Nodes   int
	CPUs    int   // of each node
	Jobs    int   // one driver each
	Tasks   int   // of all jobs together
	Users   int   // that the jobs are of; 0 if each is another's
	Limit   int64 // CPUs that each of them may have; 0 for none
	Memory  int64 // bytes that each of them may have; 0 for none
	Servers int   // of NATS: 1 or 3
	Shape   Shape
	Faults  Faults

	bug bug
}

// sim is one simulation: all of it is told by the seed.
type sim struct {
	clock
	cfg    *Config
	rng    *rand.Rand
	faults *Faults
	net    *network
	store  *host // where the journals are
	head   *head
	agents []*agent
	jobs   []*job
	truth  *truth
	moved  time.Duration // when a call of a main ended last
	wrong  error
	brains []*brain // of drivers that were killed
	shares []time.Duration
	shared bool // a job has ended: shares aren't counted any more
}

// job is a job and its program.
type job struct {
	s       *sim
	n       int
	name    string
	program *program
	stream  *stream
	driver  *driver
	found   map[uint32]int // how long the journal was when its drivers began, by epoch
	done    bool
	ended   time.Duration
	user    int
	changed time.Duration // when a driver of it began, was away or was taken for gone
}

// hangs is how long nothing may come to its end.
const hangs = 5 * time.Minute

// Run simulates, and reports how it went. The error says what went wrong.
func Run(cfg Config) (*Report, error) { return newSim(&cfg).run() }

func (s *sim) run() (*Report, error) {
	for _, j := range s.jobs {
		s.after(s.upTo(100*time.Millisecond), func() { s.start(j) })
	}
	s.inject()
	s.watch()
	for s.wrong == nil && !s.over() {
		if !s.step() {
			s.fail("nothing is to happen any more")
		}
	}
	r := s.report()
	if s.wrong != nil {
		return r, s.wrong
	}
	for _, j := range s.jobs {
		if err := s.truth.check(j); err != nil {
			return r, err
		}
	}
	s.loseRest()
	return r, s.truth.checkExecutions(s.jobs)
}

func newSim(cfg *Config) *sim {
	rng := rand.New(rand.NewPCG(cfg.Seed, 1)) //nolint:gosec // it is to be the same each time
	s := &sim{cfg: cfg, rng: rng, faults: &cfg.Faults, truth: newTruth()}
	s.net = &network{clock: &s.clock, rng: rng, faults: s.faults, apart: -1}
	s.store = s.net.join(&host{life: &life{}})
	for n := range cfg.Jobs {
		j := &job{s: s, n: n, found: map[uint32]int{}, name: fmt.Sprintf("j%02d", n), program: compose(rng, n, cfg.Tasks/cfg.Jobs, &cfg.Shape)}
		j.changed = -time.Hour
		if j.user = n; cfg.Users > 0 {
			j.user = n % cfg.Users
		}
		j.stream = &stream{s: s}
		s.jobs = append(s.jobs, j)
		s.every(s.store.life, redeliver, redeliver, j.stream.again)
	}
	s.shares = make([]time.Duration, cfg.Jobs)
	s.head = newHead(s)
	for n := range cfg.Nodes {
		s.agents = append(s.agents, newAgent(s, n, cfg.CPUs))
	}
	return s
}

// loseRest notes what came too late for anybody to want it.
func (s *sim) loseRest() {
	const why = "not wanted any more"
	for _, a := range s.agents {
		for _, w := range a.jobs {
			if w != nil {
				w.lose(why)
			}
		}
	}
	for _, j := range s.jobs {
		for k, r := range j.stream.records {
			if found, more := j.found[r.epoch+1]; k < j.driver.read && (!more || k < found || r.epoch+1 == j.driver.epoch) {
				continue // it was read, or was there when the next driver came
			}
			for i := range r.outcomes {
				s.truth.excuseTask(j, r.outcomes[i].task, why)
			}
		}
	}
}

// step does what is next, and reports whether there was anything.
func (s *sim) step() bool {
	x, ok := s.next()
	if ok && (x.life == nil || !x.life.over) && (x.to == nil || s.net.hears(x.from, x.to)) {
		x.do()
	}
	return ok
}

func (s *sim) over() bool {
	for _, j := range s.jobs {
		if !j.done {
			return false
		}
	}
	return true
}

// finished notes that a job's program has ended.
func (j *job) finished(*driver) {
	j.done, j.ended = true, j.s.now
	j.s.shared = true
}

func (s *sim) fail(format string, args ...any) {
	if s.wrong == nil {
		s.wrong = fmt.Errorf("after %v: "+format, append([]any{s.now}, args...)...)
	}
}

// upTo is a random time up to d.
func (s *sim) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.rng.Int64N(int64(d)))
}

func (s *sim) agent(name string) *agent {
	n, err := strconv.Atoi(name[1:])
	if err != nil {
		panic(err) // this package has made the name
	}
	return s.agents[n]
}

// toDriver brings a request of an agent to a job's driver; nobody hears of it if none listens.
func (s *sim) toDriver(a *agent, j *job, do func(*driver), nobody func()) {
	d := j.driver
	if d.listens() && s.net.hears(a.host, d.host) {
		s.net.send(a.host, d.host, func() {
			if d.listens() {
				do(d)
			}
		})
		return
	}
	if a.host.linked && !a.host.cut {
		s.within(a.life, s.net.delay(), nobody)
	}
}

// watch samples what jobs get, and sees whether anything goes on.
func (s *sim) watch() {
	s.after(time.Second, func() {
		if s.now-s.moved > hangs {
			s.fail("nothing ends any more: %s", s.stuck())
		}
		if !s.shared {
			for _, a := range s.agents {
				for n, w := range a.jobs {
					if w != nil {
						s.shares[n] += time.Second * time.Duration(w.used.CPU) / coordinator.Unit
					}
				}
			}
		}
		s.watch()
	})
}

// stuck describes the first calls that don't end.
func (s *sim) stuck() string {
	text, n := "", 0
	for _, j := range s.jobs {
		d := j.driver
		if j.done || n > 4 {
			continue
		}
		n++
		text += fmt.Sprintf("\njob %d, epoch %d, dead %v, began %v, read %d of %d, paused %v, rolled %v, linked %v, %d offers, %d left",
			j.n, d.epoch, d.life.over, d.began, d.read, len(j.stream.records), d.paused, d.roll.Over(), d.host.linked, d.lot.Len(), d.left)
		for _, c := range d.calls {
			if c != nil && !c.over && n < 10 {
				n++
				text += fmt.Sprintf("\n  task %d %v", c.task, d.brain.m.State(c.id))
				if c.at != nil {
					w := c.at.on.jobs[j.n]
					text += fmt.Sprintf(" attempt %d on %s, dead %v, waits %v, known there %v", c.at.n, c.at.on.name, c.at.on.life.over, c.at.waits,
						w != nil && w.tasks[c.at.wire()] != nil)
				}
			}
		}
	}
	return text
}
