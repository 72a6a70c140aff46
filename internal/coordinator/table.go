package coordinator

// record is a task in the table. It holds no pointer, so that a million of them cost the garbage collector nothing.
type record struct {
	num       uint64 // order of submission, from 1
	gen       uint32 // of this place
	scope     ScopeID
	scopePrev uint32 // neighbours in the scope's list, by place
	scopeNext uint32
	queuePrev uint32 // neighbours in the queue it is ready or resuming in
	queueNext uint32
	firstOut  uint32 // edges to dependents
	firstIn   uint32 // edges to dependencies
	unmet     uint32 // edges to what hasn't ended; of one that holds more than CPU its place in Machine.holding or farHold
	depth     uint32
	priority  int32
	need      NeedID
	attempt   uint16
	attempts  uint16 // at most
	state     State
	flags     uint8
	why       uint8
	passed    uint8 // times that others took what it lacks, see order.go
}

// Flags of a record.
const (
	isValue    uint8 = 1 << iota // no function: Join instead of Next
	isFront                      // ranked before all that isn't
	isCanceled                   // a cancel was asked for; the attempt's end settles it
	isExpired                    // the attempt's time is over
	isWoken                      // blocked: something that it waits for has ended
	isOutside                    // blocked: something outside will end its wait
	isUrgent                     // others lack what it holds, or what waits for it does: see urgent.go
	isReturned                   // ready: it had its turn, and couldn't begin
)

// isWaiting are the flags of a wait.
const isWaiting = isWoken | isOutside

func (r *record) has(flag uint8) bool { return r.flags&flag != 0 }

// slabBits sets the slab's size: tables grow by whole slabs and are never copied.
const slabBits = 10

// slab is a growing table of T with a free list. Index 0 is never given out: it means "none".
type slab[T any] struct {
	pages [][]T
	free  []uint32
	next  uint32
}

func (s *slab[T]) at(i uint32) *T { return &s.pages[i>>slabBits][i&(1<<slabBits-1)] }

func (s *slab[T]) get() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if s.next == 0 {
		s.next = 1
	}
	if int(s.next>>slabBits) == len(s.pages) {
		s.pages = append(s.pages, make([]T, 1<<slabBits))
	}
	s.next++
	return s.next - 1
}

func (s *slab[T]) put(i uint32) { s.free = append(s.free, i) }

// lookup finds the live task of an ID, or nil.
func (m *Machine) lookup(id ID) *record {
	i := id.index()
	if i == 0 || i >= m.table.next {
		return nil
	}
	r := m.table.at(i)
	if r.state == Free || r.gen != id.gen() {
		return nil
	}
	return r
}

func (m *Machine) idOf(i uint32) ID { return makeID(i, m.table.at(i).gen) }

// Number is the task's number in order of submission, from 1; 0 for a task that has ended.
func (m *Machine) Number(id ID) uint64 {
	if r := m.lookup(id); r != nil {
		return r.num
	}
	return 0
}

// Attempt is the number of the attempt that runs or ran last, from 1; 0 for a task that has ended or never started.
func (m *Machine) Attempt(id ID) int {
	if r := m.lookup(id); r != nil {
		return int(r.attempt)
	}
	return 0
}

// State is where the task stands; Free when it has ended.
func (m *Machine) State(id ID) State {
	if r := m.lookup(id); r != nil {
		return r.state
	}
	return Free
}

// Len is the number of tasks that have not ended.
func (m *Machine) Len() int { return m.live }

// Each calls visit with every task that has not ended, until it returns false. Nothing may be changed meanwhile.
func (m *Machine) Each(visit func(ID, State) bool) {
	for i := uint32(1); i < m.table.next; i++ {
		if r := m.table.at(i); r.state != Free && r.state != Set && !visit(makeID(i, r.gen), r.state) {
			return
		}
	}
}
