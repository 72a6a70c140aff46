package agent

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// job is what the machine does for one job. Its fields are the Agent's mutex's, unless they say otherwise.
type job struct {
	id      string
	epoch   uint32
	cfg     *Config // the agent's, as the mutex isn't needed for it
	log     *slog.Logger
	journal *journal
	up      *uplink

	ctx    context.Context // ends with the job
	cancel context.CancelFunc
	all    sync.WaitGroup // of the job's goroutines
	over   bool

	uploads atomic.Int32      // of results that are to be recorded then
	info    *protocol.JobInfo // nil until the head has said it
	binary  *protocol.Binary  // for this machine
	missing int               // digests in a row that didn't list the job
	ready   *prepared         // its files, once they are there
	prepare sync.Mutex        // held by the goroutine that prepares them, without the Agent's
	logfile *joblog           // prepare's
	account *account          // under which workers run; nil for the agent's own
	refusal string            // why the machine doesn't serve the job; "" if it does
	before  <-chan struct{}   // closed once what an earlier job of that id has left is gone; may be nil

	main     *proc                         // runs all but tasks with a flag
	singles  map[*proc]bool                // run those that may have killed a worker, each one at a time
	others   map[*proc]bool                // isolated tasks' workers, and those that get no more tasks
	waiting  map[protocol.Attempt]*waiting // taken, and not given to a worker yet
	seq      uint64                        // of the last of them
	batches  recent                        // numbers of the batches that came
	fetching map[string]*fetch

	offer   offered
	life    uint64      // in offers: what an earlier job of that id had here is gone
	telling bool        // a new coordinator hasn't heard yet what runs on for the one before
	used    ledger.Room // of the machine, but for what is lent
	drift   drift
	quota   quota
	lends   int // attempts that lend their CPUs while they wait

	deaths int // of workers in a row that hadn't lived long
	failed int // starts in a row that came to nothing
	stops  []stopped
}

// prepared are a job's files on this machine.
type prepared struct {
	dir     string
	account *account // whose they are; nil for the agent's own
	objects *object.Dir
	log     *joblog
}

// offered is the state of offers to a job.
type offered struct {
	number uint64
	parked bool
	room   ledger.Room // what was free then
	cpu    int64       // what was offered of its CPUs
	before int64       // CPUs of the offer before
	at     time.Time   // when it was made last
	since  time.Time   // when its coordinator was first asked since it last gave something
	none   bool        // it has said since that it has nothing
	rest   time.Time   // nothing is offered before
	pause  time.Duration
	gave   time.Time // when the last batch came
	taken  uint64    // its number
}

// held is an attempt that a worker has.
type held struct {
	ledger.Charge
	key    protocol.Key
	next   *held    // another attempt of the same task, or of one whose place was the same
	task   uint64   // its number
	rare   *blocked // nil for those that wait for nothing
	lease  *lease   // of GPUs; nil without
	need   int64    // CPU: a task of a pack is charged a part of it
	spoke  bool     // it has made calls or asked for something
	asked  bool     // its coordinator wants it back, unless it has begun
	once   bool     // it must not run twice
	early  bool     // its outcome may be told ahead of the journal
	number uint32   // the attempt's
	fn     uint32   // its function's place among the job's
	orphan bool     // it was told to end since nobody can answer it: its outcome doesn't count
}

// waiting is a task that was taken and isn't with a worker yet.
type waiting struct {
	task protocol.Task
	held held
	seq  uint64 // they go to workers in the order in which they came
	asks bool   // it waits for Begin
	left int    // obstacles: objects on their way, the record of its start
	proc *proc  // an isolated one's
}

// at is the attempt that waits.
func (w *waiting) at() protocol.Attempt { return protocol.Attempt{Task: w.task.ID, N: w.task.Attempt} }

// recent remembers the last numbers that it was given.
type recent struct {
	ring [256]uint64
	at   int
}

// add reports whether the number is new.
func (r *recent) add(n uint64) bool {
	for _, had := range r.ring {
		if had == n+1 {
			return false
		}
	}
	r.ring[r.at] = n + 1 // 0 is nothing
	r.at = (r.at + 1) % len(r.ring)
	return true
}

// procs are the job's worker processes.
func (j *job) procs() []*proc {
	var list []*proc
	if j.main != nil {
		list = append(list, j.main)
	}
	for p := range j.singles {
		list = append(list, p)
	}
	for p := range j.others {
		list = append(list, p)
	}
	return list
}

// holder is the worker that has an attempt of this epoch.
func (j *job) holder(at protocol.Attempt) (*proc, *held, bool) {
	if j.main != nil {
		if h := j.main.tasks.get(at); h != nil {
			return j.main, h, true
		}
	}
	for p := range j.singles {
		if h := p.tasks.get(at); h != nil {
			return p, h, true
		}
	}
	for p := range j.others {
		if h := p.tasks.get(at); h != nil && p.epoch == j.epoch {
			return p, h, true
		}
	}
	return nil, nil, false
}

// know makes a job that the agent hasn't heard of, or the next epoch of one. The mutex is held.
func (a *Agent) know(id string, epoch uint32) *job {
	j := a.jobs[id]
	switch {
	case a.leaving:
		return j
	case j == nil:
		j = a.newJob(id, epoch)
		a.jobs[id] = j
		j.all.Go(func() { a.learn(j) })
	case epoch > j.epoch:
		a.nextEpoch(j, epoch)
	}
	j.offer.rest, j.offer.pause = time.Time{}, 0
	a.wake()
	return j
}

func (a *Agent) newJob(id string, epoch uint32) *job {
	log := a.log.With("job", id)
	j := &job{
		id: id, epoch: epoch, cfg: &a.cfg, log: log, life: rand.Uint64() | 1, //nolint:gosec // not a secret
		journal: newJournal(a.conn, log, &a.outbox, id, a.cfg.Node, a.inbox+".o."+id+"."),
		up:      newUplink(a.conn, log, id, a.cfg.Node, a.inbox),
		singles: map[*proc]bool{}, others: map[*proc]bool{}, waiting: map[protocol.Attempt]*waiting{}, fetching: map[string]*fetch{},
	}
	j.journal.confirms, j.up.backs = &a.counters.confirms, &a.counters.backs
	j.journal.number = j.life >> 1 // no other journal of that job waits for the same answers
	j.up.begin(epoch)
	j.before = a.leaves[id]
	j.ctx, j.cancel = context.WithCancel(a.ctx)
	j.all.Go(j.journal.run)
	j.all.Go(func() { j.up.run(j.ctx) })
	return j
}
