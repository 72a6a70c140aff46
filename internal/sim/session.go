package sim

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// session is a model of what internal/engine does around the coordinator, which is the real one.
type session struct {
	d      *driver
	brain  brain
	calls  []*call  // that main makes, by task; nil until then
	left   int      // of those, that haven't ended
	live   []*call  // by place in the coordinator's table
	needs  []needOf // interned
	cpus   float64  // of the nodes that live
	alive  []bool   // nodes, by the last survey
	memory bool     // some task needs some
	first  *attempt // of those that nodes have, in the order in which they were given out
	last   *attempt
	crowd  crowd
	quota  quota

	mapping mapping
	holds   holding

	held     map[int32]*agent   // what nodes run for an earlier driver, by task
	adopted  map[int32]*attempt // attempts that stand for such a task
	recorded map[int32]uint32   // successes that a call of that key finds: earlier drivers', and calls' of attempts
	gave     []bool             // tasks that a node was given
	known    map[int32]bool     // for the truth: tasks that a node said in time it has
	useless  map[int32]*agent   // from which failures of earlier drivers' tasks have come
	begun    map[int32]bool     // by earlier drivers, of tasks that must not run twice
}

// call is a task in the coordinator's table, or one that has ended.
type call struct {
	job     *job
	task    int32
	id      coordinator.ID
	by      *attempt // nil for main's
	at      *attempt // that runs
	over    bool
	status  status
	exec    uint32 // whose value it has
	maybe   bool   // it failed since it may have run
	suspect bool
	vain    bool // for the truth: nobody wants it any more
	deaths  int
	lost    map[uint32]*agent // who had the attempts that were taken back
	wanted  []*attempt
}

// attempt is one to run a task, on a node.
type attempt struct {
	inst     *call
	n        uint32
	on       *agent
	start    time.Duration
	scope    coordinator.ScopeID // of what it calls; 0 before it does
	calls    map[int32]*call     // by task
	asked    map[int32]bool
	waits    bool
	cpu      int64 // that it was given of an offer
	memory   int64 // and of memory
	started  bool  // it may have begun, and must not begin twice
	recalled bool
	over     bool
	before   *attempt
	after    *attempt
}

// needOf is a kind of tasks.
type needOf struct {
	cpu, memory int64
	id          coordinator.NeedID
	pack        dispatch.Pack
	measured    bool
}

// maxDeaths is how many workers a task may kill.
const maxDeaths = 3

// Reasons of a cancel.
const byCaller uint8 = 1

func newSession(d *driver) *session {
	s := &session{
		d: d, calls: make([]*call, d.job.program.roots), left: d.job.program.roots,
		held: map[int32]*agent{}, adopted: map[int32]*attempt{}, recorded: map[int32]uint32{}, useless: map[int32]*agent{},
		known: map[int32]bool{}, begun: map[int32]bool{}, gave: make([]bool, len(d.job.program.tasks)),
		crowd: crowd{looked: -recallAfter, nodes: make([]int64, len(d.s.agents))}, alive: make([]bool, len(d.s.agents)),
	}
	s.mapping.results = make([]uint32, d.job.program.items)
	s.brain.m = coordinator.New([]int64{0, 0, 0})
	return s
}

// run makes the calls of main.
func (s *session) run() {
	for i := range s.calls {
		s.calls[i] = s.submit(int32(i), nil)
	}
	s.mapOn()
	s.quitIfDone()
}

func (s *session) quitIfDone() {
	if s.left == 0 && s.d.began && s.mapDone() {
		s.d.quit()
	}
}

// submit makes a call.
func (s *session) submit(task int32, by *attempt) *call {
	t := &s.d.job.program.tasks[task]
	c := &call{job: s.d.job, task: task, by: by}
	spec := coordinator.Spec{Need: s.needFor(t).id, Priority: int32(t.priority)}
	if t.nature == flaky || t.nature == broken {
		spec.Retries = retries
	}
	if by != nil {
		spec.Depth, spec.Scope = s.depth(by)+1, by.scope
	}
	for _, dep := range t.dep {
		if dep < 0 {
			continue
		}
		switch of := s.calls[dep]; {
		case of.over && of.status != succeeded:
			s.settle(c, failed, 0)
			return c
		case !of.over:
			spec.Deps = append(spec.Deps, of.id)
		}
	}
	s.brain.begin()
	c.id = s.brain.m.Submit(spec)
	s.brain.end()
	at := c.id.Index()
	for at >= len(s.live) {
		s.live = append(s.live, nil)
	}
	s.live[at] = c
	s.carryOut()
	s.news()
	return c
}

func (s *session) depth(by *attempt) (n uint32) {
	for ; by != nil; by = by.inst.by {
		n++
	}
	return n - 1
}

func (s *session) needFor(t *task) *needOf {
	s.memory = s.memory || t.memory > 0
	for i := range s.needs {
		if n := &s.needs[i]; n.cpu == t.cpu && n.memory == t.memory {
			return n
		}
	}
	id := s.brain.m.AwayNeed([]coordinator.Amount{{Dim: coordinator.CPU, N: t.cpu}, {Dim: coordinator.Memory, N: t.memory}}, 0)
	s.needs = append(s.needs, needOf{cpu: t.cpu, memory: t.memory, id: id})
	return &s.needs[len(s.needs)-1]
}

// callOf is the call of an ID that hasn't ended.
func (s *session) callOf(id coordinator.ID) *call {
	if i := id.Index(); i > 0 && i < len(s.live) && s.live[i] != nil && s.live[i].id == id {
		return s.live[i]
	}
	return nil
}

// runOf is a running attempt.
func (s *session) runOf(a protocol.Attempt) *attempt {
	if c := s.callOf(coordinator.ID(a.Task)); c != nil && c.at != nil && c.at.n == a.N {
		return c.at
	}
	return nil
}

func (s *session) runOn(on *agent, a protocol.Attempt) *attempt {
	if at := s.runOf(a); at != nil && at.on == on {
		return at
	}
	return nil
}

func (at *attempt) wire() protocol.Attempt {
	return protocol.Attempt{Task: uint64(at.inst.id), N: at.n}
}

func suits(uint32) bool { return true }

// news wakes the carrier if a task has become ready.
func (s *session) news() {
	if s.brain.m.AwayNews() {
		s.d.wake()
	}
}

func (s *session) enlist(at *attempt) {
	if at.before = s.last; s.last == nil {
		s.first = at
	} else {
		s.last.after = at
	}
	s.last = at
}

func (s *session) delist(at *attempt) {
	if at.before != nil {
		at.before.after = at.after
	} else if s.first == at {
		s.first = at.after
	}
	if at.after != nil {
		at.after.before = at.before
	} else if s.last == at {
		s.last = at.before
	}
	at.before, at.after = nil, nil
}
