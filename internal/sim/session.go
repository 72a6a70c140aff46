package sim

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
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
	holds  holding

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
	pack        pack
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
	s.brain.m = coordinator.New([]int64{0, 0, 0})
	return s
}

// run makes the calls of main.
func (s *session) run() {
	for i := range s.calls {
		s.calls[i] = s.submit(int32(i), nil)
	}
	if s.left == 0 {
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

// probe is how many tasks are given for each CPU of a room that others may have taken meanwhile.
const probe = 16

// take gives a node tasks for what it offers.
func (s *session) take(o *protocol.Offer, b *protocol.Batch) (more bool) {
	on := s.d.s.agent(o.Node)
	s.recount()
	free := []int64{s.quota.left(o.CPU), o.IO, o.Memory}
	if s.d.s.has(ignoresQuota) {
		free[coordinator.CPU] = o.CPU
	}
	held := s.holdFor(on, free)
	m := s.brain.m
	m.HoldFar(held)
	took := false
	most := o.Most
	if o.Shared {
		most = min(most, probe*int(max(1, o.CPU/coordinator.Unit)))
	}
	for pack := 0; len(b.Tasks) < most; {
		had := free[coordinator.CPU]
		s.brain.begin()
		id, ok := m.Take(pack, free, suits)
		s.brain.end()
		if !ok {
			break
		}
		took = true
		if pack == 0 {
			pack = m.PackOf(id)
			most = min(most, s.fairPart(id, pack, o.CPU))
		}
		s.handOver(s.callOf(id), on, had-free[coordinator.CPU], b)
	}
	s.fell(free, o.CPU)
	if !took && held == 0 {
		s.recall(on, free)
	}
	s.news()
	return m.ReadyAway() || s.mayRecallAny()
}

// fairPart is how many tasks are given out at once: half of the offer's part of them.
func (s *session) fairPart(first coordinator.ID, pack int, cpu int64) int {
	if pack <= 1 || s.cpus <= 0 {
		return math.MaxInt
	}
	part := float64(1+s.brain.m.ReadyFar(first)) * float64(cpu) / coordinator.Unit / s.cpus / 2
	return max(int(part), pack/16, 1)
}

// handOver begins an attempt on a node, unless the task's outcome is there or comes without.
func (s *session) handOver(c *call, on *agent, cpu int64, b *protocol.Batch) {
	at := s.begin(c, on)
	at.cpu = cpu
	s.quota.given += cpu
	t := &s.d.job.program.tasks[c.task]
	if exec := s.recorded[c.task]; exec != 0 {
		s.arrive(at, succeeded, exec)
		return
	}
	if t.nature == once && s.begun[c.task] && s.held[c.task] == nil {
		c.maybe = true
		s.arrive(at, canceled, 0)
		return
	}
	if s.adopt(at) {
		return
	}
	s.gave[c.task] = true
	b.Tasks = append(b.Tasks, s.message(at, t))
}

func (s *session) begin(c *call, on *agent) *attempt {
	at := &attempt{inst: c, n: uint32(s.brain.m.Attempt(c.id)), on: on, start: s.d.s.now}
	c.at = at
	s.enlist(at)
	return at
}

// message is the task as the node gets it.
func (s *session) message(at *attempt, t *task) protocol.Task {
	x := protocol.Task{ID: uint64(at.inst.id), Attempt: at.n, Key: keyOf(at.inst.task), Need: protocol.Need{CPU: t.cpu, Memory: t.memory}}
	if at.inst.suspect {
		x.Flags |= protocol.Alone
	}
	if t.nature == once {
		x.Flags |= protocol.Once
	}
	for _, dep := range t.dep {
		if dep >= 0 {
			data := binary.LittleEndian.AppendUint32(nil, s.calls[dep].exec)
			x.Deps = append(x.Deps, protocol.Dep{Key: keyOf(dep), Value: protocol.Value{Form: protocol.Inline, Data: data}})
		}
	}
	return x
}

// arrive ends an attempt that has an outcome. Canceled is for one that no retry mends.
func (s *session) arrive(at *attempt, how status, exec uint32) {
	c := at.inst
	c.suspect, c.deaths = false, 0
	s.end(at)
	res := [...]coordinator.Result{succeeded: coordinator.Succeeded, failed: coordinator.Error, canceled: coordinator.Fatal}[how]
	s.brain.begin()
	out, _ := s.brain.m.Finish(c.id, int(at.n), res)
	s.brain.end()
	switch out {
	case coordinator.Retry:
		c.at = nil
		n := int(at.n)
		s.d.s.within(s.d.life, time.Second, func() {
			s.brain.m.Due(c.id, n)
			s.carryOut()
			s.news()
		})
	case coordinator.Done:
		s.settle(c, succeeded, exec)
	case coordinator.Canceled:
		if how == succeeded {
			s.d.s.truth.excuseTask(s.d.job, c.task, "called by what was lost")
		}
		s.settle(c, canceled, 0)
	default:
		s.settle(c, failed, 0)
	}
	s.carryOut()
	s.news()
}

// end forgets an attempt, and cancels what it has called.
func (s *session) end(at *attempt) {
	at.over = true
	s.delist(at)
	if !at.waits {
		s.quota.given -= at.cpu
	}
	if at.scope != 0 {
		s.brain.m.CancelScope(at.scope, byCaller)
		s.carryOut()
		s.brain.m.CloseScope(at.scope)
		at.scope = 0
	}
}

// settle ends a call, and tells who waits for it.
func (s *session) settle(c *call, how status, exec uint32) {
	if c.over {
		s.d.s.fail("task %d of job %d ends twice", c.task, s.d.job.n)
	}
	c.over, c.status, c.exec, c.at, c.lost = true, how, exec, nil, nil
	if c.id != 0 {
		s.live[c.id.Index()] = nil
	}
	for _, at := range c.wanted {
		s.deliver(at, c)
	}
	c.wanted = nil
	if c.by != nil && how == succeeded && s.recorded[c.task] == 0 {
		s.recorded[c.task] = exec // who calls it may be run again
	}
	if c.by == nil {
		s.left--
		s.d.s.moved = s.d.s.now
		if s.left == 0 && s.d.began {
			s.d.quit()
		}
	}
}

// carryOut does what the coordinator asks for.
func (s *session) carryOut() {
	for actions := s.brain.m.Actions(); len(actions) > 0; actions = s.brain.m.Actions() {
		for _, a := range slices.Clone(actions) {
			switch c := s.callOf(a.ID); {
			case c == nil:
			case a.Verb == coordinator.Interrupt && c.at != nil:
				s.excuseCall(c)
				s.d.tell(c.at.on, protocol.Stop{Attempt: c.at.wire(), Grace: grace})
			case a.Verb == coordinator.Settle && a.Outcome == coordinator.Canceled:
				s.settle(c, canceled, 0)
			case a.Verb == coordinator.Settle:
				s.settle(c, failed, 0)
			}
		}
	}
}

// excuseCall notes that a call and all that it has called were for nothing: who has called it was lost, or doesn't wait.
func (s *session) excuseCall(c *call) {
	if c.over {
		return
	}
	c.vain = true
	s.d.s.truth.excuseTask(s.d.job, c.task, "called by what was lost")
	if c.at != nil {
		for _, t := range slices.Sorted(maps.Keys(c.at.calls)) {
			s.excuseCall(c.at.calls[t])
		}
	}
}

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
