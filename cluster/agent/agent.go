package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/child"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// Agent is a machine of a cluster. Its methods may be called concurrently.
//
// It serves the jobs of the user whose node it is, as its own system user. Those of others it serves only if it was told
// to, or on Linux as root: then each user's workers run under the system account of that name, if there is one.
type Agent struct {
	cfg       Config
	conn      *nats.Conn
	log       *slog.Logger
	started   time.Time
	folder    *folder
	bins      *binaries
	owners    owners
	limits    *limits // nil for none
	unlimited string  // why there are none, for people
	labels    []protocol.Label
	inbox     string // jobs answer below it as protocol.AnswerSubject says, and journals on INBOX.o.JOB.NUMBER
	refused   refused
	subs      []*nats.Subscription
	outbox    atomic.Int64
	counters  counters
	usage     usage
	transfers chan struct{} // as many values move at once
	alarm     chan struct{} // the clock is to look again when it wakes
	newer     chan struct{} // the head is to hear of the node at once
	stopped   chan struct{} // closed when somebody who may has asked the agent to stop
	asked     sync.Once
	ending    sync.Once

	ctx    context.Context // of all that the agent does
	cancel context.CancelFunc
	all    sync.WaitGroup // of all goroutines

	mu        sync.Mutex
	ledger    ledger.Ledger
	shares    shares
	hold      *hold // nil for none
	gpus      gpus
	jobs      map[string]*job
	drivers   map[string]*driver         // the last attempt of each submission's that was here
	past      []*driver                  // that have ended lately: their logs are there still
	recording map[*job]bool              // those that have ended, and whose outcomes aren't all recorded
	leaves    map[string]<-chan struct{} // closed once what a job that has ended leaves behind is gone
	resume    []*blocked                 // attempts that can go on once their CPUs are free, before anything new starts
	leaving   bool                       // no task is taken any more
	foreign   bool                       // the head doesn't understand this version, so no task is taken
	drain     drain
	server    string // that the agent is connected to, or was last
	batch     protocol.Batch
	armed     time.Time // when the clock looks, if that isn't zero
}

// Start joins the machine to the cluster: it ends what a predecessor left, hears of the jobs and offers room to them.
// ctx bounds the start alone.
func Start(ctx context.Context, c Config) (*Agent, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if !child.Supported {
		return nil, errors.New("start the agent: agents run on Linux and macOS only, not on this system yet")
	}
	owners, err := c.owners()
	if err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	folder, err := openFolder(c.StateDir, owners.switches, c.Logger)
	if err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: c, conn: c.Conn, log: c.Logger.With("node", c.Node), started: time.Now(), folder: folder, owners: owners,
		inbox: c.Conn.NewInbox(), alarm: make(chan struct{}, 1), newer: make(chan struct{}, 1), stopped: make(chan struct{}),
		transfers: make(chan struct{}, 8),
		ledger:    ledger.New(c.room()), gpus: newGPUs(c.GPUs), jobs: map[string]*job{}, leaves: map[string]<-chan struct{}{},
		recording: map[*job]bool{}, drivers: map[string]*driver{}, usage: newUsage(),
	}
	a.drain = drain{on: folder.wasDrained(c.Node), over: true} // nothing runs yet that could end
	a.labels = a.record().AllLabels()
	a.ctx, a.cancel = context.WithCancel(context.Background())
	if c.Limits {
		a.limit()
	}
	if a.bins, err = openBinaries(folder, c.BinaryRoom, c.HeadBlobs); err == nil {
		err = errors.Join(folder.note(c.Node), a.listen(ctx))
	}
	if err != nil {
		a.Stop()
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	a.all.Go(a.clock)
	a.all.Go(a.report)
	a.all.Go(a.tellLoad)
	a.all.Go(a.catchUp)
	return a, nil
}

// unit is one CPU, or one of a named resource.
const unit = ledger.Unit

func (c *Config) room() ledger.Room {
	r := ledger.Room{CPU: int64(c.CPUs * unit), IO: int64(c.IO), Memory: c.Memory, GPUs: int64(c.GPUs * unit)}
	for _, name := range sortedKeys(c.Named) {
		r.Named = append(r.Named, protocol.Amount{Name: name, N: c.Named[name]})
	}
	return r
}

// limit makes the workers' cgroup, if that can be.
func (a *Agent) limit() {
	var err error
	if a.limits, err = openLimits(findCgroups(), a.cfg.Node, a.cfg.Memory); err != nil {
		a.unlimited = err.Error()
		a.log.Info("workers have no limits of their own: " + a.unlimited)
		return
	}
	a.log.Info("workers are limited", "cgroup", a.limits.base)
}

// listen subscribes to all that the agent hears.
func (a *Agent) listen(ctx context.Context) error {
	for subject, handle := range map[string]nats.MsgHandler{
		protocol.AnswerSubject(a.inbox, protocol.AnswerOffer, "*", "*"): a.onBatch,
		protocol.AnswerSubject(a.inbox, protocol.AnswerUp, "*", "*"):    a.onHeard,
		a.inbox + ".o.*.*":                    a.onConfirmed,
		protocol.AllDown(a.cfg.Node):          a.onDown,
		protocol.NodeSubject(a.cfg.Node, ">"): a.onRequest,
		protocol.AllNews:                      a.onNews,
		protocol.JobsDigest:                   a.onDigest,
	} {
		sub, err := a.conn.Subscribe(subject, a.only(subject, handle))
		if err != nil {
			return err
		}
		_ = sub.SetPendingLimits(-1, 256<<20)
		a.subs = append(a.subs, sub)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return a.conn.FlushWithContext(ctx)
}

// Done is closed when the cluster has asked the agent to stop. Stop does.
func (a *Agent) Done() <-chan struct{} { return a.stopped }

// Stop ends the workers and what the agent does, gives back the tasks that have no outcome, and waits until their
// coordinators have heard it and the outcomes are in the journals, but at most Grace for each of the two. Calling it
// again waits for the first call.
func (a *Agent) Stop() {
	a.ending.Do(a.stop)
}

func (a *Agent) stop() {
	a.leave()
	deadline := time.Now().Add(a.cfg.Grace)
	for !a.hasSettled() && time.Now().Before(deadline) && a.conn.IsConnected() && sleep(a.ctx, 5*time.Millisecond) {
	}
	for _, sub := range a.subs {
		_ = sub.Unsubscribe()
	}
	a.mu.Lock()
	for _, j := range a.jobs {
		a.end(j, "the agent stops")
	}
	a.mu.Unlock()
	a.cancel()
	a.all.Wait()
	a.forgetDrivers()
	if a.conn.IsConnected() {
		a.reportStop()
	}
	a.limits.close()
	a.folder.close()
}

// leave gives back all that has no outcome, and ends the workers.
func (a *Agent) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leaving = true
	a.leaveDrivers()
	a.giveBackEverything(whyLeaves)
}

// giveBackEverything ends the workers, and gives back what they had and what waits for one. The mutex is held.
func (a *Agent) giveBackEverything(why string) {
	for _, j := range a.jobs {
		for _, p := range j.procs() {
			p.end(why)
			a.giveBackAll(j, p, protocol.Returned, why)
		}
		for at, w := range j.waiting {
			a.giveBackWaiting(j, at, w, protocol.Returned, why)
		}
	}
}

func (a *Agent) hasSettled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled()
}

// settled reports whether all has been said, and recorded. The mutex is held.
func (a *Agent) settled() bool {
	for _, j := range a.jobs {
		if !j.up.idle() || !j.recorded() {
			return false
		}
	}
	return a.driversOver()
}

// clock does what comes with time.
func (a *Agent) clock() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case now := <-tick.C:
			a.tick(now)
			a.offer()
		case <-a.alarm:
			a.mu.Lock()
			timer.Reset(time.Until(a.armed))
			a.mu.Unlock()
		case <-timer.C:
			a.mu.Lock()
			a.armed = time.Time{}
			a.mu.Unlock()
			a.offer()
		}
	}
}

// wakeAt makes the clock look at a time, at the latest. The mutex is held.
func (a *Agent) wakeAt(at time.Time) {
	if !a.armed.IsZero() && !at.Before(a.armed) {
		return
	}
	a.armed = at
	select {
	case a.alarm <- struct{}{}:
	default:
	}
}

// wake makes the clock look now. The mutex is held.
func (a *Agent) wake() { a.wakeAt(time.Now()) }

// tick repeats what got no answer, and ends attempts that don't end.
func (a *Agent) tick(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.checkHold(now)
	for _, j := range a.jobs {
		j.journal.repeat(now.Add(-repeatAfter))
		a.overdue(j, now)
	}
	a.endDrain(now)
	for j := range a.recording {
		j.journal.repeat(now.Add(-repeatAfter))
	}
}
