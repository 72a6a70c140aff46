package engine

import (
	"context"
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/musterrun/muster/internal/coordinator"
)

// mapper is one range over a Map, Pipe or Unordered. The ranging goroutine pulls the input, fills chunks and yields
// results; each chunk is a task. Lock order: the session's mutex, then mu.
type mapper[In, Out any] struct {
	f     *Fn[In, Out]
	s     *Session
	run   *Run // the task that ranges, or nil
	ctx   context.Context
	scope *Scope // of its chunks: ends with the loop
	outer *Scope // of what is yielded; nil if results hold no Refs
	room  int    // chunks that can run at once
	most  int    // items that it holds
	alone bool   // each item is a task: it may wait for Refs, has a Timeout or must not run twice

	// The ranging goroutine's own.
	filling  *chunk[In, Out]
	index    int // of the next item
	filled   int64
	spare    []buffers[In, Out]
	shut     bool        // the session was closed
	weighing bool        // the function's Weight runs
	limit    int         // items per chunk, by their size
	bulky    int64       // bytes of items that fill a chunk
	even     bool        // all items take as many bytes
	each     int64       // so many
	rec      *mapJournal // nil without a journal
	number   uint64      // in a worker: counts the Maps of the attempt

	mu        sync.Mutex
	sizer     sizer
	queue     []*chunk[In, Out] // in order, not all delivered
	finished  []*chunk[In, Out] // unordered only: in order of their ends
	unordered bool
	items     int   // in the queue
	bytes     int64 // of their items
	open      int   // chunks that have not finished
	tick      *timer
	pause     time.Duration // until the next look whether a chunk is slow
	left      bool

	first atomic.Pointer[chunk[In, Out]] // the queue's head
	eager atomic.Bool                    // the ranging goroutine waits for any chunk
	bell  chan struct{}
}

// buffers are a delivered chunk's, for the next one.
type buffers[In, Out any] struct {
	items []In
	outs  []Out
}

// maxItems bounds what a mapper holds when chunks are large; spareChunks is how many more chunks than can run it holds
// while the head isn't done.
const (
	maxItems    = 1 << 17
	maxAway     = 1<<18 - maxChunk // when they run elsewhere
	spareChunks = 64
)

func (f *Fn[In, Out]) newMapper(ctx context.Context, unordered bool) (*mapper[In, Out], context.CancelFunc, error) {
	at, err := f.at(ctx)
	if err != nil {
		return nil, nil, err
	}
	var in In
	var out Out
	m := &mapper[In, Out]{
		f: f, s: at.s, ctx: ctx, unordered: unordered, bell: make(chan struct{}, 1),
		alone: f.Opts.Timeout > 0 || f.Opts.Once || f.Opts.Isolated || f.argTraits() != 0,
		bulky: bulkyChunk,
		limit: max(1, min(maxChunk, (1<<20)/max(1, int(unsafe.Sizeof(in)+unsafe.Sizeof(out))))),
	}
	m.each, m.even = f.InSize.Fixed()
	if at.run.runsIn(at.s) {
		m.run = at.run
	}
	if m.rec, err = journalOf(m.s, f, at.run); err != nil {
		return nil, nil, err
	}
	inner, cancel := context.WithCancel(ctx)
	own, around := m.s.tetherOf(inner, at.run), m.s.tetherOf(ctx, at.run)
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.closed {
		cancel()
		return nil, nil, ErrClosed
	}
	m.scope = m.s.scopeAt(own)
	if f.OutRefs.HasRefs() {
		m.outer = m.s.scopeAt(around)
	}
	m.room, m.most = m.s.capacity(&f.Spec), maxItems
	if m.leaves() {
		m.most = maxAway
	}
	m.alone = m.alone || f.Opts.Retries > 0 && m.leaves() || f.OutRefs.HasRefs() && m.goesUp() // a Ref means something to one attempt only
	if m.goesUp() {
		m.number = m.run.t.host.nextMap()
	}
	return m, cancel, nil
}

// capacity is how many tasks of a function the session could run at once.
func (s *Session) capacity(sp *Spec) int {
	n := s.cfg.CPUs / sp.Opts.CPUs
	if s.isAway(sp) || s.cfg.Upstream != nil && sp.reg != nil {
		return max(minAway, int(2*s.carried.cpus/sp.Opts.CPUs))
	}
	if sp.Opts.IO {
		n = float64(s.cfg.Concurrency)
	}
	for _, r := range sp.Opts.Resources {
		n = min(n, s.cfg.Resources[r.Name]/r.N)
	}
	return max(1, int(n))
}

// leave cancels what has not been yielded.
func (m *mapper[In, Out]) leave(cancel context.CancelFunc) {
	m.s.mu.Lock()
	m.mu.Lock()
	m.left = true
	tick := m.tick
	m.mu.Unlock()
	tick.stop(m.s)
	if m.scope.stop != nil && m.scope.stop() {
		m.s.release()
	}
	m.s.endScope(m.scope, ErrCanceled, byLoop)
	m.s.flush()
	cancel()
}

// addUniform is the short way of add for most items of most Maps: it puts an item into the chunk that is being filled if it
// is like the others in it, and not the last.
func (m *mapper[In, Out]) addUniform(v In) bool {
	c := m.filling
	if c == nil || len(c.items)+1 >= c.uniform {
		return false
	}
	c.items = append(c.items, v)
	return true
}

// add puts an item into the chunk that is being filled, and submits it when it's full.
func (m *mapper[In, Out]) add(v In, err error) {
	m.count()
	weight := m.weigh(v)
	if err == nil && m.s.cfg.Strict && !m.f.Local {
		if v, err = m.f.snapshot(m.s, v); err != nil {
			err = m.itemError(m.index, nil, err)
		}
	}
	c := m.filling
	if c == nil {
		c = m.newChunk()
	}
	i := len(c.items)
	c.items = append(c.items, v)
	m.index++
	if err != nil {
		c.fail(i, err)
	}
	c.weight += weight
	if m.even {
		c.bytes += m.each
	} else {
		c.bytes += m.f.sizeOf(m.s, &c.items[i])
	}
	if c.isFull() {
		m.submit()
	}
}

// count counts the items that addUniform has put into the chunk.
func (m *mapper[In, Out]) count() {
	c := m.filling
	if c == nil {
		return
	}
	n := c.base + len(c.items) - m.index
	m.index += n
	c.weight += float64(n)
	c.bytes += int64(n) * m.each
}

// weigh is what an item costs beside others; what is no positive number counts as 1.
func (m *mapper[In, Out]) weigh(v In) float64 {
	if m.f.Weight == nil {
		return 1
	}
	m.weighing = true
	w := m.f.Weight(v)
	m.weighing = false
	if !(w > 0) || math.IsInf(w, 1) {
		return 1
	}
	return w
}

func (m *mapper[In, Out]) newChunk() *chunk[In, Out] {
	c := &chunk[In, Out]{m: m, base: m.index, full: 1, limit: m.limit}
	if m.goesUp() {
		c.limit = min(c.limit, maxUp)
	}
	if m.rec != nil {
		c.expect(m.rec.next(m.index))
	}
	if n := len(m.spare); n > 0 {
		c.items, c.outs = m.spare[n-1].items, m.spare[n-1].outs
		m.spare[n-1] = buffers[In, Out]{}
		m.spare = m.spare[:n-1]
	}
	if !m.alone {
		m.mu.Lock()
		c.full = m.sizer.weight()
		m.mu.Unlock()
		m.filled = m.s.now()
	}
	if m.even && m.f.Weight == nil && (!m.s.cfg.Strict || m.f.Local) {
		c.uniform = c.fits(m.each)
	}
	m.filling = c
	return c
}

// submit makes a task of the chunk that is being filled.
func (m *mapper[In, Out]) submit() {
	m.count()
	c := m.filling
	if c == nil {
		return
	}
	m.filling = nil
	c.coverItems()
	if cap(c.outs) < len(c.items) {
		c.outs = make([]Out, len(c.items), cap(c.items))
	}
	c.outs = c.outs[:len(c.items)]
	m.s.mu.Lock()
	m.mu.Lock()
	m.shut = m.s.closed
	if !m.alone {
		m.sizer.filled(c.weight, m.s.elapsed(m.filled))
	}
	m.queue = append(m.queue, c)
	if len(m.queue) == 1 {
		m.first.Store(c)
	}
	m.start(c)
	m.mu.Unlock()
	m.s.flush()
}

// start enters a chunk's task. Both mutexes are held.
func (m *mapper[In, Out]) start(c *chunk[In, Out]) {
	c.size, c.bulk = len(c.items), toBulk(c.bytes)
	m.items += c.size
	m.bytes += c.bulk.bytes()
	m.open++
	c.s, c.ops, c.scope = m.s, c, m.scope
	c.traits = quiet
	if m.alone || c.single {
		c.traits |= m.f.argTraits()
	} else {
		c.traits |= once
	}
	m.startAway(c)
	if m.run != nil {
		c.chain = m.run.chain
		c.depth = m.run.t.depth + 1
	}
	c.tell = c
	c.push(&c.waiter)
	c.entering = true
	m.s.submit(&c.Task, m.run)
	c.entering = false
	m.pause = chunkAim
	if m.tick == nil && !m.left && !m.s.closed {
		m.tick = m.s.after(m.pause, m.rescue)
	}
}

// maxPause bounds the time between two looks of rescue: so often a Map that waits for slow items, or for room on a
// cluster, wakes up for nothing.
const maxPause = 16 * chunkAim

// rescue looks at the chunks that have run for longer than their aim and gives their unstarted items to others. The
// session's mutex is held.
func (m *mapper[In, Out]) rescue() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick = nil
	now := m.s.now()
	for _, c := range m.queue {
		began := c.began.Load()
		if began == 0 || now-began < int64(chunkAim) || c.single || m.alone {
			continue
		}
		if rest := c.takeRest(); rest < c.size {
			m.pause = chunkAim
			m.sizer.observe(1, m.s.elapsed(began))
			m.splice(c, rest, false)
		}
	}
	if m.open > 0 && !m.left && !m.s.closed {
		m.tick = m.s.after(m.pause, m.rescue)
		m.pause = min(2*m.pause, maxPause)
	}
}

// splice makes chunks of what c leaves, from the item at rest on, and puts them behind it: the first of them alone if
// it is to be tried again. Both mutexes are held.
func (m *mapper[In, Out]) splice(c *chunk[In, Out], rest int, again bool) {
	var parts []*chunk[In, Out]
	at := rest
	if again {
		parts = append(parts, c.part(rest, rest+1))
		parts[0].single, parts[0].made = true, 1
		at++
	}
	if n := c.size - at; n > 0 {
		for _, to := range m.ends(c.base, at, n) {
			parts = append(parts, c.part(at, to))
			at = to
		}
	}
	c.weight *= float64(rest) / float64(max(1, c.size))
	m.items -= c.size - rest
	c.size = rest
	for i, q := range m.queue {
		if q == c {
			m.queue = append(m.queue[:i+1:i+1], append(parts, m.queue[i+1:]...)...)
			break
		}
	}
	for _, p := range parts {
		m.start(p)
	}
	m.ring()
}

// ends is where pieces of n items of a chunk end, from one on: as an earlier driver of the job has cut them, or else as many
// as can run at once.
func (m *mapper[In, Out]) ends(base, at, n int) (list []int) {
	if m.rec != nil {
		list = m.rec.ends(base, at, n)
	}
	if pieces := max(1, min(n, m.room)); list == nil {
		for k := range pieces {
			list = append(list, at+n*(k+1)/pieces)
		}
	}
	return list
}

// ring wakes the ranging goroutine.
func (m *mapper[In, Out]) ring() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// All adapts a sequence to one that may carry errors. It doesn't range over it, so that an input that goes on after its
// yield has returned false meets the driver's message and not the runtime's. Nil stays nil.
func All[In any](in iter.Seq[In]) iter.Seq2[In, error] {
	if in == nil {
		return nil
	}
	return func(yield func(In, error) bool) {
		in(func(v In) bool { return yield(v, nil) })
	}
}

// continues marks the parts of a chunk that ran longer than its aim: they go before new chunks.
func (c *chunk[In, Out]) continues(spec coordinator.Spec) coordinator.Spec {
	spec.Front = c.spliced
	spec.Attempts = c.made
	return spec
}
