package remote

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// Carrier carries the tasks of one session. Open makes it, Start begins to carry, Close ends it.
type Carrier struct {
	config Config
	opened protocol.JobOpened
	conn   *nats.Conn
	asks   Control // as the job
	inbox  string  // answers from nodes come to subjects below it
	job    Job     // from Start on

	mu        sync.Mutex // guards what follows; nobody calls the Job, NATS or a hook with it
	lot       dispatch.Lot
	spread    dispatch.Spread
	prefers   maphash.Seed // its order of nodes
	handed    dispatch.Handed
	downs     dispatch.Downs
	decisions decisions
	nodes     *dispatch.Nodes
	births    dispatch.Births
	roll      dispatch.RollCall
	lease     dispatch.Lease
	rests     map[string][]part // batches that didn't fit into the answers that they were for, by node
	once      map[string]bool   // what was noted already
	notes     []string          // what is to be noted where a hook may be called
	cause     error             // why carrying has ended, if by itself
	server    string            // that this is connected to, or was last
	probes    int               // how often it was asked whether the stream has lost its end
	unsure    bool              // the stream may have lost its end
	subs      []*nats.Subscription

	quota   *protocol.Quota // the renewing goroutine's own; nil before the first
	refused time.Time       // the same: since when neither the job nor its user is let in

	early    protocol.Outcomes // the goroutine's that hears nodes
	giver    giver             // the serving goroutine's own
	journal  journal           // the reading goroutine's own, but for what it guards
	attempts atomic.Uint64     // that didn't succeed, and of which the head was told: the last one's number
	read     atomic.Uint64     // the journal was read up to there
	paused   atomic.Bool       // nothing is handed out until the job is renewed
	leaving  atomic.Bool       // nothing is handed out any more
	news     atomic.Bool       // all parked offers may find tasks, and not only those that have just come
	wake     signal            // parked offers may find tasks
	speak    signal            // there is something to say to a node
	deciding signal            // there may be a decision to record
	quiet    signal            // all was heard that was to be said
	renewing signal            // renew at once
	tell     sync.Mutex        // one call of Job.Outcomes at a time

	ctx     context.Context // ends when carrying does
	end     context.CancelFunc
	running sync.WaitGroup
	lost    sync.Once // for Config.Superseded
	closing sync.Once
	closed  error // of Close
}

// signal is remembered until it is read, once.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) give() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// Job is the job's id.
func (c *Carrier) Job() string { return c.opened.Job }

// Epoch is the job's epoch, which counts how often it was opened.
func (c *Carrier) Epoch() uint32 { return c.opened.Epoch }

// Ages are the cluster's periods.
func (c *Carrier) Ages() protocol.Ages { return c.opened.Ages }

// Wake says that tasks are ready which a parked offer may take. It is cheap, never blocks, and may be called under locks.
func (c *Carrier) Wake() {
	c.news.Store(true)
	c.wake.give()
}

// Renew has the head told soon of what the Job says of its load. Like Wake, it may be called under locks.
func (c *Carrier) Renew() { c.renewing.give() }

// Send says an item to a node's agent, after those before it: Settle, Stop, TakeBack. It is sent again until it is
// heard. It is cheap, never blocks, and may be called under locks. To a node that is dead nothing is said, nor to "".
func (c *Carrier) Send(node string, it protocol.Item) {
	if c.ctx.Err() != nil || node == "" {
		return
	}
	c.mu.Lock()
	if !c.nodes.Gone(node) && c.downs.Add(node, it) {
		c.notes = append(c.notes, "node "+node+" doesn't listen: 64 MiB wait for it; see its agent's log")
	}
	c.mu.Unlock()
	c.speak.give()
}

// Start begins to carry. It returns once Config.Replay has had all that was recorded before this epoch.
func (c *Carrier) Start(ctx context.Context, job Job) error {
	c.job = job
	replayed := make(chan struct{})
	if err := c.follow(replayed); err != nil {
		return err
	}
	c.keepTo(c.opened.Quota)
	c.start(c.renew)
	select {
	case <-replayed:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return c.ended()
	}
	if _, err := c.subscribe(protocol.AllUp(c.opened.Job), c.onUp); err != nil {
		return err
	}
	if _, err := c.subscribe(protocol.AskSubject(c.opened.Job), c.onAsk); err != nil {
		return err
	}
	if err := c.arrived(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	c.roll.Begin(time.Now()) // nodes couldn't be heard before
	c.mu.Unlock()
	c.start(c.serve)
	c.start(c.say)
	c.start(c.decide)
	c.start(c.tick)
	c.Wake() // for the offers that came meanwhile
	return nil
}

func (c *Carrier) start(f func()) {
	c.running.Go(f)
}

// note tells the hook a line. Not under locks.
func (c *Carrier) note(text string) { c.config.Note(text) }

// noteOnce tells it only the first time, for what may come again and again.
func (c *Carrier) noteOnce(text string) {
	c.mu.Lock()
	said := c.once[text] || len(c.once) >= maxOnce
	if !said {
		c.once[text] = true
	}
	c.mu.Unlock()
	if !said {
		c.note(text)
	}
}

const maxOnce = 1000 // texts that are remembered; beyond, nothing is noted any more
