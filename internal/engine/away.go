package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// Carrier takes a session's tasks to other machines. Wake, Send and Decide are called under the session's mutex: they are quick
// and never block.
type Carrier interface {
	// Wake says that tasks are ready for Take.
	Wake()
	// Send brings something about an attempt to the node that has it.
	Send(node string, it protocol.Item)
	// Decide records something for the next driver of the job; heard is called, without locks, once it is recorded.
	Decide(d protocol.Decision, heard func())
	// Renew says that the head is to hear soon of what Load says.
	Renew()
	// PutValue keeps a value that is too large for a message, and GetValue gives it.
	PutValue(ctx context.Context, data []byte) (id string, size int64, err error)
	GetValue(ctx context.Context, id string, size int64) ([]byte, error)
}

// carried is what a session knows of the tasks that its carrier takes elsewhere.
type carried struct {
	packs    []dispatch.Pack // by function
	lastNeed [2]struct {     // of tasks and chunks, since most have the function of the one before
		of *Spec
		id coordinator.NeedID
		at uint64 // as many needs had been forgotten
	}
	unfit    map[coordinator.NeedID]unfit
	refusal  error // why tasks are being refused
	stranded error // why nothing runs elsewhere any more
	classes  classes
	nodes    []protocol.NodeInfo        // by the last survey; nil before the first
	cpus     float64                    // of the nodes that live, by the last survey
	offered  []int64                    // scratch: room by dimension
	runs     []*Run                     // scratch of Take
	args     []byte                     // scratch of Take: what the batch's arguments lie in
	records  map[coordinator.ID]*record // of tasks that an attempt was lost of
	readied  []coordinator.ID           // scratch of Restore
	held     map[protocol.Key]string    // nodes that run a task for an earlier epoch, by its key
	adopted  map[protocol.Key]*Run      // attempts that such a task stands for
	replayed map[protocol.Key]*protocol.Outcome
	useless  map[protocol.Key]string            // nodes from which a key's outcome came that is no result
	decided  map[protocol.Key]protocol.Decision // by earlier drivers
	first    *Run                               // of the attempts that nodes have, in the order in which they were given out
	last     *Run
	lag      dispatch.Lag     // by how much more than they took outcomes come late: the soonest of each message
	looked   int64            // when crowded was found
	crowded  map[string]int64 // nodes with more tasks than CPUs: see recall
	holding  holding
	quota    quota
	cuts     map[mapID][]cut // theirs, of Maps
	reaching reaching
}

// awayRun is the part of an attempt that only one on another machine has.
type awayRun struct {
	node  string
	refs  refIndex
	asked map[protocol.RefID]bool // for the values of these
	waits bool                    // its function has lent its CPUs
	cpu   int64                   // that it was given of an offer
	ends  bool                    // its wait, by itself
	given bool                    // what it needs beside CPU counts for the quota

	apart    *apartRun // of one in a process of this session; its node is ""
	alone    bool      // nothing runs beside it in its worker
	started  bool      // it may have begun, and must not begin twice
	recalled bool      // it was asked for, in case it hasn't begun

	reached       *dispatch.Reached // nil for a task that isn't short
	before, after *Run              // in the order in which they were given out
}

// isAway reports whether the tasks of a function run elsewhere.
func (s *Session) isAway(sp *Spec) bool { return s.cfg.Carrier != nil && sp.reg != nil }

// away is a task that can run on another machine.
type away interface {
	// pack fills in what the attempt needs: it's called once for each, without the session's mutex.
	pack(r *Run, t *protocol.Task) error
	// unpack takes the result; an error is the attempt's.
	unpack(r *Run, v *protocol.Value) error
}

// recaller is a task whose result an earlier run may have recorded.
type recaller interface {
	recallAway(r *Run) (found bool, err error)
}

// Take appends to b the tasks that are to run in the room that a node offers. They are part of b until the next call:
// there is one caller. Late says that the room may have gone to other jobs since it was offered. More says whether another
// node's offer may get anything now.
func (s *Session) Take(o *protocol.Offer, late bool, b *protocol.Batch) (more bool) {
	s.mu.Lock()
	if s.carried.stranded != nil {
		s.refuseAll(s.carried.stranded)
		s.flush()
		return false
	}
	free := s.room(o)
	quota := &s.carried.quota
	s.recount(s.now())
	offered := quota.cut(free)
	runs := s.carried.runs[:0]
	now := s.now()
	suits := s.suits(o)
	s.putOff(o, late, now)
	held := s.holdFor(o, free, now)
	s.m.HoldFar(held)
	s.holdQuota(now)
	most := o.Most
	if late {
		most = min(most, probe*int(max(1, o.CPU/coordinator.Unit)))
	}
	for pack := 0; len(runs) < most; {
		had := free[coordinator.CPU]
		id, ok := s.m.Take(pack, free, suits)
		if !ok {
			break
		}
		if pack == 0 {
			pack = s.m.PackOf(id)
			most = min(most, s.fairPart(id, pack, o))
		}
		s.busy++
		r := s.beginAway(id, o.Node, now)
		s.charge(r, had-free[coordinator.CPU])
		runs = append(runs, r)
	}
	s.carried.runs = runs
	s.reached(o, runs, now)
	s.fell(s.isShort(free, offered), now)
	if len(runs) == 0 && held == 0 {
		s.recall(o, free, now)
	}
	more = s.m.ReadyAway() || s.carried.mayRecall(now)
	s.flush()
	s.carried.args = s.carried.args[:0]
	sent := len(b.Tasks)
	for i, r := range runs {
		runs[i] = nil
		s.pack(r, b)
	}
	if len(b.Tasks)-sent < len(runs) {
		s.cfg.Carrier.Wake() // some needed no room: others may have it
	}
	return more
}

// beginAway begins an attempt on a node. The mutex is held.
func (s *Session) beginAway(id coordinator.ID, node string, now int64) *Run {
	x := &struct {
		Run
		awayRun
	}{}
	x.away = &x.awayRun
	x.node, x.awayRun.alone = node, s.isSuspect(id)
	s.carried.enlist(&x.Run)
	return s.beginAs(&x.Run, s.taskOf(id), now)
}

// probe is how many tasks are given for each CPU of a room that others may have taken meanwhile: if they have, all of the
// batch comes back, and if not, the next offer was made to this job first.
const probe = 16

// fairPart is how many tasks like the one that was taken first are given out at once, so that the last ones of many don't
// all lie on one node while others have nothing: half of the offer's part of them, by its CPUs, or a piece of a pack if
// that is more. Where other jobs are offered the same room, not all CPUs will be this one's: about twice as many as it has
// now count. The mutex is held.
func (s *Session) fairPart(first coordinator.ID, pack int, o *protocol.Offer) int {
	if pack <= 1 || s.carried.cpus <= 0 {
		return math.MaxInt
	}
	all := s.carried.cpus * coordinator.Unit
	if o.Shared {
		all = min(all, float64(2*s.carried.quota.has(coordinator.CPU)+o.CPU))
	}
	part := float64(1+s.m.ReadyFar(first)) * float64(o.CPU) / all / 2
	return max(int(part), pack/packPieces, 1)
}

// packPieces is into how many batches a pack may be cut: one is about as much work as a round trip takes then.
const packPieces = 4

// pack appends the attempt to the batch, unless it ends here.
func (s *Session) pack(r *Run, b *protocol.Batch) {
	if c, ok := r.t.ops.(recaller); ok {
		if found, err := c.recallAway(r); found {
			s.arrive(r, err, 0)
			return
		}
	}
	key := s.wireKey(r)
	if s.adoptRunning(r, key) {
		return
	}
	b.Tasks = append(b.Tasks, protocol.Task{Key: key, ID: uint64(r.id), Attempt: uint32(r.attempt), Func: r.t.ops.Spec().reg.index})
	t := &b.Tasks[len(b.Tasks)-1]
	r.t.ops.Spec().Opts.demand(t)
	s.cacheTerms(r.t.ops.Spec(), t)
	if r.away.alone {
		t.Flags |= protocol.Alone
	}
	if err := r.t.ops.(away).pack(r, t); err != nil {
		b.Tasks = b.Tasks[:len(b.Tasks)-1]
		r.final = true
		s.arrive(r, err, 0)
	}
}

// cacheTerms has a task run uncached if its function is a copy that is cached otherwise than the registered one: workers
// know that one, and would find results that aren't this one's.
func (s *Session) cacheTerms(sp *Spec, t *protocol.Task) {
	base := sp.reg.fn.options()
	if sp.Opts.Cache == base.Cache && (sp.Opts.Cache == nil || sp.Opts.Version == base.Version) {
		return
	}
	t.Flags |= protocol.Uncached
	s.uncached(sp, errCachedCopy)
}

var errCachedCopy = errors.New("workers know a function as it is registered, and not its copies: " +
	"pass Cached and Version to Func, instead of With")

// wireKey names the task, whatever its attempt: its key in the job's journal, or its number.
func (s *Session) wireKey(r *Run) (k protocol.Key) {
	if id := r.t.ident; id != nil && id.known.Load() {
		return protocol.Key(id.key)
	}
	binary.LittleEndian.PutUint64(k[:], r.num)
	return k
}

// demand says in a task what the options ask for.
func (o *Options) demand(t *protocol.Task) {
	if o.IO {
		t.Need.IO = 1
	} else {
		t.Need.CPU = units(o.CPUs)
	}
	t.Need.Memory = o.Memory
	if o.Once {
		t.Flags |= protocol.Once
	}
	if o.Isolated {
		t.Flags |= protocol.Isolated
	}
	for _, r := range o.Resources {
		if r.Name == GPU {
			t.Need.GPUs = units(r.N)
			continue
		}
		t.Need.Named = append(t.Need.Named, protocol.Amount{Name: r.Name, N: units(r.N)})
	}
	t.Timeout = o.Timeout
}

// room is an offer's by dimension; the slice is the session's. The mutex is held.
func (s *Session) room(o *protocol.Offer) []int64 {
	f := append(s.carried.offered[:0], o.CPU, o.IO, o.Memory)
	for range len(s.dims) {
		f = append(f, 0)
	}
	if d, ok := s.dims[GPU]; ok {
		f[d] = o.GPUs
	}
	for _, a := range o.Named {
		if d, ok := s.dims[a.Name]; ok {
			f[d] = a.N
		}
	}
	s.carried.offered = f
	return f
}

// awayNeed interns a function's need of room elsewhere. The mutex is held.
func (s *Session) awayNeed(sp *Spec, chunk bool) coordinator.NeedID {
	last := &s.carried.lastNeed[0]
	if chunk {
		last = &s.carried.lastNeed[1]
	}
	if last.of == sp && last.at == s.m.ForgottenNeeds() {
		return last.id
	}
	for _, r := range sp.Opts.Resources {
		if _, ok := s.dims[r.Name]; !ok {
			s.dims[r.Name] = s.m.AddDim()
		}
	}
	a, _ := s.amountsOf(&sp.Opts) // its only error is an unknown resource
	id := s.m.AwayNeed(a, s.classOf(sp, chunk))
	if chunk {
		s.m.SetPack(id, s.carried.quota.pack(2)) // so that the next one is there when one ends
	}
	last.of, last.id, last.at = sp, id, s.m.ForgottenNeeds()
	return id
}

// wake tells the carrier that something is ready. The mutex is held.
func (s *Session) wake() {
	if s.cfg.Carrier != nil && s.m.AwayNews() {
		s.cfg.Carrier.Wake()
	}
}

// arrive ends an attempt that ran elsewhere: with err, or with the result that unpack has stored.
func (s *Session) arrive(r *Run, err error, took time.Duration) {
	if !r.Commit() {
		return // it was given up or taken back
	}
	res, err := r.judge(err, err)
	s.mu.Lock()
	s.arrived(r, err, res, took, s.now())
	s.flush()
}

// arrived is the part of arrive under the mutex, by whoever has committed the attempt.
func (s *Session) arrived(r *Run, err error, res coordinator.Result, took time.Duration, now int64) {
	if took > 0 {
		r.start = now - int64(took)
	}
	s.acquit(r.id) // it has ended by itself
	s.conclude(r, err, res, now)
	s.release()
}

// Load counts for those who look at the job from outside.
func (s *Session) Load() protocol.RenewJob {
	attempts := s.lost.list() // without the mutex: it calls what users have written
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.load
	out := protocol.RenewJob{
		Done: l.done, Failed: l.failed, Running: l.open, Waiting: s.m.Len() - l.open, Functions: l.functions(), Attempts: attempts,
	}
	s.quotaLoad(&out)
	return out
}

// stopAway tells the node of an attempt to interrupt it, or kills its process. The mutex is held.
func (s *Session) stopAway(r *Run) {
	switch {
	case r.away == nil || r.away.apart == nil && r.away.node == "":
	case r.away.apart != nil:
		r.away.apart.proc.Kill("its task was told to end")
	default:
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
	}
}
