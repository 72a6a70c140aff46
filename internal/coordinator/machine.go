package coordinator

// Machine is the state of all tasks of a session. It isn't safe for concurrent use: its owner serialises the calls and
// carries out the Actions between them. Each event costs time proportional to the tasks whose state it changes.
type Machine struct {
	table    slab[record]
	edges    slab[edge]
	scopes   slab[scope]
	room     room
	resuming rankHeap // tasks that run again once CPU is free
	doubt    bool     // this event may have left a task that can never start
	tight    bool     // this event may have left a ready task that lacks what a blocked one holds
	actions  []Action
	work     []uint32 // scratch, empty between events
	failing  []failure
	marks    []mark // by place
	searches uint32
	live     int
	others   int       // ready tasks whose need is more than CPU
	holding  []uint32  // tasks that are charged with more than CPU
	numbered uint64    // tasks submitted so far
	far      []*need   // away, with a ready task
	heldFar  []heldFar // see HoldFar
	passFar  func(id NeedID, pack int) bool
	farHold  []uint32 // tasks that run elsewhere and hold more there than what is lent
	news     bool     // a task that runs elsewhere has become ready: see AwayNews
	watches  bool     // see WatchAway
	readied  []ID     // likewise

	needs     []*need
	byKey     map[string]NeedID
	idle      []*need // without a task, the oldest first
	freeNeeds []NeedID
	forgot    uint64
	amounts   []Amount // scratch
	key       []byte   // scratch
	ordering
}

// New makes a Machine with the given totals by dimension: CPU, IO, Memory, then the named ones. The need of number zero
// is one CPU.
func New(totals []int64) *Machine {
	m := &Machine{room: newRoom(totals), byKey: map[string]NeedID{}}
	m.holds, m.patience = make([]hold, len(totals)), patience
	m.addNeed(need{amounts: []Amount{{CPU, Unit}}, cpu: Unit})
	return m
}

// Actions hands over what the events since the last call ask for, in order. The slice is valid until the next event.
func (m *Machine) Actions() []Action {
	a := m.actions
	m.actions = m.actions[:0]
	return a
}

func (m *Machine) act(a Action) { m.actions = append(m.actions, a) }

// Submit adds a task. Its Deps must not wait for it.
func (m *Machine) Submit(s Spec) ID {
	i := m.table.get()
	r := m.table.at(i)
	m.numbered++
	*r = record{
		num: m.numbered, gen: r.gen + 1, depth: s.Depth, priority: s.Priority,
		need: s.Need, attempt: s.Attempts, attempts: max(s.Retries, s.Retries+1), state: Waiting,
	}
	if s.Value {
		r.flags |= isValue
	}
	if s.Front {
		r.flags |= isFront
	}
	m.live++
	m.takes(s.Need)
	m.enter(i, r, s.Scope)
	for _, d := range s.Deps {
		if m.lookup(d) != nil {
			m.connect(d.index(), i)
			r.unmet++
			m.inherit(d.index(), s.Priority, false)
		}
	}
	switch {
	case s.Attempts > 0:
		r.state = Backoff
	case r.unmet == 0:
		m.met(i, r)
	}
	id := makeID(i, r.gen)
	m.conclude()
	return id
}

// conclude does what may follow from any event, once the event itself has been dealt with.
func (m *Machine) conclude() {
	m.resume()
	m.unstick()
	m.hurry()
	m.resume() // who is urgent now may need less than who was first before
}

// met moves a task whose last dependency has ended on.
func (m *Machine) met(i uint32, r *record) {
	m.dropIn(r)
	if r.has(isValue) {
		r.state = Joining
		m.act(Action{Verb: Join, ID: makeID(i, r.gen)})
		return
	}
	m.makeReady(i, r)
}

func (m *Machine) makeReady(i uint32, r *record) {
	r.state = Ready
	n := m.needs[r.need]
	if n.away {
		m.news = true
		if m.watches {
			m.readied = append(m.readied, makeID(i, r.gen))
		}
	}
	m.enqueue(&n.ready, i, r)
	if n.at == 0 || r.rank() > n.rank {
		m.reorder(n)
	}
	if n.other {
		m.others++
		m.doubt, m.tight = true, true
	}
}

func (m *Machine) leaveReady(r *record) {
	n := m.needs[r.need]
	m.dequeue(&n.ready, r)
	if r.num == n.num {
		m.reorder(n)
	}
	if n.other {
		m.others--
	}
}

// charge starts a task's attempt: it has what it needs from now on.
func (m *Machine) charge(i uint32, r *record) {
	n := m.needs[r.need]
	if !n.away {
		m.room.charge(n, 1)
	}
	if n.holds {
		r.unmet = uint32(len(m.farHold))
		m.farHold = append(m.farHold, i)
	}
	if n.other {
		r.unmet = uint32(len(m.holding))
		m.holding = append(m.holding, i)
		m.tight = true
	}
	r.state = Running
	r.flags &^= isReturned
	r.attempt++
	r.passed = 0
}

// Result is how an attempt went.
type Result uint8

// An attempt succeeded, failed, or failed in a way that no further attempt would mend.
const (
	Succeeded Result = iota
	Error
	Fatal
)

// Finish ends an attempt, or the Joining of a value (attempt 0), and decides what becomes of the task. After Retry it
// is in Backoff until Due. The byte is the reason given to Cancel, for Canceled.
func (m *Machine) Finish(id ID, attempt int, res Result) (Outcome, uint8) {
	r := m.lookup(id)
	if r == nil || int(r.attempt) != attempt || !r.active() {
		return Ignored, 0
	}
	m.release(r)
	if r.has(isExpired) && res == Succeeded {
		res = Error
	}
	if res == Error && r.holds() && !r.has(isCanceled) && r.attempt < r.attempts {
		r.state = Backoff
		r.flags &^= isExpired
		m.conclude()
		return Retry, 0
	}
	out := Done
	switch {
	case r.has(isCanceled):
		out = Canceled
	case res != Succeeded:
		out = Failed
	}
	why := r.why
	m.end(id.index(), r, out == Done)
	m.conclude()
	return out, why
}

// active reports whether an attempt or the joining of a value is under way.
func (r *record) active() bool { return r.holds() || r.state == Joining }

// holds reports whether an attempt is under way, which is charged for.
func (r *record) holds() bool { return r.state == Running || r.state == Blocked || r.state == Resuming }

// release gives back what the task is charged with.
func (m *Machine) release(r *record) {
	n := m.needs[r.need]
	if n.away {
		if r.state == Blocked {
			m.dropIn(r)
		}
		if n.holds {
			m.takeOutOf(&m.farHold, r)
		}
		return
	}
	switch r.state {
	case Resuming:
		m.dequeue(&m.resuming, r)
		m.room.lend(n, -1)
	case Blocked:
		m.dropIn(r)
		m.room.lend(n, -1)
	case Joining:
		return
	}
	m.room.charge(n, -1)
	if n.other {
		m.doubt = true
		m.takeOutOf(&m.holding, r)
	}
}

// takeOutOf takes a task out of the holders, among which its place is r.unmet.
func (m *Machine) takeOutOf(holders *[]uint32, r *record) {
	end := len(*holders) - 1
	last := (*holders)[end]
	(*holders)[r.unmet] = last
	m.table.at(last).unmet = r.unmet
	*holders = (*holders)[:end]
}

// Due ends the Backoff after the given attempt.
func (m *Machine) Due(id ID, attempt int) {
	if r := m.lookup(id); r != nil && r.state == Backoff && int(r.attempt) == attempt {
		m.makeReady(id.index(), r)
		m.conclude()
	}
}

// Join lets a value that is Joining wait for one more task. If that has ended already, Join is asked for again; if a
// cancel was asked for meanwhile, the value ends.
func (m *Machine) Join(id, dep ID) {
	r := m.lookup(id)
	if r == nil || r.state != Joining {
		return
	}
	r.state = Waiting
	switch {
	case r.has(isCanceled):
		m.settle(id.index(), r, Canceled, r.why, 0)
	case m.lookup(dep) == nil:
		m.met(id.index(), r)
	default:
		m.connect(dep.index(), id.index())
		r.unmet = 1
		m.doubt = true
		m.inherit(dep.index(), r.priority, r.has(isUrgent))
	}
	m.conclude()
}
