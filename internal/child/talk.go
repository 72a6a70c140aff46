package child

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

// helloWithin is how long a program may take to say hello: its initialisation may take its time.
const helloWithin = time.Minute

// converse reads frames, from hello on, until there are no more or one makes no sense.
func (c *Child) converse(conn net.Conn, h Handler, all *sync.WaitGroup) error {
	frames := protocol.NewFrameReader(conn)
	if err := c.hello(frames, h); err != nil {
		return err
	}
	all.Go(func() {
		_ = c.out.run(conn)
		_ = conn.Close()
	})
	for {
		kind, body, err := frames.Next()
		if err != nil {
			return err
		}
		if err := c.hear(func() error { return h.Frame(kind, body) }); err != nil {
			c.Kill(err.Error())
			return err
		}
	}
}

func (c *Child) hello(frames *protocol.FrameReader, h Handler) error {
	late := time.AfterFunc(helloWithin, func() { c.Kill("it hasn't said hello within a minute") })
	defer late.Stop()
	kind, body, err := frames.Next()
	if err != nil {
		return err
	}
	if kind != protocol.FrameHello {
		return fmt.Errorf("its first frame is of kind %d, not a hello", kind)
	}
	hello, err := protocol.ReadHello(body)
	if err != nil {
		return err
	}
	return c.hear(func() error {
		h.Hello(&hello)
		c.greeted.Store(true)
		return nil
	})
}

// hear hands on what the worker has said. Nobody reads from it meanwhile, so it isn't the worker that is silent.
func (c *Child) hear(tell func() error) error {
	c.busy.Store(true)
	err := tell()
	c.heard.Add(1)
	c.busy.Store(false)
	return err
}

// watch asks the worker whether it lives, and kills it when it is to be killed or hasn't quit within the grace. It
// returns when the process has ended.
func (c *Child) watch(p running) {
	every := min(c.cfg.PingEvery, time.Second)
	tick := time.NewTicker(every)
	defer tick.Stop()
	quit := c.quit
	var late <-chan time.Time
	for {
		select {
		case <-p.gone():
			return
		case <-quit:
			timer := time.NewTimer(c.cfg.Grace)
			defer timer.Stop()
			quit, late = nil, timer.C
		case <-tick.C:
			c.ping(p, every)
		case <-late:
			p.kill()
			<-p.gone()
			return
		case <-c.kill:
			p.kill()
			<-p.gone()
			return
		}
	}
}

// silence is for how long a worker has said nothing. It is counted in ticks, not by a clock, so that the time in which this
// process itself was stopped, or the machine asleep, isn't held against the worker.
type silence struct {
	heard uint64 // what it had said when it was looked at last
	lasts time.Duration
	asked bool // for its stacks
}

// ping asks a worker that says nothing whether it lives. It is called each tick.
func (c *Child) ping(p running, tick time.Duration) {
	select {
	case <-c.over:
		return
	default:
	}
	s := &c.silence
	if n := c.heard.Load(); n != s.heard || c.busy.Load() || !c.greeted.Load() {
		*s = silence{heard: n}
		return
	}
	s.lasts += tick
	switch {
	case s.lasts >= c.cfg.Silence+c.cfg.Grace:
		c.Kill(fmt.Sprintf("it hasn't answered for %v", c.cfg.Silence))
	case s.lasts >= c.cfg.Silence && !s.asked:
		s.asked = true
		c.cfg.Logger.Warn("a worker doesn't answer: it is asked for its stacks, which stand where it writes to, and killed then")
		p.stacks()
	case s.lasts >= c.cfg.PingEvery:
		c.Send(protocol.FramePing, nil)
	}
}
